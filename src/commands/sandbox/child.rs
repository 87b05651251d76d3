//! The command that runs in a sandbox, and its environment.

use std::ffi::OsString;

use tokio::process::Command;

use super::environment::{Workplace, leads_elsewhere};
use crate::error::Error;
use crate::process::child;
use crate::process::signals::Signals;

/// Runs a command, and returns its exit code as a shell would.
pub(super) async fn run(
    program: &str,
    arguments: &[String],
    workplace: &Workplace,
    signals: &Signals,
) -> Result<u8, Error> {
    if let Some(signal) = signals.received() {
        return Err(Error::interrupted(signal));
    }
    let mut command = command(program, arguments, workplace)?;
    let running = child::start(&mut command, signals).map_err(|error| {
        Error::usage(
            format!("`{program}` cannot be run: {error}"),
            "give a command after `--`, as in `sandbox -- sh`",
        )
    })?;
    let ended = running.end().await;
    ended.map_err(|error| Error::unexpected(format!("`{program}` is lost: {error}")))
}

fn command(program: &str, arguments: &[String], workplace: &Workplace) -> Result<Command, Error> {
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, _) in std::env::vars_os().filter(|(name, _)| leads_elsewhere(name)) {
        command.env_remove(name);
    }
    command.envs(
        workplace
            .variables()
            .iter()
            .map(|(name, value)| (name, value)),
    );
    command.envs(workplace.folders());
    command.env("PATH", path()?);
    Ok(command)
}

/// PATH with the folder of this program first.
fn path() -> Result<OsString, Error> {
    let unexpected = |error: String| {
        Error::unexpected(format!(
            "this program's own folder cannot be put into PATH: {error}"
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
