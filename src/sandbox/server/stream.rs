//! A TLS stream whose output a request handler can replace with a takeover. A takeover sends its own bytes instead of the bytes of the HTTP
//! library. A takeover also determines how the connection ends. Injected faults use takeovers to drop, truncate and replace responses.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::sandbox::faults::takeover::{Ending, Takeover};

/// The slot for the takeover of one connection. A takeover consists of bytes that are sent instead of the response. A request handler puts the
/// takeover into the slot. The connection's stream removes the takeover from the slot and sends the bytes.
pub(crate) type TakeoverSlot = Arc<Mutex<Option<Takeover>>>;

/// A TLS stream whose output a request handler can replace.
pub(crate) struct TakeoverStream {
    inner: TlsStream<TcpStream>,
    slot: TakeoverSlot,
    active: Option<Takeover>,
}

impl TakeoverStream {
    pub(crate) fn new(inner: TlsStream<TcpStream>, slot: TakeoverSlot) -> TakeoverStream {
        TakeoverStream {
            inner,
            slot,
            active: None,
        }
    }

    /// If the slot contains bytes for this connection, sends these bytes instead of the response, and returns an error, which makes the HTTP library
    /// close the connection. Returns `None` if the slot is empty.
    fn poll_takeover(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Error>> {
        if self.active.is_none() {
            self.active = self
                .slot
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
        }
        let Some(takeover) = &mut self.active else {
            return Poll::Ready(None);
        };
        while !takeover.bytes.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_write(context, &takeover.bytes)) {
                Ok(count) => drop(takeover.bytes.split_to(count)),
                Err(error) => return Poll::Ready(Some(error)),
            }
        }
        if let Err(error) = ready!(Pin::new(&mut self.inner).poll_flush(context)) {
            return Poll::Ready(Some(error));
        }
        match takeover.ending {
            Ending::Close => {}
            Ending::CloseTls => drop(ready!(Pin::new(&mut self.inner).poll_shutdown(context))),
            Ending::Reset => drop(self.inner.get_ref().0.set_zero_linger()),
            Ending::Stall => return Poll::Pending,
        }
        Poll::Ready(Some(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl AsyncRead for TakeoverStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for TakeoverStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(self.poll_takeover(context)) {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.inner).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
