//! Help, manual, README and SECURITY.md.

mod help;
mod manual;
mod readme;
mod security;
