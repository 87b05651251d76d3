//! The credentials that `login` saves for later commands. Each session or API key has its own file. Passwords are never saved.

mod credential;
mod file;
mod query;
mod store;

pub(crate) use credential::{SavedCredential, SavedSecret, shadowed};
pub(crate) use query::CredentialQuery;
