//! Delivers the secret to later steps of a GitHub Actions job, through the files `$GITHUB_OUTPUT` and `$GITHUB_ENV`.
//!
//! The runner creates these files before each step and reads them after the step. Their mode and owner are not changed. Before the secret is written,
//! a workflow command is printed to stderr. It makes the runner mask the secret in the log. The workflow command contains the secret, so it is
//! printed only if a runner reads stderr. The runner parses stderr in the same way as stdout (actions/runner, `ActionCommandManager` and
//! `FileCommandManager`).
//!
//! The file is locked during the write and during a rollback. A rollback removes the lines that this run has appended. If another process has
//! appended lines since the delivery, removing this run's lines would move the lines of the other process. In this case, this run's lines are
//! overwritten with empty lines, which the runner ignores.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::sink::{Delivering, Payload, Sink, Withdrawing};
use super::target_path::{open_plain, unwritable, variable_name};
use crate::error::Error;
use crate::process::signals::Signals;
use crate::random;
use crate::secret::{Secret, joined};
use crate::storage::file_lock::{FileLock, lock_file};
use crate::terminal::output::Output;

/// A file that the runner provides: `$GITHUB_OUTPUT` or `$GITHUB_ENV`.
#[derive(Clone, Copy)]
pub(super) enum RunnerFile {
    Output,
    Env,
}

impl RunnerFile {
    pub(super) fn flag(self) -> &'static str {
        match self {
            Self::Output => "--github-output",
            Self::Env => "--github-env",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Output => "GITHUB_OUTPUT",
            Self::Env => "GITHUB_ENV",
        }
    }

    /// Returns the path of the file, or `None` if the runner has not set the file's variable.
    pub(super) fn file(self) -> Option<PathBuf> {
        std::env::var_os(self.variable())
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    }
}

/// `--github-output`, `--github-env`.
pub(super) struct GithubSink {
    target: RunnerFile,
    name: String,
    file: File,
    delivered: Option<Appended>,
}

/// The text that was appended, and its offset in the file.
struct Appended {
    from: u64,
    text: Zeroizing<String>,
}

