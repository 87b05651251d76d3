//! Hands the secret to a program that is started afterwards: in its environment, or through a pipe that can be read once.
//!
//! Every process of the same user can read the environment of a process while it runs, and child processes inherit it. The content of a
//! pipe is gone once it has been read.

use std::cell::RefCell;
use std::future::ready;
use std::rc::Rc;

use tokio::process::Command;

use super::sink::{Delivering, Payload, Sink, Withdrawing};
use crate::process::child::scrub_environment;
use crate::process::signals::Signals;
use crate::secret::Secret;

/// How the program receives the secret.
pub(crate) enum ChildChannel {
    /// In this environment variable.
    Variable(String),
    /// Through this pipe.
    #[cfg(unix)]
    Pipe(Pipe),
}

/// The secret for a program that will be started.
pub(crate) struct ChildSecret {
    slot: Rc<RefCell<Option<Secret>>>,
    variable: Option<String>,
    #[cfg(unix)]
    reader: Option<std::os::fd::OwnedFd>,
}

impl ChildSecret {
    /// Prepares the channel, and returns the sink that fills it.
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

    /// Adds the secret to the command, and removes this program's own secrets from its environment. The returned value must be dropped
    /// after the start of the command.
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

/// A sink that keeps the secret until the program is started.
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

    /// A pipe whose read end has a given descriptor number. No program inherits it until `let_inherit` is called.
    pub(crate) struct Pipe {
        reader: OwnedFd,
        writer: PipeWriter,
    }

    impl Pipe {
        /// Opens a pipe whose read end has this number.
        ///
        /// # Errors
        /// Returns a usage error if the number is in use.
        pub(crate) fn at(number: i32) -> Result<Self, Error> {
            let failed = |error: io::Error| {
                Error::usage(
                    format!("could not open `--fd {number}`: {error}"),
                    "remove `--fd` to pass the secret in the environment",
                )
            };
            let (reader, writer) = io::pipe().map_err(failed)?;
            // The pipe itself may have received the number.
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
                format!("`--fd {number}` is in use"),
                format!("use `--fd {}`, which is free", reader.as_raw_fd()),
            ))
        }

        pub(super) fn parts(self, program: &str) -> (OwnedFd, ToPipe) {
            let number = self.reader.as_raw_fd();
            let sink = ToPipe {
                writer: Some(self.writer),
                place: format!("the descriptor {number} of `{program}`"),
            };
            (self.reader, sink)
        }
    }

    /// Lets programs that are started from now on inherit the read end.
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

        /// A pipe buffers far more than a secret, so this does not block. The write end is closed afterwards.
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
            // No other process has the read end yet.
            Box::pin(ready(Ok(())))
        }
    }
}
