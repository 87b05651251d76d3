//! Reads the output of a run while it is active.

use std::io::Read;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};

use crate::support::wait_until;

/// The read end of a pipe, which never blocks.
pub(super) struct Reader<P> {
    pipe: Option<P>,
    pub(super) bytes: Vec<u8>,
}

impl<P: Read + AsFd> Reader<P> {
    pub(super) fn of(pipe: Option<P>) -> Self {
        if let Some(pipe) = &pipe {
            // The flag affects only this end of the pipe.
            fcntl_setfl(pipe, OFlags::NONBLOCK).expect("a pipe");
        }
        Self {
            pipe,
            bytes: Vec::new(),
        }
    }

    /// Reads all available bytes.
    pub(super) fn read(&mut self) {
        if let Some(pipe) = &mut self.pipe {
            // If the pipe is empty but open, the read ends with an error, which is expected.
            let _ = pipe.read_to_end(&mut self.bytes);
        }
    }

    /// Closes the pipe, and waits until no other process holds this end. A process that another test starts inherits it until its `exec`.
    pub(super) fn leave(&mut self, writer: &impl AsFd) {
        self.read();
        drop(self.pipe.take());
        wait_until("a pipe without a reader", || {
            let mut end = [PollFd::new(writer, PollFlags::empty())];
            let polled = poll(&mut end, Some(&Timespec::default()));
            polled.is_ok() && end[0].revents().contains(PollFlags::ERR)
        });
    }

    pub(super) fn text(mut self) -> String {
        self.read();
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}