impl GithubSink {
    /// Checks that a runner will mask the secret, and that the runner's file is writable.
    ///
    /// # Errors
    /// Returns a usage error if this is not a GitHub Actions step, or if the runner's file is not writable.
    pub(super) fn prepare(target: RunnerFile, name: &str) -> Result<Self, Error> {
        let (flag, variable) = (target.flag(), target.variable());
        let elsewhere =
            "use this flag only in a step of GitHub Actions (nothing was created on the manager)";
        if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
            return Err(Error::usage(
                format!(
                    "`{flag}`: this is not a GitHub Actions step (GITHUB_ACTIONS is not `true`)"
                ),
                elsewhere,
            ));
        }
        let Some(path) = target.file() else {
            return Err(Error::usage(
                format!("`{flag}`: {variable} is not set"),
                elsewhere,
            ));
        };
        if let Some(reason) = stderr::why_unread() {
            return Err(Error::usage(
                format!(
                    "`{flag}`: {reason}, so GitHub Actions would not mask the secret in the log"
                ),
                "do not redirect stderr, because the workflow command that masks the secret is printed to stderr",
            ));
        }
        let file = open_plain(OpenOptions::new().read(true).append(true), &path)
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => Error::usage(
                    format!("`{flag}`: the file {} ({variable}) does not exist", path.display()),
                    format!("set {variable} to the file that the GitHub Actions runner creates before each step (nothing was created on the manager)"),
                ),
                _ => unwritable(variable, &path, &error),
            })?;
        Ok(Self {
            target,
            name: name.to_owned(),
            file,
            delivered: None,
        })
    }

    async fn write(&mut self, secret: &Secret, signals: &Signals) -> Result<(), String> {
        let words = |error: io::Error| error.to_string();
        mask(secret).map_err(|error| format!("could not mask the secret: {error}"))?;
        Output::release_lines();
        let _lock = self.lock(signals).await?;
        let from = self.file.metadata().map_err(words)?.len();
        let appended = Appended {
            from,
            text: assignment(
                &self.name,
                secret,
                self.is_inside_a_line(from).map_err(words)?,
            ),
        };
        let written =
            (self.file.write_all(appended.text.as_bytes())).and_then(|()| self.file.sync_all());
        match written {
            Ok(()) => {
                self.delivered = Some(appended);
                Ok(())
            }
            // If the disk is full, only a part of the text may have been written.
            Err(error) => Err(match self.cut_off(&appended) {
                Ok(()) => error.to_string(),
                Err(reason) => {
                    format!(
                        "{error}; could not remove the partly written lines of {}: {reason}",
                        self.place()
                    )
                }
            }),
        }
    }

    async fn lock(&self, signals: &Signals) -> Result<FileLock, String> {
        let place = self.target.variable().to_owned();
        let lock = lock_file(&self.file, place, signals).await;
        lock.map_err(|failure| failure.to_string())
    }

    /// Returns true if the last line of the file has no line break, so that a line break must be written before the new lines.
    fn is_inside_a_line(&self, length: u64) -> io::Result<bool> {
        let Some(last) = length.checked_sub(1) else {
            return Ok(false);
        };
        let mut byte = [0];
        (&self.file).seek(SeekFrom::Start(last))?;
        (&self.file).read_exact(&mut byte)?;
        Ok(byte != *b"\n")
    }

    fn cut_off(&self, appended: &Appended) -> Result<(), String> {
        let words = |error: io::Error| error.to_string();
        let mut rest = Zeroizing::new(Vec::with_capacity(appended.text.len() + 1));
        (&self.file)
            .seek(SeekFrom::Start(appended.from))
            .map_err(words)?;
        (&self.file)
            .take(appended.text.len() as u64 + 1)
            .read_to_end(&mut rest)
            .map_err(words)?;
        if appended.text.as_bytes().starts_with(&rest) {
            self.file.set_len(appended.from).map_err(words)?;
        } else if rest.starts_with(appended.text.as_bytes()) {
            self.blank(appended).map_err(words)?;
        } else {
            return Err("another process has changed the file since the delivery".to_owned());
        }
        self.file.sync_all().map_err(words)
    }

    /// Writes line breaks over the text that this run has appended. The text cannot be removed, because another process has appended text after it.
    #[cfg(unix)]
    fn blank(&self, appended: &Appended) -> io::Result<()> {
        use std::os::unix::fs::FileExt as _;

        use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
        // In append mode, every write goes to the end of the file, so append mode is turned off for this write.
        let flags = fcntl_getfl(&self.file)?;
        fcntl_setfl(&self.file, flags.difference(OFlags::APPEND))?;
        let blanks = vec![b'\n'; appended.text.len()];
        let written = self.file.write_all_at(&blanks, appended.from);
        fcntl_setfl(&self.file, flags)?;
        written
    }

    #[cfg(not(unix))]
    #[expect(
        clippy::unused_self,
        reason = "the Unix version uses `self`, and both versions need the same signature"
    )]
    fn blank(&self, _appended: &Appended) -> io::Result<()> {
        Err(io::Error::other(
            "another process has changed the file since the delivery",
        ))
    }

    async fn roll_back(&mut self) -> Result<(), String> {
        let Some(appended) = self.delivered.take() else {
            return Ok(());
        };
        // A rollback must not be interrupted, so it waits for its lock even after a first signal. A second signal ends the run.
        let _lock = self.lock(&Signals::default()).await?;
        self.cut_off(&appended)
    }
}

/// Prints workflow commands that mask the secret. The runner masks single lines, so each line of the secret needs its own command.
fn mask(secret: &Secret) -> io::Result<()> {
    let lines = secret.expose().split(['\r', '\n']);
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let escaped = Zeroizing::new(line.replace('%', "%25"));
        let command = joined(&["::add-mask::", &escaped, "\n"]);
        io::stderr().lock().write_all(command.as_bytes())?;
    }
    Ok(())
}

