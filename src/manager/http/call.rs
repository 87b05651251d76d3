//! The facts about a failed call that its error depends on.

use crate::manager::address::Address;

/// The credentials that signed a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignerKind {
    /// The call is a probe without credentials.
    None,
    /// The call is the sign-in itself.
    Password,
    /// A session.
    Session,
    /// An API key of the manager.
    ApiKey,
    /// An API key of Cloud One.
    CloudOneKey,
}

impl SignerKind {
    /// Returns true if the signer is an API key of the manager or of Cloud One.
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
    /// The credentials that signed the call.
    pub(crate) signer: SignerKind,
}
