//! The exchange of two responses, as by a broken proxy.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::sandbox::http::response::Answer;

/// How long a response waits for another one. After that it goes to its own client.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The place where the first of two responses waits for the second.
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
    /// Hands in a response and returns the other one.
    pub(crate) async fn swap(&self, answer: Answer) -> Answer {
        let (second, waiting) = {
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(other) = first.take() {
                return match other.second.send(answer) {
                    Ok(()) => other.answer,
                    // The other response did not wait any longer.
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
