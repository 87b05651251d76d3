//! `doctor`: what each check finds, that a check is skipped after the one it needs, and that nothing secret is sent without `--sign-in`.

mod connection;
mod fixture;
mod local;
mod output;
mod sign_in;
