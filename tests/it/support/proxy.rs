//! A proxy that supports only CONNECT and records everything. Also a port on which nothing listens until a test opens it.

use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpSocket;

use super::relay::join_and_wait;
use super::scripted_server::{Recording, ScriptedServer};

/// A running proxy.
pub(crate) struct Proxy {
    server: ScriptedServer,
    heads: Arc<Mutex<Vec<String>>>,
    heard: Recording,
}

impl Proxy {
    /// Returns a proxy that connects every request to `target`, regardless of the requested host. Only this proxy can resolve the name.
    pub(crate) fn to(target: SocketAddr) -> Self {
        Self::start(move |mut client, heard| {
            let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
            if let Ok(server) = TcpStream::connect(target) {
                join_and_wait(client, server, &Arc::new(heard.clone()));
            }
        })
    }

    /// Returns a proxy that responds to every request with these bytes.
    pub(crate) fn answering(answer: &'static str) -> Self {
        Self::start(move |mut client, _| {
            let _ = client.write_all(answer.as_bytes());
        })
    }

    fn start(serve: impl Fn(TcpStream, &Recording) + Send + Sync + 'static) -> Self {
        let (heads, heard) = (Arc::<Mutex<Vec<String>>>::default(), Recording::default());
        let (recorded, overheard) = (Arc::clone(&heads), heard.clone());
        let server = ScriptedServer::start(move |mut client| {
            let head = head(&mut client);
            overheard.add(head.as_bytes());
            let mut heads = recorded.lock().unwrap_or_else(PoisonError::into_inner);
            heads.push(head);
            drop(heads);
            serve(client, &overheard);
        });
        Self {
            server,
            heads,
            heard,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Returns the address with a user name and a password.
    pub(crate) fn url_with(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}", self.server.address())
    }

    /// Returns the heads of the received requests.
    pub(crate) fn heads(&self) -> Vec<String> {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.clone()
    }

    /// Returns all recorded bytes of both directions.
    pub(crate) fn recording(&self) -> &Recording {
        &self.heard
    }
}

/// Reads up to the empty line, and no further byte.
fn head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && matches!(client.read(&mut byte), Ok(1)) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// A reserved port on which nothing listens: connections to it are refused.
pub(crate) struct ReservedPort {
    socket: TcpSocket,
}

impl ReservedPort {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(any).expect("a free port");
        Self { socket }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("a bound socket")
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address())
    }

    /// Starts to listen on the port, and connects every client to `target`.
    pub(crate) fn open_to(self, target: SocketAddr) -> ScriptedServer {
        ScriptedServer::on(self.listen(), move |client| {
            if let Ok(server) = TcpStream::connect(target) {
                join_and_wait(client, server, &Arc::new(Recording::default()));
            }
        })
    }

    fn listen(self) -> TcpListener {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("a runtime");
        let _context = runtime.enter();
        let listener = self.socket.listen(64).expect("a listener");
        let listener = listener.into_std().expect("a listener");
        listener
            .set_nonblocking(false)
            .expect("a listener that blocks");
        listener
    }
}
