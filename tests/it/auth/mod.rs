//! Sign-in, sign-out and their credentials.

mod api_key;
mod lockout;
mod saved;
mod secret_source;
#[cfg(unix)]
mod session_limit;
mod sign_in;
mod sign_in_refusal;
mod sign_out;
mod wait;
