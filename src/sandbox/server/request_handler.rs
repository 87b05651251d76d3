//! Handles one request: logs the request, executes it (with an injected fault if one is due), and sends the response.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Response, StatusCode};

use super::fault_runner::{Outcome, run_fault};
use super::shared::Shared;
use super::stream::TakeoverSlot;
use crate::sandbox::http::call::Call;
use crate::sandbox::http::response::{Answer, Refusal};

/// The maximum length of a request body.
const MAX_BODY: usize = 1024 * 1024;

/// The handler of one request.
pub(crate) struct RequestHandler {
    pub(crate) connection: u64,
    pub(crate) tls: &'static str,
    pub(crate) slot: TakeoverSlot,
    pub(crate) shared: Arc<Shared>,
}

impl RequestHandler {
    pub(crate) async fn answer(self, request: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let (body, too_long) = match Limited::new(body, MAX_BODY).collect().await {
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
        let route = format!("{} {}", call.method, call.path);
        let max_requests = self.shared.manager().settings.requests_kept;
        let number = self
            .shared
            .log()
            .add(self.connection, self.tls, &call, max_requests);
        let fault = self.shared.faults().next(&call);
        let shared = Arc::clone(&self.shared);
        let execute = move || {
            let mut manager = shared.manager();
            match too_long {
                true => {
                    Refusal::new(413, "The request body is too long.").answer(&manager.settings)
                }
                false => manager.handle(&call),
            }
        };
        let outcome = match fault {
            None => Outcome::Answer(execute()),
            Some(fault) => run_fault(fault, execute, &self.shared.exchange).await,
        };
        self.send(number, &route, outcome)
    }

    fn send(&self, number: usize, route: &str, outcome: Outcome) -> Response<Full<Bytes>> {
        match outcome {
            Outcome::Answer(answer) => {
                log::info!("{route}: HTTP {}", answer.status);
                self.shared.log().set_status(number, answer.status);
                response(answer)
            }
            Outcome::Takeover(takeover, status) => {
                match status {
                    Some(status) => {
                        log::info!("{route}: HTTP {status} (injected fault)");
                        self.shared.log().set_status(number, status);
                    }
                    None => log::info!("{route}: no response (injected fault)"),
                }
                *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(takeover);
                // The client never receives this body. The injected fault sends other bytes to the client.
                Response::new(Full::from("."))
            }
        }
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::from(answer.body)).unwrap_or_else(|_| {
        let mut response = Response::new(Full::from(
            "the requested status or header is not valid in HTTP",
        ));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
