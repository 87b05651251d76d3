//! The sources of passwords, MFA codes and API keys.

mod api_keys;
#[cfg(unix)]
mod commands;
#[cfg(target_os = "linux")]
mod platforms;
mod sources;
mod validation;
