//! Profiles of `config.toml`.

mod diagnostics;
mod selection;
mod trust;
