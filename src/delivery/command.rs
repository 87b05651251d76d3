//! Delivers the secret to the stdin of a command (`--deliver-cmd`).
//!
//! No line break is written after the secret, because programs such as `vault kv put x value=-` store every byte that they read. The stdout
//! of the command is redirected to this program's stderr, because this program's stdout must contain only the output document. If the
//! command exits with code 0, the secret counts as delivered, even if the command did not read the whole secret. Any other exit code is a
//! failure, and it is then unknown whether the command stored the secret.
//!
//! The command runs in a separate process group, so that it can be killed together with its children. As a consequence, it cannot prompt on the
//! terminal. After the command has exited, the other processes of the group are not killed, because programs such as clipboard tools continue in the
//! background.

use std::future::ready;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, Command};
use tokio::time::{sleep, timeout};

use super::destination::Destination;
use super::sink::{Delivering, Payload, Sink, Withdrawing};
use crate::error::Error;
use crate::process::child::scrub_environment;
use crate::process::external_command::ExternalCommand;
use crate::process::process_group::ProcessGroup;
use crate::process::signals::Signals;
use crate::secret::Secret;
use crate::terminal::status_line;

/// The maximum time to wait for a killed process to exit. The time is limited, because a process that is blocked in the kernel may not exit.
const LAST_WAIT: Duration = Duration::from_secs(5);

const EXAMPLE: &str = "--deliver-cmd 'vault kv put secret/dsm key=-'";

/// `--deliver-cmd`.
pub(super) struct CommandSink {
    /// The name of the program, as the user typed it.
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    time_limit: Duration,
}

/// Returns the name of the program if the program of the command does not exist. Nothing is run.
pub(crate) fn missing_program(command: &str) -> Option<String> {
    let program = ExternalCommand::parse(command).ok()?.program;
    which::which(&program).is_err().then_some(program)
}

impl CommandSink {
    /// Splits the command into words as a shell does, and checks that the program exists.
    ///
    /// # Errors
    /// Returns a usage error if the command cannot be split, or if the program does not exist.
    pub(super) fn prepare(command: &str, time_limit: Duration) -> Result<Self, Error> {
        let parsed = ExternalCommand::parse(command)
            .map_err(|problem| problem.error("`--deliver-cmd`", EXAMPLE))?;
        let name = parsed.program;
        let program = which::which(&name).map_err(|_| {
            Error::usage(
                format!("`--deliver-cmd`: program `{name}` not found"),
                format!(
                    "pass a program and its arguments, as in `{EXAMPLE}` (nothing was created on the manager)"
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

    async fn run(&self, secret: &Secret, signals: &Signals) -> Result<(), String> {
        let mut child =
            (self.command().spawn()).map_err(|error| format!("could not start: {error}"))?;
        let mut group = ProcessGroup::of(&child);
        let stdin = child.stdin.take();
        let mut ended = pin!(async {
            let (fed, ended) = tokio::join!(feed(stdin, secret), child.wait());
            judge(fed, ended)
        });
        let mut time_limit = pin!(sleep(self.time_limit));
        let mut signalled = false;
        let result = loop {
            tokio::select! {
                biased;
                result = &mut ended => break result,
                () = &mut time_limit => {
                    group.kill();
                    let _ = timeout(LAST_WAIT, &mut ended).await;
                    let limit = humantime::format_duration(self.time_limit);
                    break Err(format!("the command did not finish within {limit} and was killed"));
                }
                signal = signals.first_signal(), if !signalled => {
                    group.forward(signal);
                    signalled = true;
                }
            }
        };
        group.finished();
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

/// Writes the secret to the command's stdin and closes the stdin. It is not an error if the command closes the stdin before it has read the
/// whole secret.
async fn feed(stdin: Option<ChildStdin>, secret: &Secret) -> io::Result<()> {
    let Some(mut stdin) = stdin else {
        return Err(io::Error::other("the command's stdin is not available"));
    };
    match stdin.write_all(secret.expose().as_bytes()).await {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn judge(fed: io::Result<()>, ended: io::Result<ExitStatus>) -> Result<(), String> {
    fed.map_err(|error| format!("could not write to the command's stdin: {error}"))?;
    let status =
        ended.map_err(|error| format!("could not get the command's exit status: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        let outcome = match status.code() {
            Some(code) => format!("the command exited with {code}"),
            None => format!("the command failed ({status})"),
        };
        Err(outcome)
    }
}

impl Sink for CommandSink {
    /// Returns the description without the command's arguments, because the description is logged and the arguments may contain passwords.
    fn place(&self) -> String {
        format!("the command `{}`", self.name)
    }

    fn destination(&self) -> Destination {
        Destination::Command(self.place())
    }

    fn deliver<'a>(&'a mut self, payload: &'a Payload<'a>, signals: &'a Signals) -> Delivering<'a> {
        status_line::end();
        Box::pin(self.run(payload.secret, signals))
    }

    fn withdraw(&mut self) -> Withdrawing<'_> {
        let reason = "the command may have stored the secret";
        Box::pin(ready(Err(reason.to_owned())))
    }
}
