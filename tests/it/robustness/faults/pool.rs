//! Many scenarios at once: they wait most of their time.

use std::sync::{Mutex, PoisonError};

/// So many for each processor. More would make waits run out for want of a processor.
const AT_ONCE: usize = 8;

/// Does each piece of work, on threads of their own.
pub(super) fn each<T: Send>(work: impl Iterator<Item = T> + Send, does: impl Fn(T) + Sync) {
    let threads = std::thread::available_parallelism().map_or(2, usize::from) * AT_ONCE;
    let work = Mutex::new(work);
    // The lock is let go before the work is done.
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
