//! Servers without any HTTP library behind them: what they do with a connection is the test's choice.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub(crate) use super::certificates::Certificate;
use super::relay::{Connection, Direction, Filter};

/// A connection that speaks TLS once somebody reads or writes.
pub(crate) type TlsStream = StreamOwned<ServerConnection, TcpStream>;

/// A listener on loopback that gives each connection to a closure, on a thread of its own. It stops when it is dropped.
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

    /// The same with a listener that is there already.
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

    /// Waits for the client's first bytes, answers these, and closes.
    pub(crate) fn answering(answer: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        })
    }

    /// Accepts, and never says a word.
    pub(crate) fn silent() -> Self {
        Self::start(
            |mut stream| {
                while !matches!(stream.read(&mut [0; 4096]), Ok(0) | Err(_)) {}
            },
        )
    }

    /// Gives each connection to a closure that speaks TLS with this certificate.
    pub(crate) fn speaking_tls(
        certificate: &Certificate,
        serve: impl Fn(&mut TlsStream) + Send + Sync + 'static,
    ) -> Self {
        Self::speaking(certificate.server(), serve)
    }

    /// The same with TLS that is set up already.
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

    /// Completes a TLS handshake with this certificate if the client does; what is said then goes into `heard`.
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

    /// A manager with this certificate that has a role "Auditor" with the ID 2, and answers nothing else.
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
            // What is unread when a socket is closed takes the answer with it.
            while matches!(stream.sock.read(&mut bytes), Ok(1..)) {}
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // The accept that waits is woken by a last connection.
        if TcpStream::connect(self.address).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

/// Bytes that somebody overheard, from any thread.
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
