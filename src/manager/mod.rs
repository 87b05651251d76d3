//! The Deep Security Manager over HTTP, and nothing of the command line: no flags, no output, no disk.
//!
//! [`Manager`] is one that nobody has signed in to; all that needs a signature hangs on [`SignedIn`], which is made from
//! credentials alone. The contract, fact by fact, is the vendor's; where it is silent, the code is right either way and says so.

mod address;
mod api;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod host;
mod http;
mod json;
mod other_service;
mod probe;
mod readiness;
mod tls;

use std::cell::OnceCell;

use chrono::{DateTime, Utc};
use ring::hmac;

pub(crate) use address::Address;
pub(crate) use api::administrators::Administrator;
pub(crate) use api::api_key::ApiKey;
pub(crate) use api::api_keys::{KeyChange, KeyFilter, NO_EXPIRY, NewApiKey};
pub(crate) use api::role_summary::{NamedRole, RoleSummary};
pub(crate) use api::roles::Role;
pub(crate) use api::search::MOST_KEPT;
pub(crate) use api::sessions::SignIn;
pub(crate) use error::{Cause, ManagerError, SignInRefusal};
pub(crate) use http::credentials::{Credentials, KeyHeader, Session};
pub(crate) use http::proxy::{Proxy, ProxyAddress, ProxyProblem};
pub(crate) use http::renewal::SessionRenewal;
pub(crate) use http::transport::ConnectionOptions;
pub(crate) use other_service::KEY_PAGE;
pub(crate) use probe::ServerCertificate;
pub(crate) use tls::certificate::CertificateDetails;
pub(crate) use tls::config::Trust;
pub(crate) use tls::diagnosis::{CertificateProblem, fingerprint_pinned, key_fingerprint_command};
pub(crate) use tls::pin::{Fingerprint, Pin, PinSet};

use http::transport::Transport;

/// A manager that nobody has signed in to.
pub(crate) struct Manager {
    transport: Transport,
}

/// A manager, and what signs the calls to it.
pub(crate) struct SignedIn {
    transport: Transport,
    credentials: Credentials,
    /// Where to ask for a new session, if the first one has ended.
    renewal: Option<SessionRenewal>,
    /// The session that came of it.
    renewed: OnceCell<Credentials>,
}

impl Manager {
    /// Sets up the way to a manager; nothing is sent yet.
    ///
    /// # Errors
    /// Where the proxy or the trusted certificates cannot be used.
    pub(crate) fn new(options: &ConnectionOptions) -> Result<Self, ManagerError> {
        Transport::new(options).map(|transport| Self { transport })
    }

    /// Signs every call with credentials that exist already.
    #[must_use]
    pub(crate) fn with(self, credentials: Credentials) -> SignedIn {
        SignedIn {
            transport: self.transport,
            credentials,
            renewal: None,
            renewed: OnceCell::new(),
        }
    }
}

impl SignedIn {
    /// The same way to the same manager, signed with other credentials.
    #[must_use]
    pub(crate) fn with(self, credentials: Credentials) -> Self {
        Self {
            transport: self.transport,
            credentials,
            renewal: None,
            renewed: OnceCell::new(),
        }
    }

    /// The manager's time, as far as an answer has told it; else this machine's.
    #[must_use]
    pub(crate) fn time(&self) -> DateTime<Utc> {
        self.transport.manager_time()
    }

    /// How far the manager's clock is ahead of this machine's; none before its first answer.
    #[must_use]
    pub(crate) fn clock_skew(&self) -> Option<chrono::Duration> {
        self.transport.skew()
    }

    /// The version that the manager's answers name; none where they do not, or there was none yet.
    #[must_use]
    pub(crate) fn version(&self) -> Option<String> {
        self.transport.version()
    }

    /// Which API key signs the calls; none where a session does. A keyed hash of its secret, of 64 bits: it tells whether two calls
    /// were signed by the same key, and the secret, which is random, cannot be found from it.
    #[must_use]
    pub(crate) fn signer_fingerprint(&self, operation: &str) -> Option<String> {
        let Credentials::ApiKey { secret, .. } = &self.credentials else {
            return None;
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, operation.as_bytes());
        let tag = hmac::sign(&key, secret.expose().as_bytes());
        Some(
            tag.as_ref()[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }

    /// The ID of the key that signs the calls, where its secret begins with it: `8:...`, a shape that was seen and that nobody
    /// promises (manager-api.md, section 2.1).
    #[must_use]
    pub(crate) fn signer_id(&self) -> Option<i64> {
        let Credentials::ApiKey { secret, .. } = &self.credentials else {
            return None;
        };
        let (id, _) = secret.expose().split_once(':')?;
        id.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
        id.parse().ok()
    }

    /// The session that signs the calls, where it is one.
    #[must_use]
    pub(crate) fn session(&self) -> Option<&Session> {
        match self.credentials() {
            Credentials::Session(session) => Some(session),
            Credentials::ApiKey { .. } => None,
        }
    }
}
