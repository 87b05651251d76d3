//! `swp-keys`

#[cfg(feature = "sandbox")]
pub mod sandbox;

/// The program.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
