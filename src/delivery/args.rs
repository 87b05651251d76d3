//! The flags that select the destinations of a secret. Each destination becomes a `Sink`.

use std::path::{Path, PathBuf};

use super::command::CommandSink;
use super::dotenv::DotenvSink;
use super::file::FileSink;
use super::github::{self, GithubSink, RunnerFile};
use super::sink::Sink;
use super::stdout::StdoutSink;
use super::target_path::{identity, variable_name};
use crate::config::Source;
use crate::config::values::duration;
use crate::error::Error;
use crate::process::descriptors;
use crate::process::signals::Signals;
use crate::terminal::output::{Format, Output};

const HEADING: &str = "Destination of the secret";

/// The default name of the environment variable for the secret.
const DEFAULT_VARIABLE: &str = "SWP_API_KEY";

/// The destinations of the secret. If no destination is set, the secret goes to stdout. Every command that creates a secret has these
/// flags.
#[derive(Clone, clap::Args)]
pub(crate) struct SinkArgs {
    /// Write the secret to this file with mode 0600, and print the key without its secret to stdout ("-" writes the secret to stdout)
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    out_file: Vec<PathBuf>,

    /// Replace the --out-file if it exists
    #[arg(long, requires = "out_file", help_heading = HEADING)]
    force: bool,

    /// Set NAME=secret in this dotenv file and keep its other lines ("-" prints the line to stdout)
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    dotenv: Vec<PathBuf>,

    /// Name of the variable for --dotenv or -o env [default: SWP_API_KEY]
    #[arg(long, value_name = "NAME", value_parser = variable_name, help_heading = HEADING)]
    env_name: Option<String>,

    /// Set this output of a GitHub Actions step; the secret is masked in the log
    #[arg(long, value_name = "NAME", value_parser = github::output_name, help_heading = HEADING)]
    github_output: Vec<String>,

    /// Set this variable for the following GitHub Actions steps; the secret is masked in the log
    #[arg(long, value_name = "NAME", value_parser = github::env_name, help_heading = HEADING)]
    github_env: Vec<String>,

    /// Run this command without a shell and write the secret to its stdin (exit code 0: the secret is delivered)
    #[arg(long, value_name = "COMMAND", help_heading = HEADING)]
    deliver_cmd: Vec<String>,

    /// Maximum duration of --deliver-cmd
    #[arg(long, value_name = "DURATION", default_value = "60s", requires = "deliver_cmd", help_heading = HEADING)]
    deliver_timeout: String,
}

/// A destination that this program can read.
pub(crate) enum ReadablePlace {
    /// A file that contains only the secret.
    File(PathBuf),
    /// A variable in a dotenv file.
    Dotenv {
        /// The file.
        path: PathBuf,
        /// The variable.
        variable: String,
    },
}

impl SinkArgs {
    /// Returns true if the secret is printed to stdout. If it is, the run prints nothing else to stdout.
    pub(crate) fn to_stdout(&self) -> bool {
        let mut files = self.out_file.iter().chain(&self.dotenv);
        files.any(|path| is_stdout(path)) || self.are_none()
    }

    /// Returns true if the command line names no destination.
    pub(crate) fn are_none(&self) -> bool {
        let Self {
            out_file,
            dotenv,
            github_output,
            github_env,
            deliver_cmd,
            ..
        } = self;
        out_file.is_empty()
            && dotenv.is_empty()
            && github_output.is_empty()
            && github_env.is_empty()
            && deliver_cmd.is_empty()
    }

    /// Allows the run to replace existing files, as with `--force`.
    pub(crate) fn replace_files(&mut self) {
        self.force = true;
    }

    /// Returns true if all destinations keep the secret after the run and the CI job.
    pub(crate) fn are_lasting(&self) -> bool {
        !self.to_stdout() && !self.mask()
    }

    /// Returns the destinations that contain the secret in a form that this program can read.
    pub(crate) fn readable(&self) -> Vec<ReadablePlace> {
        let files = self.out_file.iter().cloned().map(ReadablePlace::File);
        let variable = self.env_name.as_deref().unwrap_or(DEFAULT_VARIABLE);
        let variables = self.dotenv.iter().map(|path| ReadablePlace::Dotenv {
            path: path.clone(),
            variable: variable.to_owned(),
        });
        files.chain(variables).collect()
    }

