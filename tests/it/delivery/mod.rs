//! The destinations of a secret.

mod command;
mod concurrency;
mod dotenv;
mod github;
#[cfg(target_os = "linux")]
mod mounted_files;
mod several_sinks;
mod sinks;
#[cfg(unix)]
mod streams;
