//! The network side: TCP, TLS and HTTP/1.1, and the faults between them and the manager.

pub(crate) mod certificate;
pub(crate) mod request_log;
pub(crate) mod routes;
pub(crate) mod stream;
use std::convert::Infallible;
use std::net::TcpListener as StdTcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::faults::exchange::Exchange;
use super::faults::{Action, Ending, Fault, Faults, Takeover, When};
use super::http::call::Call;
use super::http::response::{Answer, Refusal};
use super::options::TlsVersions;
use super::state::Manager;
use certificate::Identity;
use request_log::Record;
use stream::{Slot, Wire};

/// Longer bodies are refused.
const LONGEST_BODY: usize = 1024 * 1024;

/// What the server's thread and its owner share.
#[derive(Debug)]
pub(super) struct Shared {
    manager: Mutex<Manager>,
    faults: Mutex<Faults>,
    record: Mutex<Record>,
    exchange: Exchange,
}

impl Shared {
    pub(super) fn new(manager: Manager) -> Shared {
        Shared {
            manager: Mutex::new(manager),
            faults: Mutex::default(),
            record: Mutex::default(),
            exchange: Exchange::default(),
        }
    }

    pub(super) fn manager(&self) -> MutexGuard<'_, Manager> {
        self.manager.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The TLS side for this certificate.
pub(super) fn tls(versions: TlsVersions, identity: Identity) -> anyhow::Result<TlsAcceptor> {
    let versions: &[&rustls::SupportedProtocolVersion] = match versions {
        TlsVersions::Both => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersions::Only12 => &[&rustls::version::TLS12],
        TlsVersions::Only13 => &[&rustls::version::TLS13],
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until told to stop, or until the other end of `stop` is gone.
pub(super) async fn serve(
    listener: StdTcpListener,
    tls: TlsAcceptor,
    shared: Arc<Shared>,
    stop: oneshot::Receiver<()>,
) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let accept = async {
        loop {
            // An accept that fails (a client that left, no free file) is one connection less, and no reason to end.
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(connection(
                    stream,
                    tls.clone(),
                    Arc::clone(&shared),
                ))),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stop => {}
    }
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) {
    let number = {
        let mut record = shared.record();
        record.connections.tcp += 1;
        record.connections.tcp
    };
    // An answer is one small write; waiting for more only delays it.
    let _ = stream.set_nodelay(true);
    let Ok(stream) = tls.accept(stream).await else {
        return;
    };
    shared.record().connections.tls += 1;
    let version = match stream.get_ref().1.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLSv1.3",
    };
    let slot = Slot::default();
    let wire = Wire::new(stream, Arc::clone(&slot));
    let service = service_fn(move |request| {
        let visit = Visit {
            connection: number,
            tls: version,
            slot: Arc::clone(&slot),
            shared: Arc::clone(&shared),
        };
        // A task of its own: a client that hangs up does not stop the manager from doing what it was asked.
        async move {
            Ok::<_, Infallible>(
                tokio::spawn(visit.answer(request))
                    .await
                    .unwrap_or_default(),
            )
        }
    });
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(wire), service);
    // How a connection ends is the client's affair, or a fault that was asked for.
    let _ = served.await;
}

/// One request on its way through.
struct Visit {
    connection: u64,
    tls: &'static str,
    slot: Slot,
    shared: Arc<Shared>,
}

impl Visit {
    async fn answer(self, request: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let (body, too_long) = match Limited::new(body, LONGEST_BODY).collect().await {
            Ok(body) => (body.to_bytes(), false),
            Err(_) => (Bytes::new(), true),
        };
        let (path, query) = (
            head.uri.path().to_owned(),
            head.uri.query().map(str::to_owned),
        );
        let call = Call {
            method: head.method,
            path,
            query,
            headers: head.headers,
            body,
        };
        let kept = self.shared.manager().settings.requests_kept;
        let number = self
            .shared
            .record()
            .note(self.connection, self.tls, &call, kept);
        let fault = self.shared.faults().next(&call);
        let shared = Arc::clone(&self.shared);
        let work = move || {
            let mut manager = shared.manager();
            match too_long {
                true => {
                    Refusal::new(413, "The request body is too long.").answer(&manager.settings)
                }
                false => manager.handle(&call),
            }
        };
        let outcome = match fault {
            None => Outcome::Answer(work()),
            Some(fault) => suffer(fault, work, &self.shared.exchange).await,
        };
        self.send(number, outcome)
    }

    fn send(&self, number: usize, outcome: Outcome) -> Response<Full<Bytes>> {
        match outcome {
            Outcome::Answer(answer) => {
                self.shared.record().answered(number, answer.status);
                response(answer)
            }
            Outcome::Takeover(takeover, status) => {
                if let Some(status) = status {
                    self.shared.record().answered(number, status);
                }
                *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(takeover);
                // Never seen: the takeover happens when the HTTP library writes this.
                Response::new(Full::from("."))
            }
        }
    }
}

enum Outcome {
    Answer(Answer),
    Takeover(Takeover, Option<u16>),
}

/// Lets a fault happen before or after the work. A cut answer is the manager's own, so there the work is always done.
async fn suffer(
    fault: Fault,
    work: impl Fn() -> Answer + Send + 'static,
    exchange: &Exchange,
) -> Outcome {
    let after = fault.when == When::After;
    match fault.action {
        Action::Twice => {
            work();
            let answer = work();
            match after {
                true => instead(Action::Reset),
                false => Outcome::Answer(answer),
            }
        }
        Action::Late(time) => {
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                work();
            });
            instead(Action::Reset)
        }
        Action::Swap => Outcome::Answer(exchange.swap(work()).await),
        Action::Delay(time) if after => {
            let answer = work();
            tokio::time::sleep(time).await;
            Outcome::Answer(answer)
        }
        Action::Delay(time) => {
            tokio::time::sleep(time).await;
            Outcome::Answer(work())
        }
        Action::Cut(count) => cut(&work(), count, Ending::Close),
        Action::Stall(count) => cut(&work(), count, Ending::Stall),
        action => {
            if after {
                work();
            }
            instead(action)
        }
    }
}

/// What a client gets instead of the manager's answer.
fn instead(action: Action) -> Outcome {
    let takeover = |bytes: Vec<u8>, ending| {
        Outcome::Takeover(
            Takeover {
                bytes: bytes.into(),
                ending,
            },
            None,
        )
    };
    match action {
        Action::Answer {
            status,
            headers,
            body,
        } => Outcome::Answer(Answer {
            status,
            headers,
            body,
        }),
        Action::Raw(bytes) => takeover(bytes, Ending::Polite),
        Action::Reset => takeover(Vec::new(), Ending::Reset),
        // The rest have their own ways of going wrong.
        _ => takeover(Vec::new(), Ending::Close),
    }
}

fn cut(answer: &Answer, count: usize, ending: Ending) -> Outcome {
    let bytes = beginning(answer, count).into();
    Outcome::Takeover(Takeover { bytes, ending }, Some(answer.status))
}

/// The head of an answer that promises its whole body, and the first bytes of that.
fn beginning(answer: &Answer, count: usize) -> Vec<u8> {
    let reason = StatusCode::from_u16(answer.status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("");
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", answer.status);
    for (name, value) in &answer.headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    bytes.push_str(&format!("content-length: {}\r\n\r\n", answer.body.len()));
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(&answer.body[..count.min(answer.body.len())]);
    bytes
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::from(answer.body)).unwrap_or_else(|_| {
        let mut response = Response::new(Full::from(
            "the sandbox was told to send a header or a status that HTTP cannot carry",
        ));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
