//! A command that takes the secret: on its stdin, and nowhere else.
//!
//! It gets exactly the secret, without a line break at the end, as `vault kv put x value=-` and its like store every byte they
//! read. Its stdout goes to our stderr, since our stdout carries one document or nothing. Exit code 0 acknowledges, whether it
//! read its stdin to the end or not; anything else is a failure, and what it did before cannot be known.
//!
//! It runs in a process group of its own, so that it can be ended with all it started, and for the same reason it cannot ask on the
//! terminal. What still runs of that group after an acknowledgement is left alone: that is how clipboards are served.

use std::future::ready;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{sleep, timeout};

use super::sink::{Delivering, Payload, Sink, Withdrawing};
use crate::error::{Error, Signal};
use crate::process::child::scrub_environment;
use crate::process::external_command::ExternalCommand;
use crate::process::signals::Signals;
use crate::secret::Secret;

/// A process that was killed ends at once, unless the system cannot end it; then it is not waited for.
const LAST_WAIT: Duration = Duration::from_secs(5);

const EXAMPLE: &str = "--deliver-cmd 'vault kv put secret/dsm key=-'";

/// `--deliver-cmd`.
pub(super) struct CommandSink {
    /// As it was typed.
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    time_limit: Duration,
}

impl CommandSink {
    /// Splits the command as a shell would, and makes sure that its program is there.
    ///
    /// # Errors
    /// Of usage.
    pub(super) fn prepare(command: &str, time_limit: Duration) -> Result<Self, Error> {
        let parsed = ExternalCommand::parse(command)
            .map_err(|problem| problem.error("`--deliver-cmd`", EXAMPLE))?;
        let name = parsed.program;
        let program = which::which(&name).map_err(|_| {
            Error::usage(
                format!("`--deliver-cmd` cannot be run: there is no program `{name}`"),
                format!(
                    "give a program and its arguments, as in `{EXAMPLE}`; nothing was created on the manager"
                ),
            )
        })?;
        Ok(Self {
            name,
            program,
            arguments: parsed.arguments,
            time_limit,
        })
    }

    async fn hand_over(&self, secret: &Secret, signals: &Signals) -> Result<(), String> {
        let mut child =
            (self.command().spawn()).map_err(|error| format!("cannot be run: {error}"))?;
        let mut group = Group::of(&child);
        let stdin = child.stdin.take();
        let mut ended = pin!(async {
            let (fed, ended) = tokio::join!(feed(stdin, secret), child.wait());
            judge(fed, ended)
        });
        let mut time_limit = pin!(sleep(self.time_limit));
        let mut told = false;
        let result = loop {
            tokio::select! {
                biased;
                result = &mut ended => break result,
                () = &mut time_limit => {
                    group.kill();
                    let _ = timeout(LAST_WAIT, &mut ended).await;
                    let limit = humantime::format_duration(self.time_limit);
                    break Err(format!("it did not end within {limit} and was killed"));
                }
                signal = signals.first_signal(), if !told => {
                    group.tell(signal);
                    told = true;
                }
            }
        };
        group.is_over();
        result
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(io::stderr())
            .kill_on_drop(true);
        scrub_environment(command.as_std_mut());
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

/// Writes the secret and ends the stdin. A command that closes it early has what it wants.
async fn feed(stdin: Option<ChildStdin>, secret: &Secret) -> io::Result<()> {
    let Some(mut stdin) = stdin else {
        return Err(io::Error::other("it has no stdin"));
    };
    match stdin.write_all(secret.expose().as_bytes()).await {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn judge(fed: io::Result<()>, ended: io::Result<ExitStatus>) -> Result<(), String> {
    fed.map_err(|error| format!("its stdin cannot be written: {error}"))?;
    let status = ended.map_err(|error| format!("how it ended is not known: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("it failed: {status}"))
    }
}

impl Sink for CommandSink {
    /// Not its arguments: people put passwords there, and this goes to logs.
    fn place(&self) -> String {
        format!("the command `{}`", self.name)
    }

    fn deliver<'a>(&'a mut self, payload: &'a Payload<'a>, signals: &'a Signals) -> Delivering<'a> {
        Box::pin(self.hand_over(payload.secret, signals))
    }

    fn withdraw(&mut self) -> Withdrawing<'_> {
        let reason = "what a command was given cannot be taken back";
        Box::pin(ready(Err(reason.to_owned())))
    }
}

/// The process group of a command that runs. Dropped before it is over (a second signal), it is killed.
#[cfg(unix)]
struct Group(Option<rustix::process::Pid>);

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }

    /// The command is told what we were told, as it would be on a terminal.
    fn tell(&self, signal: Signal) {
        self.send(signal.of_unix());
    }

    fn kill(&self) {
        self.send(rustix::process::Signal::KILL);
    }

    fn send(&self, signal: rustix::process::Signal) {
        if let Some(group) = self.0 {
            // It may have ended just now, and then there is nobody to tell.
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }

    /// Its number may be another's from now on.
    fn is_over(&mut self) {
        self.0 = None;
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// There, Ctrl-C reaches every program of the console by itself, and the command alone is killed, when it is dropped.
#[cfg(not(unix))]
struct Group;

#[cfg(not(unix))]
#[expect(clippy::unused_self, reason = "the same form on every system")]
impl Group {
    fn of(_child: &Child) -> Self {
        Self
    }

    fn tell(&self, _signal: Signal) {}

    fn kill(&self) {}

    fn is_over(&mut self) {}
}
