//! A proxy that knows CONNECT alone, and overhears everything; and a port at which nobody listens until a test says so.

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
    /// Whatever host is asked for, the connection leads to `target`: only this proxy can resolve the name.
    pub(crate) fn to(target: SocketAddr) -> Self {
        Self::start(move |mut client, heard| {
            let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
            if let Ok(server) = TcpStream::connect(target) {
                join_and_wait(client, server, &Arc::new(heard.clone()));
            }
        })
    }

    /// Every request is answered with these bytes.
    pub(crate) fn answering(answer: &'static str) -> Self {
        Self::start(move |mut client, _| {
            let _ = client.write_all(answer.as_bytes());
        })
    }

    fn start(serve: impl Fn(TcpStream, &Recording) + Send + Sync + 'static) -> Self {
        let (heads, heard) = (Arc::<Mutex<Vec<String>>>::default(), Recording::default());
        let (noted, overheard) = (Arc::clone(&heads), heard.clone());
        let server = ScriptedServer::start(move |mut client| {
            let head = head(&mut client);
            overheard.add(head.as_bytes());
            let mut heads = noted.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// The same with a user name and a password in it.
    pub(crate) fn url_with(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}", self.server.address())
    }

    /// The heads of the requests that came in.
    pub(crate) fn heads(&self) -> Vec<String> {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.clone()
    }

    /// Everything that passed, in both directions.
    pub(crate) fn recording(&self) -> &Recording {
        &self.heard
    }
}

/// Reads to the empty line, and not a byte further.
fn head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && matches!(client.read(&mut byte), Ok(1)) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// A port that is taken, so that no other test gets it, and at which nobody listens: connections are refused.
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

    /// From now on somebody listens: every connection leads to `target`.
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