/// Returns the lines that set `name` to the secret. In this multi-line form, the value can be any text that does not contain the delimiter.
/// The delimiter is random, so that the secret does not contain it.
fn assignment(name: &str, secret: &Secret, inside_a_line: bool) -> Zeroizing<String> {
    let line_end = if inside_a_line { "\n" } else { "" };
    let delimiter = format!("swp_keys_{}", random::hex(16));
    let (head, tail) = (
        format!("{line_end}{name}<<{delimiter}\n"),
        format!("\n{delimiter}\n"),
    );
    joined(&[&head, secret.expose(), &tail])
}

impl Sink for GithubSink {
    fn place(&self) -> String {
        format!("{} in {}", self.name, self.target.variable())
    }

    fn deliver<'a>(&'a mut self, payload: &'a Payload<'a>, signals: &'a Signals) -> Delivering<'a> {
        Box::pin(self.write(payload.secret, signals))
    }

    fn withdraw(&mut self) -> Withdrawing<'_> {
        Box::pin(self.roll_back())
    }

    fn settle(&mut self) {
        self.delivered = None;
    }
}

/// Parses the name of a step's output.
///
/// # Errors
/// Returns an error if the name is not valid in a workflow expression. The error text is the rule for valid names.
pub(super) fn output_name(text: &str) -> Result<String, &'static str> {
    let good = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    if text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(good)
    {
        Ok(text.to_owned())
    } else {
        Err("expected letters, digits, `-` and `_`, starting with a letter or `_`")
    }
}

/// Parses the name of an environment variable that a step can set for the following steps.
///
/// # Errors
/// Returns the rule for valid names if the runner would not set a variable with this name.
pub(super) fn env_name(text: &str) -> Result<String, &'static str> {
    let upper = text.to_ascii_uppercase();
    // The names that GitHub reserves (GitHub's documentation, "Workflow commands", "Setting an environment variable").
    if upper.starts_with("GITHUB_") || upper.starts_with("RUNNER_") || upper == "NODE_OPTIONS" {
        return Err(
            "GitHub Actions does not allow a step to set GITHUB_*, RUNNER_* or NODE_OPTIONS",
        );
    }
    variable_name(text)
}

#[cfg(unix)]
mod stderr {
    use std::io;
    use std::os::fd::AsFd as _;

    use rustix::fs::{FileType, fstat, stat};

    /// Returns the reason why no runner reads stderr, such as `stderr is a file`. Returns `None` if a runner may read stderr. If stderr is closed
    /// when the program starts, the Rust runtime opens /dev/null as stderr. The reason is then `stderr is /dev/null`.
    pub(super) fn why_unread() -> Option<&'static str> {
        let Ok(stderr) = fstat(io::stderr().as_fd()) else {
            return Some("stderr is closed");
        };
        if FileType::from_raw_mode(stderr.st_mode) == FileType::RegularFile {
            return Some("stderr is a file");
        }
        let null = stat("/dev/null").ok()?;
        (stderr.st_rdev == null.st_rdev && stderr.st_ino == null.st_ino)
            .then_some("stderr is /dev/null")
    }
}

#[cfg(windows)]
mod stderr {
    use std::fs::File;
    use std::io;
    use std::os::windows::io::AsHandle as _;

    /// Returns the reason why no runner reads stderr, such as `stderr is a file`. Returns `None` if a runner may read stderr.
    pub(super) fn why_unread() -> Option<&'static str> {
        let Ok(handle) = io::stderr().as_handle().try_clone_to_owned() else {
            return Some("stderr is closed");
        };
        // On Windows, `metadata` returns an error for a pipe or a console. A runner may read a pipe, so this function returns `None` after such an
        // error.
        File::from(handle)
            .metadata()
            .is_ok_and(|metadata| metadata.is_file())
            .then_some("stderr is a file")
    }
}
