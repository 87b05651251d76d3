//! What a failure must know about the call that failed.

use crate::manager::address::Address;

/// The credentials that signed a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignerKind {
    /// No credentials: the call is a probe.
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
    /// Whether it is an API key of either kind.
    pub(crate) fn is_key(self) -> bool {
        matches!(self, Self::ApiKey | Self::CloudOneKey)
    }
}

/// The call that failed.
#[derive(Clone, Copy)]
pub(crate) struct CallContext<'a> {
    /// What the call was for, such as `sign in`. It follows `could not` in messages.
    pub(crate) action: &'a str,
    /// The address of the manager.
    pub(crate) address: &'a Address,
    /// The credentials that signed the call.
    pub(crate) signer: SignerKind,
}
