//! A simulated Deep Security Manager on loopback, for trying things out and for tests.
//!
//! It behaves as `docs/manager-api.md` describes. Where that page says "unknown", [`Unknowns`] chooses the behaviour. It shares
//! nothing with this package's client for the manager, not even types: two independent readings of the contract check each other.

mod api;
mod faults;
mod handle;
mod http;
mod options;
mod search;
mod server;
mod state;

pub use faults::fault::{Action, Fault, When};
pub use faults::spec::FAULT_FORM;
pub use handle::{Sandbox, random_password};
pub use options::choices::{
    AnswerFields, ErrorBody, ExpiryZero, MfaCodeType, RetryAfter, SearchLag, SessionLimit,
    SignInAnswer, SignInWording, StickyCookie, StoredText,
};
pub use options::settings::{CertificateKind, SecretShape, Settings, TlsVersions};
pub use options::unknowns::{UNKNOWNS, Unknown, Unknowns};
pub use server::request_log::{Connections, Request};
pub use state::keys::ApiKey;
