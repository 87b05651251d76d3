//! A program that is started once it has its secret: in its environment, or at a descriptor from which it can read it once.
//!
//! The environment of a process can be read by every process of its user for as long as it lives, and is inherited by whatever it
//! starts; what comes through a pipe is gone when it was read.

use std::cell::RefCell;
use std::future::ready;
use std::rc::Rc;

use tokio::process::Command;

use super::sink::{Delivering, Payload, Sink, Withdrawing};
use crate::process::child::scrub_environment;
use crate::process::signals::Signals;
use crate::secret::Secret;

/// How the program gets the secret.
pub(crate) enum ChildChannel {
    /// In this variable.
    Variable(String),
    /// At the descriptor that this pipe has.
    #[cfg(unix)]
    Pipe(Pipe),
}

/// What a program is to be given.
pub(crate) struct ChildSecret {
    slot: Rc<RefCell<Option<Secret>>>,
    variable: Option<String>,
    #[cfg(unix)]
    reader: Option<std::os::fd::OwnedFd>,
}

impl ChildSecret {
    /// Prepares it: what goes there is put on the program that is started afterwards.
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

    /// Puts it on the program that is to be started, and takes our own secrets out of its environment. What is returned is to be
    /// dropped when that has started.
    ///
    /// # Errors
    /// Of the system.
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

/// Keeps the secret until the program is started.
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
        _interrupt: &'a Signals,
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

    /// A pipe whose reading end has a certain number. No program inherits it before it is let to.
    pub(crate) struct Pipe {
        reader: OwnedFd,
        writer: PipeWriter,
    }

    impl Pipe {
        /// Takes the number.
        ///
        /// # Errors
        /// Of usage, where it is taken.
        pub(crate) fn at(number: i32) -> Result<Self, Error> {
            let failed = |error: io::Error| {
                Error::usage(
                    format!("`--fd {number}` cannot be used: {error}"),
                    "leave it out: the environment has the secret then",
                )
            };
            let (reader, writer) = io::pipe().map_err(failed)?;
            // The pipe itself may have got the number.
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
                format!("`--fd {number}` is taken"),
                format!("say `--fd {}`, which is free", reader.as_raw_fd()),
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

    /// From now on, what is started has it.
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

        /// A pipe takes far more than a secret at once, and its end comes with the end of this.
        fn deliver<'a>(
            &'a mut self,
            payload: &'a Payload<'a>,
            _interrupt: &'a Signals,
        ) -> Delivering<'a> {
            let written = match self.writer.take() {
                Some(mut writer) => writer.write_all(payload.secret.expose().as_bytes()),
                None => Err(io::Error::other("it is closed")),
            };
            Box::pin(ready(written.map_err(|error| error.to_string())))
        }

        fn withdraw(&mut self) -> Withdrawing<'_> {
            // Nobody has the other end but us.
            Box::pin(ready(Ok(())))
        }
    }
}
