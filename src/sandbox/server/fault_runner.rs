//! Executes a request that an injected fault affects.

use hyper::StatusCode;

use crate::sandbox::faults::exchange::Exchange;
use crate::sandbox::faults::fault::{Action, Fault, When};
use crate::sandbox::faults::takeover::{Ending, Takeover};
use crate::sandbox::http::response::Answer;

/// What the server sends to the client for a request.
pub(crate) enum Outcome {
    Answer(Answer),
    /// The bytes to send without the HTTP library, and the HTTP status for the request log.
    Takeover(Takeover, Option<u16>),
}

/// Applies the fault to a request, and returns what the server sends. A fault that truncates the response needs the manager's real response.
/// For such a fault, this function always executes the request.
pub(crate) async fn run_fault(
    fault: Fault,
    execute: impl Fn() -> Answer + Send + 'static,
    exchange: &Exchange,
) -> Outcome {
    let after = fault.when == When::After;
    match fault.action {
        Action::Twice => {
            execute();
            let answer = execute();
            match after {
                true => replacement(Action::Reset),
                false => Outcome::Answer(answer),
            }
        }
        Action::Late(time) => {
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                execute();
            });
            replacement(Action::Reset)
        }
        Action::Swap => Outcome::Answer(exchange.swap(execute()).await),
        Action::Delay(time) if after => {
            let answer = execute();
            tokio::time::sleep(time).await;
            Outcome::Answer(answer)
        }
        Action::Delay(time) => {
            tokio::time::sleep(time).await;
            Outcome::Answer(execute())
        }
        Action::Cut(count) => cut(&execute(), count, Ending::Close),
        Action::Stall(count) => cut(&execute(), count, Ending::Stall),
        action => {
            if after {
                execute();
            }
            replacement(action)
        }
    }
}

/// Returns the outcome for a fault that replaces the manager's whole response.
fn replacement(action: Action) -> Outcome {
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
        Action::Raw(bytes) => takeover(bytes, Ending::CloseTls),
        Action::Reset => takeover(Vec::new(), Ending::Reset),
        // Only `Action::Drop` gets here, because `run_fault` handles all remaining actions before it calls this function.
        _ => takeover(Vec::new(), Ending::Close),
    }
}

fn cut(answer: &Answer, count: usize, ending: Ending) -> Outcome {
    let bytes = truncated(answer, count).into();
    Outcome::Takeover(Takeover { bytes, ending }, Some(answer.status))
}

/// Returns a truncated response: its head, and the first bytes of its body. The head declares the length of the whole body.
fn truncated(answer: &Answer, count: usize) -> Vec<u8> {
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
