//! A small HTTPS client on rustls that writes HTTP/1.1 itself, so that a test controls every byte.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use serde_json::{Value, json};
use swp_keys::sandbox::{Sandbox, Settings};

/// A complete response.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers_of(name).first().copied()
    }

    pub(super) fn headers_of(&self, name: &str) -> Vec<&str> {
        let same = self
            .headers
            .iter()
            .filter(|(header, _)| header.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str()).collect()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("a text")
    }

    pub(super) fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .expect("a message")
            .to_owned()
    }
}

/// A connection to the sandbox.
pub(super) struct Connection {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
}

/// All TLS versions that rustls supports.
pub(super) const ALL_VERSIONS: &[&SupportedProtocolVersion] = rustls::ALL_VERSIONS;

impl Connection {
    pub(super) fn open(sandbox: &Sandbox) -> Connection {
        Connection::try_open(sandbox, ALL_VERSIONS).expect("a connection")
    }

    /// Opens a connection that trusts the certificate of the sandbox.
    pub(super) fn try_open(
        sandbox: &Sandbox,
        versions: &[&'static SupportedProtocolVersion],
    ) -> io::Result<Connection> {
        let mut roots = RootCertStore::empty();
        let pem = sandbox.certificate_pem().as_bytes();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots
                .add(certificate.expect("a certificate"))
                .expect("a root");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("TLS versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = sandbox.address().ip().into();
        let mut session =
            ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let mut stream = TcpStream::connect(sandbox.address())?;
        // A test must end even if the expected response never arrives.
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        session.complete_io(&mut stream)?;
        Ok(Connection {
            stream: BufReader::new(StreamOwned::new(session, stream)),
        })
    }

    pub(super) fn tls_version(&self) -> Option<rustls::ProtocolVersion> {
        self.stream.get_ref().conn.protocol_version()
    }

    /// Sends a request and reads its response. Returns an error if the connection fails.
    pub(super) fn send(&mut self, request: &Request) -> io::Result<Answer> {
        self.send_only(request)?;
        self.read_answer(request.method == "HEAD")
    }

    pub(super) fn send_only(&mut self, request: &Request) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(&request.bytes())?;
        stream.flush()
    }

    /// Sets the read timeout.
    pub(super) fn set_patience(&mut self, time: Duration) {
        self.stream
            .get_ref()
            .sock
            .set_read_timeout(Some(time))
            .expect("a time-out");
    }

    fn read_answer(&mut self, head: bool) -> io::Result<Answer> {
        let status_line = self.line()?;
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok());
        let status =
            status.ok_or_else(|| io::Error::other(format!("no status in {status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        let length = answer
            .header("content-length")
            .and_then(|value| value.parse().ok())
            .unwrap_or(0);
        if !head {
            answer.body = vec![0; length];
            self.stream.read_exact(&mut answer.body)?;
        }
        Ok(answer)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

/// A request.
#[derive(Clone)]
pub(super) struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// Returns a request with the version header and no other header.
    pub(super) fn new(method: &'static str, target: impl Into<String>) -> Request {
        Request::bare(method, target).header("api-version", "v1")
    }

    /// Returns a request with no header but Host.
    pub(super) fn bare(method: &'static str, target: impl Into<String>) -> Request {
        Request {
            method,
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Request {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn json(self, body: &Value) -> Request {
        self.body("application/json", body.to_string())
    }

    pub(super) fn body(self, media: &str, body: impl Into<Vec<u8>>) -> Request {
        Request {
            body: body.into(),
            ..self.header("Content-Type", media)
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!(
            "{} {} HTTP/1.1\r\nHost: manager\r\n",
            self.method, self.target
        );
        for (name, value) in &self.headers {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() {
            bytes.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        bytes.push_str("\r\n");
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// The credential of a request.
#[derive(Clone)]
pub(super) enum Signer {
    Session { sid: String, rid: String },
    Key(String),
    Nobody,
}

/// A sandbox and a connection to it.
pub(super) struct Client {
    pub(super) sandbox: Sandbox,
    connection: Connection,
    pub(super) signer: Signer,
}

impl Client {
    /// Starts a sandbox and connects to it without signing in.
    pub(super) fn start(settings: Settings) -> Client {
        let sandbox = Sandbox::start(settings).expect("a sandbox");
        let connection = Connection::open(&sandbox);
        Client {
            sandbox,
            connection,
            signer: Signer::Nobody,
        }
    }

    /// Starts a sandbox with changed settings, and signs in.
    pub(super) fn signed_in(change: impl FnOnce(&mut Settings)) -> Client {
        let mut settings = Settings::default();
        change(&mut settings);
        let mut client = Client::start(settings);
        client.signer = client.session();
        client
    }

    /// Returns a new session of the default administrator.
    pub(super) fn session(&mut self) -> Signer {
        let answer =
            self.sign_in(&json!({"userName": "admin", "password": Settings::DEFAULT_PASSWORD}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.header("set-cookie").expect("a cookie");
        let sid = cookie
            .strip_prefix("sID=")
            .and_then(|rest| rest.split(';').next())
            .expect("an sID");
        let rid = answer.json()["RID"].as_str().expect("a RID").to_owned();
        Signer::Session {
            sid: sid.to_owned(),
            rid,
        }
    }

    pub(super) fn sign_in(&mut self, body: &Value) -> Answer {
        self.raw(&Request::new("POST", "/api/sessions").json(body))
    }

    /// Sends this request unchanged.
    pub(super) fn raw(&mut self, request: &Request) -> Answer {
        self.connection.send(request).expect("an answer")
    }

    /// Sends this request. If the connection fails, returns the error and opens a new connection.
    pub(super) fn try_raw(&mut self, request: &Request) -> io::Result<Answer> {
        let result = self.connection.send(request);
        if result.is_err() {
            self.connection = Connection::open(&self.sandbox);
        }
        result
    }

    /// Returns this request with the client's credential.
    pub(super) fn signed(&self, request: Request) -> Request {
        match &self.signer {
            Signer::Session { sid, rid } => request
                .header("Cookie", format!("sID={sid}"))
                .header("rID", rid),
            Signer::Key(secret) => request.header("api-secret-key", secret),
            Signer::Nobody => request,
        }
    }

    pub(super) fn get(&mut self, path: &str) -> Answer {
        let request = self.signed(Request::new("GET", path));
        self.raw(&request)
    }

    pub(super) fn post(&mut self, path: &str, body: &Value) -> Answer {
        let request = self.signed(Request::new("POST", path).json(body));
        self.raw(&request)
    }

    pub(super) fn delete(&mut self, path: &str) -> Answer {
        let request = self.signed(Request::new("DELETE", path));
        self.raw(&request)
    }

    /// Creates a key and returns the response.
    pub(super) fn create(&mut self, name: &str, role_id: i64) -> Value {
        let answer = self.post("/api/apikeys", &json!({"keyName": name, "roleID": role_id}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}
