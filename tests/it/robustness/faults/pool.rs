//! Runs many scenarios at once. They spend most of their time waiting.

use std::sync::{Mutex, PoisonError};

/// Threads for each processor. With more threads, runs would exceed their timeouts.
const AT_ONCE: usize = 8;

/// Calls `does` for each piece of work, on several threads.
pub(super) fn each<T: Send>(work: impl Iterator<Item = T> + Send, does: impl Fn(T) + Sync) {
    let threads = std::thread::available_parallelism().map_or(2, usize::from) * AT_ONCE;
    let work = Mutex::new(work);
    // The lock is released before the work begins.
    let next = || work.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(piece) = next() {
                    does(piece);
                }
            });
        }
    });
}
