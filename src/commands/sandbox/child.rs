//! Runs a command that uses the sandbox.

use std::ffi::OsString;

use tokio::process::Command;

use super::environment::{Environment, is_removed};
use crate::error::Error;
use crate::process::child;
use crate::process::signals::Signals;

/// Runs a command, and returns the exit code that a shell would return for it.
pub(super) async fn run(
    program: &str,
    arguments: &[String],
    environment: &Environment,
    signals: &Signals,
) -> Result<u8, Error> {
    if let Some(signal) = signals.received() {
        return Err(Error::interrupted(signal));
    }
    let mut command = command(program, arguments, environment)?;
    let running = child::start(&mut command, signals).map_err(|error| {
        Error::usage(
            format!("could not run `{program}`: {error}"),
            "check the command after `--`",
        )
    })?;
    let ended = running.end().await;
    ended.map_err(|error| {
        Error::unexpected(format!(
            "could not get the exit status of `{program}`: {error}"
        ))
    })
}

fn command(
    program: &str,
    arguments: &[String],
    environment: &Environment,
) -> Result<Command, Error> {
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_removed(name)) {
        command.env_remove(name);
    }
    command.envs(
        environment
            .variables()
            .iter()
            .map(|(name, value)| (name, value)),
    );
    command.envs(environment.folders());
    command.env("PATH", path()?);
    Ok(command)
}

/// Returns the PATH variable with the folder of this program as its first entry.
fn path() -> Result<OsString, Error> {
    let unexpected = |error: String| {
        Error::unexpected(format!(
            "could not add the folder of this program to PATH: {error}"
        ))
    };
    let own = std::env::current_exe().map_err(|error| unexpected(error.to_string()))?;
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders = own
        .parent()
        .map(std::path::Path::to_path_buf)
        .into_iter()
        .chain(std::env::split_paths(&rest));
    std::env::join_paths(folders).map_err(|error| unexpected(error.to_string()))
}
