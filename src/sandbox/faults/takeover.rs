//! Takeovers of a connection: bytes that are sent without the HTTP library.

use bytes::Bytes;

/// The way in which a connection ends after a takeover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Closes the TCP connection without closing TLS.
    Close,
    /// Closes TLS, and then the TCP connection.
    CloseTls,
    /// Resets the TCP connection.
    Reset,
    /// Leaves the connection open, but sends nothing more.
    Stall,
}

/// Bytes that are sent instead of the HTTP library's response, and the way in which the connection then ends.
#[derive(Clone, Debug)]
pub(crate) struct Takeover {
    pub(crate) bytes: Bytes,
    pub(crate) ending: Ending,
}
