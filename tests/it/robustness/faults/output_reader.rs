//! The streams of a run, read while it goes on.

use std::io::Read;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};

use crate::support::wait_until;

/// The end of a pipe that is read as it fills, until its end or until its reader leaves.
pub(super) struct Reader<P> {
    pipe: Option<P>,
    pub(super) bytes: Vec<u8>,
}

impl<P: Read + AsFd> Reader<P> {
    pub(super) fn of(pipe: Option<P>) -> Self {
        if let Some(pipe) = &pipe {
            // The flag belongs to this end alone.
            fcntl_setfl(pipe, OFlags::NONBLOCK).expect("a pipe");
        }
        Self {
            pipe,
            bytes: Vec::new(),
        }
    }

    /// Reads what there is.
    pub(super) fn read(&mut self) {
        if let Some(pipe) = &mut self.pipe {
            // It ends where nothing more is there now, which counts as an error.
            let _ = pipe.read_to_end(&mut self.bytes);
        }
    }

    /// Closes the pipe, and waits until nothing else holds this end: a process that another test starts does until it runs its program.
    pub(super) fn leave(&mut self, writer: &impl AsFd) {
        self.read();
        drop(self.pipe.take());
        wait_until("a pipe without a reader", || {
            let mut end = [PollFd::new(writer, PollFlags::empty())];
            let seen = poll(&mut end, Some(&Timespec::default()));
            seen.is_ok() && end[0].revents().contains(PollFlags::ERR)
        });
    }

    pub(super) fn text(mut self) -> String {
        self.read();
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}
