//! Listens for the signals that end a run.
//!
//! A first signal cancels work that is safe to cancel. Work that is not safe to cancel (`mint/`) is finished or rolled back before the run exits. A
//! second signal ends the run immediately.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

#[cfg(unix)]
use super::disposition::IgnoredSignals;
use crate::error::{Error, Signal};

/// If the same signal arrives twice within this time, the second signal is ignored. `timeout` of GNU coreutils sends its signal twice: to the
/// process, and then to the process group (`man timeout`, `--foreground`).
const REPEATED: Duration = Duration::from_millis(100);

/// The signals that have arrived.
#[derive(Default)]
pub(crate) struct Signals {
    first: Cell<Option<Signal>>,
    first_at: Cell<Option<Instant>>,
    second: Cell<bool>,
    /// The queue of signals to forward to the child process, or `None` if no child process is running.
    passed_on: RefCell<Option<VecDeque<Signal>>>,
    changed: Notify,
}

/// Forwards signals to a child process. While this value exists, a signal does not end this process.
pub(crate) struct ForwardedSignals<'a>(&'a Signals);

impl ForwardedSignals<'_> {
    /// Waits for the next signal.
    pub(crate) async fn next(&self) -> Signal {
        loop {
            let next = (self.0.passed_on.borrow_mut().as_mut()).and_then(VecDeque::pop_front);
            if let Some(signal) = next {
                return signal;
            }
            self.0.changed.notified().await;
        }
    }
}

impl Drop for ForwardedSignals<'_> {
    fn drop(&mut self) {
        *self.0.passed_on.borrow_mut() = None;
    }
}

impl Signals {
    /// Returns the first signal, or `None` if no signal has arrived.
    pub(crate) fn received(&self) -> Option<Signal> {
        self.first.get()
    }

    /// Starts forwarding signals to a child process. Forwarding stops when the returned value is dropped.
    pub(crate) fn pass_on(&self) -> ForwardedSignals<'_> {
        *self.passed_on.borrow_mut() = Some(VecDeque::new());
        ForwardedSignals(self)
    }

    /// Runs `work` and cancels it on the first signal. `work` must be safe to cancel at any point.
    pub(crate) async fn cancel<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            signal = self.first_signal() => Err(Error::interrupted(signal)),
            result = work => result,
        }
    }

    /// Runs `work`, and drops it if it is not done when `time` has passed since the first signal. Returns `None` then. Without a signal, there is no
    /// limit.
    pub(crate) async fn limit_after<T>(
        &self,
        time: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let limit = async {
            self.first_signal().await;
            let passed = self.first_at.get().map(|first| first.elapsed());
            tokio::time::sleep(time.saturating_sub(passed.unwrap_or_default())).await;
        };
        tokio::select! {
            biased;
            result = work => Some(result),
            () = limit => None,
        }
    }

    /// Waits for the first signal.
    pub(crate) async fn first_signal(&self) -> Signal {
        loop {
            if let Some(signal) = self.first.get() {
                return signal;
            }
            self.changed.notified().await;
        }
    }

    /// Waits for the second signal. Returns the first signal, which determines the exit code.
    pub(crate) async fn second_signal(&self) -> Signal {
        loop {
            if let (Some(signal), true) = (self.first.get(), self.second.get()) {
                return signal;
            }
            self.changed.notified().await;
        }
    }

    fn note(&self, signal: Signal, now: Instant) {
        if let Some(passed_on) = self.passed_on.borrow_mut().as_mut() {
            passed_on.push_back(signal);
        } else if let (Some(first), Some(first_at)) = (self.first.get(), self.first_at.get()) {
            if first == signal && now.duration_since(first_at) < REPEATED {
                return;
            }
            self.second.set(true);
        } else {
            self.first.set(Some(signal));
            self.first_at.set(Some(now));
        }
        self.changed.notify_waiters();
    }

    /// Listens for signals while this future is polled. Signals that were ignored at startup stay ignored.
    #[cfg(unix)]
    pub(crate) async fn listen(&self) -> std::io::Result<std::convert::Infallible> {
        use std::task::Poll;
        use tokio::signal::unix::{SignalKind, signal};
        let ignored = IgnoredSignals::read();
        let mut listeners = Vec::with_capacity(Signal::ALL.len());
        for one in Signal::ALL {
            if !ignored.contains(one) {
                let kind = SignalKind::from_raw(one.of_unix().as_raw());
                listeners.push((one, signal(kind)?));
            }
        }
        loop {
            let came = std::future::poll_fn(|context| {
                let came = (listeners.iter_mut()).find_map(|(one, listener)| {
                    listener.poll_recv(context).is_ready().then_some(*one)
                });
                came.map_or(Poll::Pending, Poll::Ready)
            });
            self.note(came.await, Instant::now());
        }
    }

    /// Listens for signals while this future is polled.
    #[cfg(not(unix))]
    pub(crate) async fn listen(&self) -> std::io::Result<std::convert::Infallible> {
        loop {
            tokio::signal::ctrl_c().await?;
            self.note(Signal::Interrupt, Instant::now());
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_timeout_sends_twice_counts_once() {
        let signals = Signals::default();
        let start = Instant::now();
        signals.note(Signal::Terminate, start);
        signals.note(Signal::Terminate, start + Duration::from_millis(1));
        assert!(!signals.second.get());
        signals.note(Signal::Terminate, start + REPEATED);
        assert!(signals.second.get());
    }

    #[test]
    fn a_different_signal_always_counts() {
        let signals = Signals::default();
        let start = Instant::now();
        signals.note(Signal::Interrupt, start);
        signals.note(Signal::Terminate, start);
        assert!(signals.second.get());
    }
}
