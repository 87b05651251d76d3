//! Where passwords, codes and API keys are read from.

mod api_keys;
#[cfg(unix)]
mod commands;
mod sources;
mod validation;
