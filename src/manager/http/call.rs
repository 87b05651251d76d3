//! The description of a failed call. The error of the call is built from it.

use crate::manager::address::Address;

/// The kind of credentials that authenticated a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignerKind {
    /// No credentials. For example, the check whether the manager is ready sends none.
    None,
    /// A password. Only a sign-in sends a password.
    Password,
    /// A session.
    Session,
    /// An API key of the manager.
    ApiKey,
    /// An API key of Cloud One.
    CloudOneKey,
}

impl SignerKind {
    /// Returns true if an API key of the manager or of Cloud One authenticated the call.
    pub(crate) fn is_key(self) -> bool {
        matches!(self, Self::ApiKey | Self::CloudOneKey)
    }
}

/// The call that failed.
#[derive(Clone, Copy)]
pub(crate) struct CallContext<'a> {
    /// The purpose of the call, such as `sign in`. It follows `could not` in messages.
    pub(crate) action: &'a str,
    /// The address of the manager.
    pub(crate) address: &'a Address,
    /// The kind of credentials that authenticated the call.
    pub(crate) signer: SignerKind,
}
