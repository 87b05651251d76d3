//! Swaps the responses to two requests, as a faulty proxy might.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::sandbox::http::response::Answer;

/// How long a response waits for a second response, so that the two responses can be swapped. If no second response arrives in this time,
/// the waiting response is sent to its own client.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Swaps two responses. The first response waits here until the second response arrives.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    first: Mutex<Option<First>>,
}

#[derive(Debug)]
struct First {
    answer: Answer,
    second: oneshot::Sender<Answer>,
}

impl Exchange {
    /// Swaps the responses of two calls: the first call returns the second call's `answer`, and the second call returns the first call's `answer`. If
    /// there is no second call within `MAX_WAIT`, the first call returns its own `answer`.
    pub(crate) async fn swap(&self, answer: Answer) -> Answer {
        let (second, waiting) = {
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(other) = first.take() {
                return match other.second.send(answer) {
                    Ok(()) => other.answer,
                    // The first call no longer waits for an exchange, so no responses are exchanged.
                    Err(answer) => answer,
                };
            }
            let (second, waiting) = oneshot::channel();
            *first = Some(First {
                answer: answer.clone(),
                second,
            });
            (answer, waiting)
        };
        match tokio::time::timeout(MAX_WAIT, waiting).await {
            Ok(Ok(other)) => other,
            _ => second,
        }
    }
}
