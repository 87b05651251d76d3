//! Delivers the secret to a program that is started afterwards, either in an environment variable or through a pipe.
//!
//! All processes of the same user can read the environment of a running process, and child processes inherit the environment. A pipe is
//! safer, because its content can be read only once.

use std::cell::RefCell;
use std::future::ready;
use std::rc::Rc;

use tokio::process::Command;

use super::sink::{Delivering, Payload, Sink, Withdrawing};
use crate::process::child::scrub_environment;
use crate::process::signals::Signals;
use crate::secret::Secret;

/// The channel through which the program receives the secret.
pub(crate) enum ChildChannel {
    /// An environment variable with this name.
    Variable(String),
    /// A pipe that the program inherits.
    #[cfg(unix)]
    Pipe(Pipe),
}

/// The secret for a program that is started later.
pub(crate) struct ChildSecret {
    slot: Rc<RefCell<Option<Secret>>>,
    variable: Option<String>,
    #[cfg(unix)]
    reader: Option<std::os::fd::OwnedFd>,
}

impl ChildSecret {
    /// Prepares the channel. Also returns the [`Sink`] that writes the secret to the channel.
    pub(crate) fn prepare(given: ChildChannel, program: &str) -> (Self, Box<dyn Sink>) {
        let slot = Rc::new(RefCell::new(None));
        let mut for_child = Self {
            slot: Rc::clone(&slot),
            variable: None,
            #[cfg(unix)]
            reader: None,
        };
        match given {
            ChildChannel::Variable(name) => {
                for_child.variable = Some(name);
                let place = format!("the environment of `{program}`");
                (for_child, Box::new(ToSlot { slot, place }))
            }
            #[cfg(unix)]
            ChildChannel::Pipe(pipe) => {
                let (reader, sink) = pipe.parts(program);
                for_child.reader = Some(reader);
                (for_child, Box::new(sink))
            }
        }
    }

    /// Makes the secret available to the command, and removes this program's own secrets from the command's environment. The caller must
    /// drop the returned value after the command has started.
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) fn put_on(mut self, command: &mut Command) -> std::io::Result<impl Sized + use<>> {
        scrub_environment(command.as_std_mut());
        if let (Some(name), Some(secret)) = (&self.variable, self.slot.take()) {
            command.env(name, secret.expose());
        }
        #[cfg(unix)]
        let reader = self.reader.take();
        #[cfg(unix)]
        if let Some(reader) = &reader {
            pipe::let_inherit(reader)?;
        }
        #[cfg(not(unix))]
        let reader = ();
        Ok(reader)
    }
}

/// A destination in memory. It stores the secret until the program is started.
struct ToSlot {
    slot: Rc<RefCell<Option<Secret>>>,
    place: String,
}

impl Sink for ToSlot {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn deliver<'a>(
        &'a mut self,
        payload: &'a Payload<'a>,
        _signals: &'a Signals,
    ) -> Delivering<'a> {
        *self.slot.borrow_mut() = Some(payload.secret.clone());
        Box::pin(ready(Ok(())))
    }

    fn withdraw(&mut self) -> Withdrawing<'_> {
        *self.slot.borrow_mut() = None;
        Box::pin(ready(Ok(())))
    }
}

#[cfg(unix)]
pub(crate) use pipe::Pipe;

#[cfg(unix)]
mod pipe {
    use std::future::ready;
    use std::io::{self, PipeWriter, Write as _};
    use std::os::fd::{AsRawFd as _, OwnedFd};

    use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

    use crate::delivery::sink::{Delivering, Payload, Sink, Withdrawing};
    use crate::error::Error;
    use crate::process::signals::Signals;

    /// A pipe whose read end has the requested descriptor number. Child processes inherit the read end only after `let_inherit` was called.
    pub(crate) struct Pipe {
        reader: OwnedFd,
        writer: PipeWriter,
    }

    impl Pipe {
        /// Opens a pipe whose read end has this descriptor number.
        ///
        /// # Errors
        /// Returns a usage error if the descriptor number is in use.
        pub(crate) fn at(number: i32) -> Result<Self, Error> {
            let failed = |error: io::Error| {
                Error::usage(
                    format!("could not open descriptor {number} (`--fd`): {error}"),
                    "remove `--fd` to pass the secret in the environment",
                )
            };
            let (reader, writer) = io::pipe().map_err(failed)?;
            // The read end of the new pipe happens to have the requested number, so the number was free and no copy is needed.
            if reader.as_raw_fd() == number {
                let reader = reader.into();
                return Ok(Self { reader, writer });
            }
            let reader =
                fcntl_dupfd_cloexec(&reader, number).map_err(|error| failed(error.into()))?;
            if reader.as_raw_fd() == number {
                return Ok(Self { reader, writer });
            }
            Err(Error::usage(
                format!("descriptor {number} (`--fd`) is in use"),
                format!("use `--fd {}`, which is free", reader.as_raw_fd()),
            ))
        }

        pub(super) fn parts(self, program: &str) -> (OwnedFd, ToPipe) {
            let number = self.reader.as_raw_fd();
            let sink = ToPipe {
                writer: Some(self.writer),
                place: format!("descriptor {number} of `{program}`"),
            };
            (self.reader, sink)
        }
    }

    /// Makes the read end of the pipe inheritable. Every program that is started afterwards inherits it.
    pub(super) fn let_inherit(reader: &OwnedFd) -> io::Result<()> {
        Ok(fcntl_setfd(reader, FdFlags::empty())?)
    }

    pub(super) struct ToPipe {
        writer: Option<PipeWriter>,
        place: String,
    }

    impl Sink for ToPipe {
        fn place(&self) -> String {
            self.place.clone()
        }

        /// The write does not block, because the buffer of a pipe is much larger than a secret. After the write, the write end is closed.
        fn deliver<'a>(
            &'a mut self,
            payload: &'a Payload<'a>,
            _signals: &'a Signals,
        ) -> Delivering<'a> {
            let written = match self.writer.take() {
                Some(mut writer) => writer.write_all(payload.secret.expose().as_bytes()),
                None => Err(io::Error::other("it is closed")),
            };
            Box::pin(ready(written.map_err(|error| error.to_string())))
        }

        fn withdraw(&mut self) -> Withdrawing<'_> {
            // Nothing needs to be removed. No other process has the read end of the pipe yet, so no other process can read the secret.
            Box::pin(ready(Ok(())))
        }
    }
}
