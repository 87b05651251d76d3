//! Two answers that something in between exchanges.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::sandbox::http::response::Answer;

/// How long an answer waits for another one to be exchanged with; then it goes where it belongs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the first of two answers waits for the second.
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
    /// Hands this answer in, and returns the other one.
    pub(crate) async fn swap(&self, answer: Answer) -> Answer {
        let (second, waiting) = {
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(other) = first.take() {
                return match other.second.send(answer) {
                    Ok(()) => other.answer,
                    // Its client waited too long.
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
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Ok(other)) => other,
            _ => second,
        }
    }
}
