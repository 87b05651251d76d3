//! Flushes the journal folder on separate threads while the run continues.

use std::cell::RefCell;
use std::io;

use tokio::task::{JoinHandle, spawn_blocking};

use super::folder::{flush, place};

/// The flushes that were started and may still be running.
#[derive(Default)]
pub(crate) struct PendingFlushes(RefCell<Vec<JoinHandle<io::Result<()>>>>);

impl PendingFlushes {
    /// Starts a flush on a new thread. Callers call this function after they have removed a record.
    pub(crate) fn start(&self) {
        self.0.borrow_mut().push(spawn_blocking(flush));
    }

    /// Waits for all flushes. A failed flush is only logged, because at worst a power failure in the next seconds restores a removed
    /// record.
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
