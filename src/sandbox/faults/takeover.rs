//! Bytes that are sent past the HTTP library.

use bytes::Bytes;

/// How a connection ends after a takeover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Closes the TCP connection without closing TLS.
    Close,
    /// Closes TLS first.
    CloseTls,
    /// Resets the TCP connection.
    Reset,
    /// Sends nothing more and keeps the connection open.
    Stall,
}

/// Bytes that are sent instead of the response of the HTTP library, and how the connection ends after them.
#[derive(Clone, Debug)]
pub(crate) struct Takeover {
    pub(crate) bytes: Bytes,
    pub(crate) ending: Ending,
}
