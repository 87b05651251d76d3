//! A manager without an HTTP library. It follows the API contract except for the one request of the case.

use std::io::{ErrorKind, Read as _, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::support::scripted_server::{Certificate, ScriptedServer, TlsStream};
use crate::support::secrets::{FRESH, RID, SID};

/// Writes the hostile response to a request. The connection ends after it.
pub(super) type Respond = Arc<dyn Fn(&mut dyn Write) -> std::io::Result<()> + Send + Sync>;

/// A received request.
#[derive(Clone)]
pub(super) struct Request {
    /// Method and path, without the query.
    pub(super) route: String,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Returns the value of a header, or an empty string if it is absent.
    pub(super) fn header(&self, name: &str) -> &str {
        (self.head.lines())
            .filter_map(|line| line.split_once(": "))
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }
}

/// A running manager, and the requests that it received.
pub(super) struct Manager {
    pub(super) server: ScriptedServer,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// The certificate of all cases. It is shared because generating a key is slow.
pub(super) static CERTIFICATE: LazyLock<Certificate> =
    LazyLock::new(|| Certificate::marked_as_ca("127.0.0.1", 2020, 2100));

impl Manager {
    /// Starts a manager that is hostile at `route`.
    pub(super) fn start(route: &'static str, respond: Respond) -> Self {
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let recorded = Arc::clone(&requests);
        let server = ScriptedServer::speaking_tls(&CERTIFICATE, move |stream| {
            let _ = stream.sock.set_nodelay(true);
            while let Some(request) = read(stream) {
                let mut requests = recorded.lock().unwrap_or_else(PoisonError::into_inner);
                requests.push(request.clone());
                drop(requests);
                if request.route == route {
                    // The client may have closed the connection already.
                    let result = respond(stream);
                    end(stream, result.is_err_and(|error| error.kind() == ABRUPT));
                    return;
                }
                if stream
                    .write_all(&without_close(contract_response(&request)))
                    .is_err()
                    || stream.flush().is_err()
                {
                    return;
                }
            }
        });
        Self { server, requests }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.clone()
    }

    /// Returns how many requests had this route.
    pub(super) fn count(&self, route: &str) -> usize {
        self.requests()
            .iter()
            .filter(|one| one.route == route)
            .count()
    }
}

const ABRUPT: ErrorKind = ErrorKind::Other;

/// The error of a response after which the connection ends without TLS closure.
pub(super) fn without_tls_closure() -> std::io::Error {
    ABRUPT.into()
}

/// Closes the write side, and waits until the client has closed the connection too, because a reset could discard sent bytes.
fn end(stream: &mut TlsStream, abrupt: bool) {
    if !abrupt {
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

/// Removes `Connection: close` from a response.
pub(super) fn without_close(mut answer: Vec<u8>) -> Vec<u8> {
    let at = (answer.windows(CLOSE.len())).position(|window| window == CLOSE.as_bytes());
    if let Some(at) = at {
        answer.drain(at..at + CLOSE.len());
    }
    answer
}

/// The response that the API contract requires.
fn contract_response(request: &Request) -> Vec<u8> {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match request.route.as_str() {
        "POST /api/sessions" => session(),
        "POST /api/roles/search" => json_answer(&json!({"roles": [{"ID": 2, "name": "Auditor"}]})),
        "POST /api/apikeys/search" => json_answer(&json!({"apiKeys": keys_named(&body)})),
        "POST /api/apikeys" => json_answer(&created(&body)),
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

/// The search result for a name: the key `there` exists.
fn keys_named(asked: &Value) -> Value {
    let there = json!({"ID": 5, "keyName": "there", "roleID": 2});
    match asked["searchCriteria"][0]["stringValue"] == "there" {
        true => json!([there]),
        false => json!([]),
    }
}

/// The response to a create with the body `asked`.
fn created(asked: &Value) -> Value {
    let mut key = asked.clone();
    key["ID"] = 8.into();
    key["secretKey"] = FRESH.into();
    key
}

/// The response to a sign-in.
pub(super) fn session() -> Vec<u8> {
    let headers = format!("Set-Cookie: sID={SID}; Path=/; Secure; HttpOnly");
    answer(200, &headers, json!({"RID": RID}).to_string().as_bytes())
}

pub(super) fn json_answer(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    answer(200, "Content-Type: application/json", body.as_bytes())
}

/// A complete response with these headers, its length, and `Connection: close`.
pub(super) fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} Status\r\n{CLOSE}{headers}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
