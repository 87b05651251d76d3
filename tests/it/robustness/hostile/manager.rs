//! A manager without an HTTP library behind it: it answers as the contract says, but for the one call that a case is about.

use std::io::{ErrorKind, Read as _, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::support::scripted_server::{Certificate, ScriptedServer, TlsStream};
use crate::support::secrets::{FRESH, RID, SID};

/// What a hostile manager says in answer to a request; the connection ends after it.
pub(super) type Says = Arc<dyn Fn(&mut dyn Write) -> std::io::Result<()> + Send + Sync>;

/// A request as it came.
#[derive(Clone)]
pub(super) struct Request {
    /// Method and path, without the query.
    pub(super) route: String,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// A header's value; empty where there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        (self.head.lines())
            .filter_map(|line| line.split_once(": "))
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }
}

/// A running manager, and what it was asked.
pub(super) struct Manager {
    pub(super) server: ScriptedServer,
    seen: Arc<Mutex<Vec<Request>>>,
}

/// One certificate does for all: making a key takes a while.
pub(super) static CERTIFICATE: LazyLock<Certificate> =
    LazyLock::new(|| Certificate::marked_as_ca("127.0.0.1", 2020, 2100));

impl Manager {
    /// A manager that is hostile where `route` is asked for.
    pub(super) fn start(route: &'static str, says: Says) -> Self {
        let seen = Arc::<Mutex<Vec<Request>>>::default();
        let noted = Arc::clone(&seen);
        let server = ScriptedServer::speaking_tls(&CERTIFICATE, move |stream| {
            let _ = stream.sock.set_nodelay(true);
            while let Some(request) = read(stream) {
                let mut seen = noted.lock().unwrap_or_else(PoisonError::into_inner);
                seen.push(request.clone());
                drop(seen);
                if request.route == route {
                    // The client may have gone, and that is all right.
                    let said = says(stream);
                    end(stream, said.is_err_and(|error| error.kind() == RUDE));
                    return;
                }
                if stream.write_all(&kept_open(honest(&request))).is_err()
                    || stream.flush().is_err()
                {
                    return;
                }
            }
        });
        Self { server, seen }
    }

    pub(super) fn seen(&self) -> Vec<Request> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// How often a route was asked for.
    pub(super) fn count(&self, route: &str) -> usize {
        self.seen().iter().filter(|one| one.route == route).count()
    }
}

const RUDE: ErrorKind = ErrorKind::Other;

/// What a hostile manager returns that ends TCP and not TLS.
pub(super) fn without_farewell() -> std::io::Error {
    RUDE.into()
}

/// Says that it is the end, and waits until the client has gone too, so that no byte is lost to a reset.
fn end(stream: &mut TlsStream, rude: bool) {
    if !rude {
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
    let _ = stream.sock.shutdown(std::net::Shutdown::Write);
    while !matches!(stream.sock.read(&mut [0; 4096]), Ok(0) | Err(_)) {}
}

fn read(stream: &mut TlsStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let length = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = length {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut words = head.split([' ', '?']);
            let route = format!("{} {}", words.next()?, words.next()?);
            let mut request = Request {
                route,
                head,
                body: Vec::new(),
            };
            let length: usize = request.header("content-length").parse().unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                request.body = bytes.split_off(end + 4);
                return Some(request);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

const CLOSE: &str = "Connection: close\r\n";

/// The same answer without saying that the connection ends.
pub(super) fn kept_open(mut answer: Vec<u8>) -> Vec<u8> {
    let at = (answer.windows(CLOSE.len())).position(|window| window == CLOSE.as_bytes());
    if let Some(at) = at {
        answer.drain(at..at + CLOSE.len());
    }
    answer
}

/// The contract's answer.
fn honest(request: &Request) -> Vec<u8> {
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match request.route.as_str() {
        "POST /api/sessions" => session(),
        "POST /api/roles/search" => json_answer(&json!({"roles": [{"ID": 2, "name": "Auditor"}]})),
        "POST /api/apikeys/search" => json_answer(&json!({"apiKeys": keys_named(&asked)})),
        "POST /api/apikeys" => json_answer(&created(&asked)),
        "POST /api/apikeys/8/secretkey" => {
            json_answer(&json!({"ID": 8, "keyName": "ci", "secretKey": FRESH}))
        }
        "GET /api/roles/2" => json_answer(&json!({"ID": 2, "name": "Auditor"})),
        "GET /api/apikeys/current" => json_answer(&json!({"ID": 8, "keyName": "ci"})),
        "GET /api/apikeys/8" => answer(
            404,
            "Content-Type: application/json",
            br#"{"message":"The API key does not exist."}"#,
        ),
        _ => answer(200, "Content-Type: text/plain", b""),
    }
}

/// One key is there.
fn keys_named(asked: &Value) -> Value {
    let there = json!({"ID": 5, "keyName": "there", "roleID": 2});
    match asked["searchCriteria"][0]["stringValue"] == "there" {
        true => json!([there]),
        false => json!([]),
    }
}

/// The answer to a create that asked for this.
fn created(asked: &Value) -> Value {
    let mut key = asked.clone();
    key["ID"] = 8.into();
    key["secretKey"] = FRESH.into();
    key
}

/// The answer to a sign-in.
pub(super) fn session() -> Vec<u8> {
    let headers = format!("Set-Cookie: sID={SID}; Path=/; Secure; HttpOnly");
    answer(200, &headers, json!({"RID": RID}).to_string().as_bytes())
}

pub(super) fn json_answer(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    answer(200, "Content-Type: application/json", body.as_bytes())
}

/// A whole answer with these headers, and its length. The connection ends after it, and so it says.
pub(super) fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} Said\r\n{CLOSE}{headers}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
