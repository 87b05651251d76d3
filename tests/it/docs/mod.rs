//! Help, manual, README, SECURITY.md and the pages in `docs/`.

mod architecture;
mod citations;
mod configuration;
mod fleets;
mod help;
mod json;
mod links;
mod manual;
#[cfg(unix)]
mod pages;
#[cfg(unix)]
mod platforms;
mod readme;
#[cfg(unix)]
mod recipes;
mod security;
#[cfg(target_os = "linux")]
mod session;
mod troubleshooting;