    /// Checks the flags without preparing the sinks. Commands that prepare the sinks after the sign-in call this function before the
    /// sign-in.
    ///
    /// # Errors
    /// Returns a usage error if the program of `--deliver-cmd` cannot be found.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let time_limit = duration(&Source::Flag("--deliver-timeout"), &self.deliver_timeout)?;
        for command in &self.deliver_cmd {
            CommandSink::prepare(command, time_limit)?;
        }
        Ok(())
    }

    /// Prepares all sinks before a secret is created. Returns the sinks in the order of delivery. Sinks from which the secret cannot be withdrawn
    /// come last.
    ///
    /// # Errors
    /// Returns a usage error with the flag of the sink.
    pub(crate) async fn prepare(
        &self,
        output: &Output,
        allow_loose_permissions: bool,
        signals: &Signals,
    ) -> Result<Vec<Box<dyn Sink>>, Error> {
        self.refuse_one_place_twice()?;
        let output = output.with_format(self.stdout_format(output.format())?);
        let time_limit = duration(&Source::Flag("--deliver-timeout"), &self.deliver_timeout)?;
        let env_name = self.env_name.as_deref().unwrap_or(DEFAULT_VARIABLE);
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        for path in self.out_file.iter().filter(|path| !is_stdout(path)) {
            let (replace, loose) = (self.force, allow_loose_permissions);
            let sink = FileSink::prepare(path, replace, loose, signals).await?;
            sinks.push(Box::new(sink));
        }
        for path in self.dotenv.iter().filter(|path| !is_stdout(path)) {
            let loose = allow_loose_permissions;
            let sink = DotenvSink::prepare(path, env_name, loose, signals).await?;
            sinks.push(Box::new(sink));
        }
        for (target, name) in self.for_github() {
            sinks.push(Box::new(GithubSink::prepare(target, name)?));
        }
        for command in &self.deliver_cmd {
            sinks.push(Box::new(CommandSink::prepare(command, time_limit)?));
        }
        // stdout is the last destination, so that nothing is printed to stdout if the delivery to a command fails.
        if self.to_stdout() {
            sinks.push(Box::new(StdoutSink::prepare(output, env_name)?));
        }
        descriptors::require(descriptors::FOR_DELIVERY)?;
        Ok(sinks)
    }

    /// Returns the output format for stdout. Checks that `--env-name` and `--dotenv -` are compatible with the format.
    fn stdout_format(&self, format: Format) -> Result<Format, Error> {
        if self.env_name.is_some() && self.dotenv.is_empty() && format != Format::Env {
            return Err(Error::usage(
                "`--env-name` has no effect without `-o env` or `--dotenv`",
                "add `-o env` or `--dotenv FILE`, or remove `--env-name`",
            ));
        }
        match self.dotenv.iter().any(|path| is_stdout(path)) {
            false => Ok(format),
            true if format.is_json() => Err(Error::usage(
                "`--dotenv -` cannot be combined with JSON output (`-o`)",
                "remove `--dotenv -`, or use `-o text`",
            )),
            true => Ok(Format::Env),
        }
    }

    /// Returns true if the run prints GitHub Actions workflow commands, which mask the secret in the log.
    pub(crate) fn mask(&self) -> bool {
        self.for_github().next().is_some()
    }

    fn for_github(&self) -> impl Iterator<Item = (RunnerFile, &String)> {
        let outputs = self
            .github_output
            .iter()
            .map(|name| (RunnerFile::Output, name));
        outputs.chain(self.github_env.iter().map(|name| (RunnerFile::Env, name)))
    }

    /// Rejects a destination that is passed twice, because the second result would overwrite the first result. Several `--github-output` or
    /// `--github-env` flags may share a file, but not a name.
    fn refuse_one_place_twice(&self) -> Result<(), Error> {
        let mut taken: Vec<(&str, PathBuf)> = (self.for_github())
            .filter_map(|(target, _)| Some((target.flag(), identity(&target.file()?))))
            .collect();
        let out_files = self.out_file.iter().map(|path| ("--out-file", path));
        let dotenvs = self.dotenv.iter().map(|path| ("--dotenv", path));
        for (flag, path) in out_files.chain(dotenvs) {
            let place = if is_stdout(path) {
                path.clone()
            } else {
                identity(path)
            };
            let path = path.display();
            match taken.iter().find(|(_, other)| *other == place) {
                Some((other, _)) if *other == flag => {
                    return Err(twice(format!("`{flag}` {path} was passed more than once")));
                }
                Some((other, _)) => {
                    return Err(twice(format!(
                        "`{other}` and `{flag}` both write to {path}"
                    )));
                }
                None => taken.push((flag, place)),
            }
        }
        for names in [&self.github_output, &self.github_env] {
            let mut others = names.iter().enumerate();
            if let Some((_, name)) = others.find(|(index, name)| names[..*index].contains(name)) {
                return Err(twice(format!(
                    "the GitHub Actions name `{name}` was passed more than once"
                )));
            }
        }
        Ok(())
    }
}

/// Returns true if the path is `-`, which means stdout. A file with this name can be passed as `./-`.
fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn twice(message: String) -> Error {
    Error::usage(message, "pass each destination only once")
}
