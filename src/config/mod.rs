//! Resolves settings from flags, environment variables, a profile and defaults, in this order of precedence. The source of each value is stored with
//! the value.
//!
//! This module does not read secrets from files, commands or the terminal. `auth::secret_source` reads a secret when it is needed.

pub(crate) mod credential_check;
mod credentials;
pub(crate) mod file;
pub(crate) mod global_args;
mod no_proxy;
mod profile_choice;
mod provenance;
mod proxy;
mod resolver;
mod settings;
mod source;
pub(crate) mod switch;
mod tls;
pub(crate) mod values;

pub(crate) use profile_choice::ProfileUse;
pub(crate) use provenance::{ResolvedSetting, settings_table};
pub(crate) use proxy::{ProxyChoice, ProxySettings};
pub(crate) use settings::{ADDRESS_HINT, Settings};
pub(crate) use source::{SecretSource, Source, Sourced};
