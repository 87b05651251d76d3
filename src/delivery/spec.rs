//! A destination of a secret that a file names, such as a manifest.

use std::path::PathBuf;
use std::time::Duration;

use super::command::CommandSink;
use super::dotenv::DotenvSink;
use super::file::FileSink;
use super::sink::Sink;
use crate::error::Error;
use crate::process::signals::Signals;

/// A destination of a secret. An existing secret at the destination is replaced.
pub(crate) enum SinkSpec {
    /// A file that contains only the secret.
    File(PathBuf),
    /// A variable in a dotenv file.
    Dotenv {
        /// The file.
        path: PathBuf,
        /// The variable.
        variable: String,
    },
    /// A command that reads the secret from its stdin.
    Command {
        /// The command, which runs without a shell.
        text: String,
        /// The maximum duration.
        time_limit: Duration,
    },
}

impl SinkSpec {
    /// Prepares the destinations, and returns them in the order of delivery: a command is last, because a secret cannot be withdrawn from it.
    ///
    /// # Errors
    /// Returns a usage error that names the destination.
    pub(crate) async fn prepare_all(
        specs: Vec<Self>,
        allow_loose_permissions: bool,
        signals: &Signals,
    ) -> Result<Vec<Box<dyn Sink>>, Error> {
        let is_command = |spec: &Self| matches!(spec, Self::Command { .. });
        let (commands, files): (Vec<_>, Vec<_>) = specs.into_iter().partition(is_command);
        let loose = allow_loose_permissions;
        let mut sinks: Vec<Box<dyn Sink>> = Vec::with_capacity(files.len() + commands.len());
        for spec in files.into_iter().chain(commands) {
            sinks.push(match spec {
                Self::File(path) => Box::new(FileSink::prepare(&path, true, loose, signals).await?),
                Self::Dotenv { path, variable } => {
                    Box::new(DotenvSink::prepare(&path, &variable, loose, signals).await?)
                }
                Self::Command { text, time_limit } => {
                    Box::new(CommandSink::prepare(&text, time_limit)?)
                }
            });
        }
        Ok(sinks)
    }
}
