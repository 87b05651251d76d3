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

use super::state::Presence;
use crate::process::child::scrub_environment;
use crate::process::external_command::ExternalCommand;
use crate::process::process_group::ProcessGroup;

/// The maximum duration of the command.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// The maximum length of its output.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// Runs the command.
pub(super) async fn of_command(command: String) -> Presence {
    let name = ExternalCommand::parse(&command).map(|parsed| parsed.program);
    match (timeout(TIME_LIMIT, run(&command)).await, name) {
        (Ok(Ok(true)), _) => Presence::There,
        (Ok(Ok(false)), _) => Presence::Missing,
        (Ok(Err(reason)), Ok(name)) => Presence::NotKnown(format!("`{name}` {reason}")),
        (Err(_), Ok(name)) => {
            let limit = humantime::format_duration(TIME_LIMIT);
            Presence::NotKnown(format!("`{name}` did not finish within {limit}"))
        }
        (_, Err(problem)) => Presence::NotKnown(format!("the command {problem}")),
    }
}

/// Returns true if the command printed something.
async fn run(command: &str) -> Result<bool, String> {
    let ExternalCommand { program, arguments } =
        ExternalCommand::parse(command).map_err(|problem| problem.to_string())?;
    let mut command = Command::new(program);
    command
        .args(arguments)
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
        Some(mut output) => prints_text(&mut output).await?,
        None => return Err("has no stdout".to_owned()),
    };
    let status = child.wait().await.map_err(|error| error.to_string())?;
    group.finished();
    match status.success() {
        true => Ok(printed),
        false => Err(format!("failed: {status}")),
    }
}

/// Reads the output to its end, and returns true if it has a character that is not white space. No part of the output is kept.
async fn prints_text(output: &mut (impl tokio::io::AsyncRead + Unpin)) -> Result<bool, String> {
    let mut buffer = Zeroizing::new([0_u8; 4096]);
    let (mut printed, mut length) = (false, 0);
    loop {
        let read = output.read(buffer.as_mut_slice()).await;
        let count = read.map_err(|error| format!("could not be read: {error}"))?;
        if count == 0 {
            return Ok(printed);
        }
        length += count;
        if length > OUTPUT_LIMIT {
            return Err("printed more than 64 KiB".to_owned());
        }
        printed |= !buffer.iter().take(count).all(u8::is_ascii_whitespace);
    }
}
