//! Servers without an HTTP library, so that a test controls what they do with a connection.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub(crate) use super::certificates::Certificate;
use super::relay::{Connection, Direction, Filter};

/// A TLS connection. The handshake happens at the first read or write.
pub(crate) type TlsStream = StreamOwned<ServerConnection, TcpStream>;

/// A listener on loopback that calls a closure for each connection on its own thread. It stops when it is dropped.
pub(crate) struct ScriptedServer {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ScriptedServer {
    pub(crate) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::on(
            TcpListener::bind("127.0.0.1:0").expect("a free port"),
            serve,
        )
    }

    /// Returns a server that uses this listener.
    pub(crate) fn on(
        listener: TcpListener,
        serve: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().expect("a listener has an address");
        let (connections, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (counted, stopped) = (Arc::clone(&connections), Arc::clone(&stop));
        let serve = Arc::new(serve);
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                counted.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(stream));
            }
        });
        Self {
            address,
            connections,
            stop,
            thread: Some(thread),
        }
    }

    /// Returns a server that waits for the client's first bytes, sends this response, and closes.
    pub(crate) fn answering(answer: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        })
    }

    /// Returns a server that accepts connections and sends nothing.
    pub(crate) fn silent() -> Self {
        Self::start(
            |mut stream| {
                while !matches!(stream.read(&mut [0; 4096]), Ok(0) | Err(_)) {}
            },
        )
    }

    /// Returns a server that calls a closure for each TLS connection with this certificate.
    pub(crate) fn speaking_tls(
        certificate: &Certificate,
        serve: impl Fn(&mut TlsStream) + Send + Sync + 'static,
    ) -> Self {
        Self::speaking(certificate.server(), serve)
    }

    /// Returns a server that calls a closure for each TLS connection with this configuration.
    pub(crate) fn speaking(
        configuration: ServerConfig,
        serve: impl Fn(&mut TlsStream) + Send + Sync + 'static,
    ) -> Self {
        let configuration = Arc::new(configuration);
        Self::start(move |stream| {
            let tls = ServerConnection::new(Arc::clone(&configuration)).expect("a connection");
            serve(&mut StreamOwned::new(tls, stream));
        })
    }

    /// Returns a server that completes TLS handshakes with this certificate, and records what it receives in `heard`.
    pub(crate) fn tls(certificate: &Certificate, heard: Recording) -> Self {
        Self::speaking_tls(certificate, move |stream| {
            let mut bytes = [0; 4096];
            loop {
                match stream.read(&mut bytes) {
                    Ok(0) => return,
                    Ok(count) => heard.add(&bytes[..count]),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        })
    }

    /// Returns a manager with this certificate. It has a role "Auditor" with the ID 2, and supports no other call.
    pub(crate) fn serving_one_role(certificate: &Certificate) -> Self {
        Self::speaking_tls(certificate, |stream| {
            let mut head = Vec::new();
            let mut bytes = [0; 4096];
            while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                match stream.read(&mut bytes) {
                    Ok(count @ 1..) => head.extend_from_slice(&bytes[..count]),
                    _ => return,
                }
            }
            let body = "{\"roles\":[{\"ID\":2,\"name\":\"Auditor\"}]}";
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
            // The server reads to the end, because closing a socket with unread data discards the response.
            while matches!(stream.sock.read(&mut bytes), Ok(1..)) {}
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Returns the number of connections.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // A last connection wakes the thread that waits for connections.
        if TcpStream::connect(self.address).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

/// Recorded bytes, from any thread.
#[derive(Clone, Default)]
pub(crate) struct Recording(Arc<Mutex<Vec<u8>>>);

impl Filter for Recording {
    fn pass(&self, connection: &Connection, direction: Direction, bytes: &[u8]) -> bool {
        self.add(bytes);
        connection.send(direction, bytes)
    }
}

impl Recording {
    pub(crate) fn add(&self, bytes: &[u8]) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn holds(&self, text: &str) -> bool {
        (self.bytes().windows(text.len())).any(|window| window == text.as_bytes())
    }
}
