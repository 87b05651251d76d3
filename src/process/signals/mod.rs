//! The signals that end a run, and what a command may do before it goes.
//!
//! The first signal asks: whatever can be left at once is left, and what must be finished or undone (`mint.rs`) is. The second
//! one insists, and the run ends where it stands.

#[cfg(unix)]
mod disposition;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;

use tokio::sync::Notify;

use crate::error::{Error, Signal};
#[cfg(unix)]
pub(crate) use disposition::Ignored;

/// Which signals have come.
#[derive(Default)]
pub(crate) struct Signals {
    first: Cell<Option<Signal>>,
    second: Cell<bool>,
    /// Signals that are another program's.
    passed_on: RefCell<Option<VecDeque<Signal>>>,
    changed: Notify,
}

/// The signals that come while another program runs in our place: they are its own, and end nothing here.
pub(crate) struct ForwardedSignals<'a>(&'a Signals);

impl ForwardedSignals<'_> {
    /// The next one.
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
    /// The signal that asked this run to end, if one did.
    pub(crate) fn received(&self) -> Option<Signal> {
        self.first.get()
    }

    /// From now on, and until this is dropped, signals are another program's.
    pub(crate) fn pass_on(&self) -> ForwardedSignals<'_> {
        *self.passed_on.borrow_mut() = Some(VecDeque::new());
        ForwardedSignals(self)
    }

    /// Runs `work`, and leaves it where it stands when a signal asks. Only for work that may be left at any point.
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

    /// Waits for the first signal.
    pub(crate) async fn first_signal(&self) -> Signal {
        loop {
            if let Some(signal) = self.first.get() {
                return signal;
            }
            self.changed.notified().await;
        }
    }

    /// Waits for the second signal, and returns the first.
    pub(crate) async fn second_signal(&self) -> Signal {
        loop {
            if let (Some(signal), true) = (self.first.get(), self.second.get()) {
                return signal;
            }
            self.changed.notified().await;
        }
    }

    fn note(&self, signal: Signal) {
        if let Some(passed_on) = self.passed_on.borrow_mut().as_mut() {
            passed_on.push_back(signal);
        } else if self.first.get().is_some() {
            self.second.set(true);
        } else {
            self.first.set(Some(signal));
        }
        self.changed.notify_waiters();
    }

    /// Listens for signals for as long as it is polled. What the caller has this process ignore is not listened for.
    #[cfg(unix)]
    pub(crate) async fn listen(&self) -> std::io::Result<std::convert::Infallible> {
        use std::task::Poll;
        use tokio::signal::unix::{SignalKind, signal};
        let ignored = disposition::Ignored::read();
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
            self.note(came.await);
        }
    }

    /// Listens for signals for as long as it is polled.
    #[cfg(not(unix))]
    pub(crate) async fn listen(&self) -> std::io::Result<std::convert::Infallible> {
        loop {
            tokio::signal::ctrl_c().await?;
            self.note(Signal::Signals);
        }
    }
}
