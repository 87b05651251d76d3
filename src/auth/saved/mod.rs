//! What `login` saves for later commands: a session or an API key, one file each. A password is never saved.

mod credential;
mod file;
mod query;
mod store;

pub(crate) use credential::{SavedCredential, SavedSecret, shadowed};
pub(crate) use query::CredentialQuery;
