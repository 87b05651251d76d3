//! Bytes that are sent directly to the connection, bypassing the HTTP library.

use bytes::Bytes;

/// The way in which a connection ends after a takeover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Closes the TCP connection without closing TLS.
    Close,
    /// Closes TLS, then the TCP connection.
    CloseTls,
    /// Resets the TCP connection.
    Reset,
    /// Sends nothing more and keeps the connection open.
    Stall,
}

/// Bytes that are sent instead of the HTTP library's response, and how the connection ends afterwards.
#[derive(Clone, Debug)]
pub(crate) struct Takeover {
    pub(crate) bytes: Bytes,
    pub(crate) ending: Ending,
}
