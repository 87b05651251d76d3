//! A simulated Deep Security Manager on a loopback address, for trying out the program and for tests.
//!
//! The sandbox behaves as `docs/manager-api.md` describes. If that page marks a behaviour as unknown, a setting in [`Unknowns`] selects one
//! of the possible behaviours.
//!
//! The sandbox shares no code and no types with the client for the manager in this package. A mistake in shared code would affect both in
//! the same way, and a test of the client against the sandbox would not find it.

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
