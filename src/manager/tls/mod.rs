//! How the certificate of a manager is checked.

pub(crate) mod alert;
pub(crate) mod certificate;
pub(crate) mod certificate_file;
pub(crate) mod config;
pub(crate) mod cryptography;
pub(crate) mod diagnosis;
pub(crate) mod manager_or_proxy;
pub(crate) mod pin;
pub(crate) mod verdict;
pub(crate) mod verifier;
