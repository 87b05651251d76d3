//! The client of the Deep Security Manager API. This module does not depend on the command line, the output or the disk.
//!
//! [`Manager`] is a connection without credentials. Calls that need credentials are methods of [`SignedIn`]. `docs/manager-api.md` describes the API.
//! That page also lists open questions about the API. Code that touches an open question works for every possible answer, and a comment there
//! explains why.

mod address;
mod api;
mod client;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod http;
mod json;
mod probe;
pub(crate) mod reachability;
mod readiness;
mod tls;

pub(crate) use address::{Address, KEY_PAGE};
pub(crate) use api::administrators::Administrator;
pub(crate) use api::api_key::{ApiKey, LastUse};
pub(crate) use api::api_keys::{KeyChange, KeyFilter, NO_EXPIRY, NewApiKey};
pub(crate) use api::role_summary::RoleSummary;
pub(crate) use api::roles::{NamedRole, Role};
pub(crate) use api::search::MAX_BYTES_HELD;
pub(crate) use api::sessions::SignIn;
pub(crate) use client::{Manager, SignedIn, named_key};
pub(crate) use error::{Cause, ManagerError, SignInRefusal};
pub(crate) use http::credentials::{Credentials, KeyHeader, Session};
pub(crate) use http::proxy::{Proxy, ProxyAddress, ProxyProblem};
pub(crate) use http::renewal::SessionRenewal;
pub(crate) use http::transport::ConnectionOptions;
pub(crate) use probe::ServerCertificate;
pub(crate) use tls::certificate::CertificateDetails;
pub(crate) use tls::config::Trust;
pub(crate) use tls::diagnosis::{
    CertificateProblem, fingerprint_pinned_instead, key_fingerprint_command,
};
pub(crate) use tls::pin::{Fingerprint, Pin, PinSet, incomplete_fingerprint};
