//! Help, manual, README, SECURITY.md and the pages in `docs/`.

mod help;
mod manual;
mod readme;
mod security;
mod troubleshooting;
