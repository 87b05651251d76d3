//! Runs several pieces of work at the same time: asynchronous work in one task, and work that blocks on other threads.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

/// Work that runs beside other work. It stores its result itself.
pub(crate) type BoxedWork<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs the work that `next` returns, at most `limit` pieces at the same time, until `next` returns `None` and all work is done.
pub(crate) async fn run_all<'a>(limit: usize, next: &mut dyn FnMut() -> Option<BoxedWork<'a>>) {
    let mut running: Vec<BoxedWork<'a>> = Vec::with_capacity(limit);
    let mut is_at_end = false;
    poll_fn(|wakes| {
        loop {
            while !is_at_end && running.len() < limit {
                match next() {
                    Some(work) => running.push(work),
                    None => is_at_end = true,
                }
            }
            let before = running.len();
            running.retain_mut(|work| work.as_mut().poll(wakes).is_pending());
            match running.len() {
                0 if is_at_end => return Poll::Ready(()),
                left if left == before => return Poll::Pending,
                _ => {}
            }
        }
    })
    .await;
}

/// Runs work that blocks, such as a flush to disk, on another thread.
pub(crate) fn run_on_thread(work: Box<dyn FnOnce() + Send>) {
    drop(spawn_blocking(work));
}

/// Flushes something to disk on another thread, so that other work of this run continues. If the returned future is dropped, the flush
/// continues.
///
/// # Errors
/// Returns the error of the flush.
pub(crate) async fn flush_on_thread(
    flush: Box<dyn FnOnce() -> io::Result<()> + Send>,
) -> io::Result<()> {
    let (sender, flushed) = oneshot::channel();
    run_on_thread(Box::new(|| {
        let _ = sender.send(flush());
    }));
    flushed
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[test]
    fn a_limited_number_runs_at_the_same_time() -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let (running, most, done) = (Cell::new(0), Cell::new(0), RefCell::new(Vec::new()));
        let (running, most, done) = (&running, &most, &done);
        let mut numbers = 0..10_usize;
        runtime.block_on(run_all(3, &mut || {
            let number = numbers.next()?;
            Some(Box::pin(async move {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                for _ in 0..=number % 3 {
                    tokio::task::yield_now().await;
                }
                running.set(running.get() - 1);
                done.borrow_mut().push(number);
            }))
        }));
        let mut found = done.take();
        found.sort_unstable();
        assert_eq!(found, (0..10).collect::<Vec<_>>());
        assert_eq!(most.get(), 3);
        Ok(())
    }
}
