//! Verifies the manager's certificate, and explains why a certificate is rejected.

pub(crate) mod alert;
pub(crate) mod certificate;
pub(crate) mod certificate_file;
pub(crate) mod config;
pub(crate) mod diagnosis;
pub(crate) mod pin;
pub(crate) mod verdict;
pub(crate) mod verifier;
