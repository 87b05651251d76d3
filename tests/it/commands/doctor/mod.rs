//! `doctor`: the result of each check. A check is skipped if the check that it depends on fails. No secret is sent without `--sign-in`.

mod connection;
mod fixture;
mod local;
mod output;
mod sign_in;
