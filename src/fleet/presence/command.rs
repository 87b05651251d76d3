//! Looks for a secret with `read-cmd` or `check-cmd`.
//!
//! The command runs without a shell, and without the secrets of this run in its environment. Exit code 0 without output means that there is
//! no secret. Any other exit code means that it is unknown, because many programs use one exit code for "not found" and "not reachable".

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::file::FoundSecret;
use super::state::Presence;
use crate::process::child::scrub_environment;
use crate::process::external_command::ExternalCommand;
use crate::process::process_group::ProcessGroup;
use crate::secret::Secret;

/// The maximum duration of the command.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(30);
/// The maximum length of its output.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// A command that looks for a secret.
pub(super) struct CommandLook {
    pub(super) command: String,
    pub(super) time_limit: Duration,
    /// True if the output is the secret. If false, no part of the output is kept.
    pub(super) prints_secret: bool,
    /// True if the secret will be used. If false, an output that is no secret is not reported.
    pub(super) uses_secret: bool,
}

impl CommandLook {
    /// Runs the command. Returns whether there is a secret, and the secret if the command prints it.
    pub(super) async fn run(self) -> (Presence, Option<Secret>) {
        let parsed = match ExternalCommand::parse(&self.command) {
            Ok(parsed) => parsed,
            Err(problem) => return (Presence::NotKnown(format!("the command {problem}")), None),
        };
        let name = parsed.program.clone();
        let not_known = |reason: &str| (Presence::NotKnown(format!("`{name}` {reason}")), None);
        let output = match timeout(self.time_limit, output_of(parsed)).await {
            Ok(Ok(output)) => output,
            Ok(Err(reason)) => return not_known(&reason),
            Err(_) => {
                let limit = humantime::format_duration(self.time_limit);
                return not_known(&format!("did not finish within {limit}"));
            }
        };
        match (output.trim_ascii().is_empty(), self.prints_secret) {
            (true, _) => (Presence::Missing, None),
            (false, false) => (Presence::There, None),
            (false, true) => match FoundSecret::of_text(&output) {
                FoundSecret::NotKnown(_) if !self.uses_secret => (Presence::There, None),
                FoundSecret::NotKnown(_) => not_known("printed something that is no secret"),
                found => found.into_presence(),
            },
        }
    }
}

/// Runs a command, and returns what it printed.
async fn output_of(parsed: ExternalCommand) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut command = Command::new(parsed.program);
    command
        .args(parsed.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    scrub_environment(command.as_std_mut());
    #[cfg(unix)]
    command.process_group(0);
    let mut child = (command.spawn()).map_err(|error| format!("could not be run: {error}"))?;
    // Dropping the group kills the command, for example when the time is over.
    let mut group = ProcessGroup::of(&child);
    let printed = match child.stdout.take() {
        Some(mut output) => read_all(&mut output).await?,
        None => return Err("has no stdout".to_owned()),
    };
    let status = child.wait().await.map_err(|error| error.to_string())?;
    group.finished();
    match status.success() {
        true => Ok(printed),
        false => Err(format!("failed: {status}")),
    }
}

/// Reads the output to its end.
async fn read_all(
    output: &mut (impl tokio::io::AsyncRead + Unpin),
) -> Result<Zeroizing<Vec<u8>>, String> {
    // The buffer never grows, because that would leave a copy of the secret in memory.
    let mut buffer = Zeroizing::new(vec![0_u8; OUTPUT_LIMIT + 1]);
    let mut length = 0;
    loop {
        let rest = buffer.get_mut(length..).unwrap_or_default();
        if rest.is_empty() {
            return Err("printed more than 64 KiB".to_owned());
        }
        let read = output.read(rest).await;
        match read.map_err(|error| format!("could not be read: {error}"))? {
            0 => break,
            count => length += count,
        }
    }
    buffer.truncate(length);
    Ok(buffer)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Instant;

    use super::*;

    fn look(command: &str, reads_secret: bool) -> io::Result<(Presence, Option<String>)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let look = CommandLook {
            command: command.to_owned(),
            time_limit: Duration::from_millis(300),
            prints_secret: reads_secret,
            uses_secret: reads_secret,
        };
        let (presence, secret) = runtime.block_on(look.run());
        Ok((presence, secret.map(|secret| secret.expose().to_owned())))
    }

    #[test]
    fn a_secret_is_read_only_if_it_will_be_used() -> io::Result<()> {
        assert_eq!(look("echo 1:a", false)?, (Presence::There, None));
        let secret = Some("1:a".to_owned());
        assert_eq!(look("echo 1:a", true)?, (Presence::There, secret));
        assert_eq!(look("echo", true)?, (Presence::Missing, None));
        let two_lines = look("printf 'a\\nb'", true)?;
        assert!(matches!(two_lines, (Presence::NotKnown(_), None)));
        Ok(())
    }

    #[test]
    fn a_command_that_does_not_finish_shows_nothing() -> io::Result<()> {
        let begun = Instant::now();
        let (presence, secret) = look("sleep 40", true)?;
        assert!(begun.elapsed() < Duration::from_secs(20));
        let expected = "`sleep` did not finish within 300ms";
        assert_eq!(presence, Presence::NotKnown(expected.to_owned()));
        assert_eq!(secret, None);
        Ok(())
    }
}
