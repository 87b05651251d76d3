//! The sources of passwords, MFA codes and API keys.

mod api_keys;
#[cfg(unix)]
mod commands;
mod sources;
mod validation;
