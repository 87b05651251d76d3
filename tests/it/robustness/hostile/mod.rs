//! A manager, or someone in its place, that lies: each case is one run of the binary against one lie, over real TLS with a certificate
//! that the run trusts. Whatever is said, the run ends with the exit code that it should have, prints nothing on stdout unless it
//! succeeded, tells no secret in any form, sends no terminal a control character, and stays below 64 MiB of memory.

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
