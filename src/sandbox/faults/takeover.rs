//! Takeovers of a connection. A takeover sends given bytes to the client without the HTTP library, and then ends the connection.

use bytes::Bytes;

/// How a connection ends after a [`Takeover`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Closes the TCP connection without closing the TLS session first.
    Close,
    /// Closes the TLS session, and then the TCP connection.
    CloseTls,
    /// Resets the TCP connection.
    Reset,
    /// Leaves the connection open, but sends nothing more.
    Stall,
}

/// The bytes that are sent instead of the response, and the way in which the connection ends afterwards.
#[derive(Clone, Debug)]
pub(crate) struct Takeover {
    pub(crate) bytes: Bytes,
    pub(crate) ending: Ending,
}
