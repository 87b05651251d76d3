//! Flushes of the records' folder, which go on beside the run.

use std::cell::RefCell;
use std::io;

use tokio::task::{JoinHandle, spawn_blocking};

use super::folder::{flush, place};

/// The flushes that were started and have not been waited for.
#[derive(Default)]
pub(crate) struct PendingFlushes(RefCell<Vec<JoinHandle<io::Result<()>>>>);

impl PendingFlushes {
    /// Starts a flush on a thread, after a record was removed.
    pub(crate) fn start(&self) {
        self.0.borrow_mut().push(spawn_blocking(flush));
    }

    /// Waits for all flushes. Without them, a power cut in the next seconds may bring a removed record back, so a failure is only logged.
    pub(crate) async fn finish(&self) {
        for flush in self.0.take() {
            let flushed = flush
                .await
                .unwrap_or_else(|error| Err(io::Error::other(error)));
            if let Err(error) = flushed {
                log::info!("could not flush {}: {error}", place());
            }
        }
    }
}
