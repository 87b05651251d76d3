//! Hostile managers: each case is one run of the binary against one malicious response, over real TLS with a certificate that the run
//! trusts. The run must end with the expected exit code, print to stdout only if it succeeds, leak no secret in any form, print no
//! control character, and use less than 64 MiB of memory.

mod case;
mod certificates;
mod cookies;
mod creates;
mod deletions;
mod framing;
mod growth;
mod heads;
mod json;
mod launcher;
mod manager;
mod redirects;
mod searches;
mod second_responses;
mod sizes;
mod slow_responses;
mod texts;
mod truncation;
