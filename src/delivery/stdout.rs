//! Delivers the secret to stdout, as part of the output document.

use std::future::ready;
use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::destination::Destination;
use super::sink::{Delivering, Payload, Sink, Withdrawing};
use crate::error::Error;
use crate::process::signals::Signals;
use crate::secret::joined;
use crate::terminal::output::{Format, Output, env_line, json_text};

/// The destination stdout. The secret is written in one of the output formats.
pub(super) struct StdoutSink {
    output: Output,
    env_name: String,
}

impl StdoutSink {
    /// Checks that a process reads stdout.
    ///
    /// # Errors
    /// Returns a usage error if stdout is closed, or if the reader of stdout has closed the pipe. This check is made before any request is
    /// sent.
    pub(super) fn prepare(output: Output, env_name: &str) -> Result<Self, Error> {
        match reader::why_unread() {
            Some(reason) => Err(Error::usage(
                format!("could not deliver the secret: {reason}"),
                "keep stdout open, or pass a file with `--out-file` (nothing was created on the manager)",
            )),
            None => Ok(Self {
                output,
                env_name: env_name.to_owned(),
            }),
        }
    }

    fn document(&self, payload: &Payload<'_>) -> Zeroizing<String> {
        let secret = payload.secret.expose();
        let json = |pretty| {
            let document = SecretDocument {
                fields: payload.fields,
                secret_key: secret,
                meta: payload.meta,
            };
            let mut text = Zeroizing::new(json_text(&document, pretty));
            text.push('\n');
            text
        };
        match self.output.format() {
            Format::Text | Format::Tsv => joined(&[secret, "\n"]),
            Format::Env => Zeroizing::new(env_line(&self.env_name, secret)),
            Format::Json => json(true),
            Format::Jsonl => json(false),
        }
    }
}

/// The JSON document. It contains `meta` and the key object that the manager returned, with the secret.
#[derive(Serialize)]
struct SecretDocument<'a> {
    #[serde(flatten)]
    fields: &'a Map<String, Value>,
    #[serde(rename = "secretKey")]
    secret_key: &'a str,
    meta: &'a Value,
}

impl Sink for StdoutSink {
    fn place(&self) -> String {
        "stdout".to_owned()
    }

    fn destination(&self) -> Destination {
        Destination::Stdout
    }

    fn deliver<'a>(
        &'a mut self,
        payload: &'a Payload<'a>,
        _signals: &'a Signals,
    ) -> Delivering<'a> {
        let document = self.document(payload);
        if self.output.format() == Format::Text {
            self.output.announce_secret();
        }
        let mut stdout = io::stdout().lock();
        let written = stdout
            .write_all(document.as_bytes())
            .and_then(|()| stdout.flush());
        Box::pin(ready(written.map_err(|error| error.to_string())))
    }

    fn withdraw(&mut self) -> Withdrawing<'_> {
        let reason = "output that was written to stdout cannot be withdrawn";
        Box::pin(ready(Err(reason.to_owned())))
    }
}

#[cfg(unix)]
mod reader {
    use std::io;
    use std::os::fd::AsFd as _;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::{OFlags, fcntl_getfl, fstat, stat};

    /// Returns why no process reads stdout, such as `stdout is closed`. Returns `None` if a process may read it. Writes nothing to stdout.
    pub(super) fn why_unread() -> Option<&'static str> {
        let stdout = io::stdout();
        let stdout = stdout.as_fd();
        let mut polled = [PollFd::new(&stdout, PollFlags::empty())];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        if poll(&mut polled, Some(&now)).is_ok()
            && polled[0]
                .revents()
                .intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL)
        {
            return Some("the reader of stdout has closed the pipe");
        }
        // If stdout is closed when the program starts (`>&-`), the Rust runtime opens /dev/null as stdout, for reading and writing. So /dev/null
        // counts as a closed stdout if it can be read. The redirection `>/dev/null` is allowed, because it opens /dev/null only for writing.
        let is_null = match (fstat(stdout), stat("/dev/null")) {
            (Ok(stdout), Ok(null)) => {
                stdout.st_rdev == null.st_rdev && stdout.st_ino == null.st_ino
            }
            _ => false,
        };
        let both_ways = fcntl_getfl(stdout).is_ok_and(|flags| flags.contains(OFlags::RDWR));
        (is_null && both_ways).then_some("stdout is closed")
    }
}

#[cfg(not(unix))]
mod reader {
    /// Returns `None`. On systems other than Unix, a closed pipe is detected only when the secret is written.
    pub(super) fn why_unread() -> Option<&'static str> {
        None
    }
}
