//! Reads a secret from its source: stdin, a file, the output of a command, or an environment variable.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::config::credential_check::CredentialKind;
use crate::config::{SecretSource, Source, Sourced};
use crate::error::{Error, ErrorKind};
use crate::process::child::scrub_environment;
use crate::process::external_command::ExternalCommand;
use crate::process::signals::Signals;
use crate::secret::Secret;
use crate::storage::secret_file::require_private_secret;
use crate::terminal::status_line;

/// The flag of `verify-key` for the file with the API key to check.
pub(crate) const KEY_FILE: Source = Source::Flag("--key-file");

/// The bytes of a secret, zeroed on drop.
type Bytes = Zeroizing<Vec<u8>>;

/// The maximum size of a secret source in bytes. Passwords, MFA codes and API keys are much shorter, so a larger source is probably a mistake.
const LIMIT: u64 = 64 * 1024;

/// Reads a secret from its source and validates it.
///
/// # Errors
/// Returns a usage error that names the flag or variable if the secret cannot be read or is invalid.
pub(crate) async fn read(
    secret: &Sourced<SecretSource>,
    kind: CredentialKind,
    allow_loose_permissions: bool,
    signals: &Signals,
) -> Result<Secret, Error> {
    let source = &secret.source;
    let found = match &secret.value {
        SecretSource::Value(secret) => return value(secret, source, kind),
        SecretSource::Stdin => {
            if io::stdin().is_terminal() {
                return Err(Error::usage(
                    format!("{source} reads from stdin, but stdin is a terminal"),
                    format!(
                        "pipe the {kind} to stdin, as in `pass show dsm | swp-keys ...`{}",
                        or_prompt(source, kind)
                    ),
                ));
            }
            let source = source.clone();
            in_background(signals, move || {
                limited(io::stdin().lock(), None).map_err(|unfit| usage(&source, kind, &unfit))
            })
            .await?
        }
        // A regular file is read on this thread, because the read does not block for long. A pipe or device may block, so it is read on a separate
        // thread.
        SecretSource::File(path) if path.is_file() => {
            file(path, source, kind, allow_loose_permissions)?
        }
        SecretSource::File(path) => {
            let (path, source) = (path.clone(), source.clone());
            in_background(signals, move || {
                file(&path, &source, kind, allow_loose_permissions)
            })
            .await?
        }
        SecretSource::Command(command) => {
            let (command, source) = (command.clone(), source.clone());
            // The status line is hidden while the command runs, because the command may prompt on the terminal.
            let _hold = status_line::hold();
            in_background(signals, move || output_of(&command, &source, kind)).await?
        }
    };
    (kind.parse_line(found))
        .map_err(|defect| defect.error(&format!("the {kind} from {source}"), kind))
}

/// Validates a secret whose value is in a flag, in an environment variable or in the profile.
///
/// # Errors
/// Returns a usage error if the secret is invalid.
pub(crate) fn value(
    secret: &Secret,
    source: &Source,
    kind: CredentialKind,
) -> Result<Secret, Error> {
    (kind.checked(secret)).map_err(|defect| defect.error(&format!("the {kind} in {source}"), kind))
}

/// Reads the secret on a separate thread, so that a signal can cancel the run while a pipe or a password manager waits for input.
async fn in_background(
    signals: &Signals,
    work: impl FnOnce() -> Result<Bytes, Error> + Send + 'static,
) -> Result<Bytes, Error> {
    let reading = tokio::task::spawn_blocking(work);
    signals
        .cancel(async {
            // Waiting for the thread fails only if the thread panicked or the runtime is shutting down.
            reading.await.map_err(|_| {
                Error::new(
                    ErrorKind::Unexpected,
                    "could not read a secret: the thread that reads the secret failed",
                )
            })?
        })
        .await
}

/// The reason why a secret source was rejected.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("could not be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("is larger than 64 KiB")]
    TooLarge,
}

/// Reads all bytes, and fails if there are more than 64 KiB. The buffer is never reallocated, because a reallocation would leave a copy of the secret
/// in memory. If the expected size is known, a small buffer is used, because zeroing a large buffer takes time.
fn limited(mut reader: impl Read, expected: Option<u64>) -> Result<Bytes, Unfit> {
    // A size of 0 is ignored, because some file systems, such as /proc, report it for every file.
    let expected = expected.filter(|&length| length > 0 && length < LIMIT);
    let buffer = |length: u64| Zeroizing::new(Vec::with_capacity(length as usize + 64));
    let most = expected.unwrap_or(LIMIT);
    let mut bytes = buffer(most);
    reader.by_ref().take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most && most < LIMIT {
        let mut all = buffer(LIMIT);
        all.extend_from_slice(&bytes);
        reader.take(LIMIT - most).read_to_end(&mut all)?;
        bytes = all;
    }
    if bytes.len() as u64 > LIMIT {
        return Err(Unfit::TooLarge);
    }
    Ok(bytes)
}

fn file(
    path: &Path,
    source: &Source,
    kind: CredentialKind,
    allow_loose_permissions: bool,
) -> Result<Bytes, Error> {
    let (file, expected) = open(path, source, kind, allow_loose_permissions)?;
    limited(file, expected).map_err(|unfit| usage(source, kind, &unfit))
}

/// Opens the file with a secret. Also returns the size of the file if it is a regular file.
fn open(
    path: &Path,
    source: &Source,
    kind: CredentialKind,
    allow_loose_permissions: bool,
) -> Result<(File, Option<u64>), Error> {
    let failed = |error: io::Error| {
        Error::usage(
            if may_be_shown(path) || (!matches!(source, Source::File(_)) && looks_like_path(path)) {
                format!("{source}: could not read {}: {error}", path.display())
            } else {
                format!(
                    "the file named by {source} does not exist; the name is not shown because it may be the {kind} itself"
                )
            },
            match source {
                Source::Flag(_) => format!(
                    "pass the path of a file that contains the {kind}{}",
                    or_prompt(source, kind)
                ),
                _ => format!(
                    "set {source} to the path of a file that contains the {kind}{}",
                    or_prompt(source, kind)
                ),
            },
        )
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !allow_loose_permissions && metadata.is_file() {
        require_private_secret(&source.to_string(), path, &file, &metadata)?;
    }
    let expected = metadata.is_file().then_some(metadata.len());
    Ok((file, expected))
}

/// Returns the end of a hint, which says that the user can remove the setting to be prompted. Returns an empty string if the command does not
/// prompt. Of all commands, only `verify-key` prompts for an API key.
fn or_prompt(source: &Source, kind: CredentialKind) -> &'static str {
    if kind == CredentialKind::ApiKey && *source != KEY_FILE {
        return "";
    }
    match source {
        Source::Flag(_) => ", or omit the flag to be prompted",
        Source::Variable(_) => ", or unset the variable to be prompted",
        Source::File(_) => ", or remove the field to be prompted",
    }
}

/// Checks that the file with a secret exists, and that this run accepts its permissions. The file is not read. A pipe or a device is not checked.
///
/// # Errors
/// Returns the same usage error as [`read`].
pub(crate) fn check_file(
    secret: &Sourced<SecretSource>,
    kind: CredentialKind,
    allow_loose_permissions: bool,
) -> Result<(), Error> {
    match &secret.value {
        SecretSource::File(path) if !path.exists() || path.is_file() => {
            open(path, &secret.source, kind, allow_loose_permissions).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// Returns true if the text that the user passed is written like a path: it begins with `./`, `../` or `~/`, or it begins with `/` and contains a
/// second `/`. A random password may begin with `/`, but then it rarely contains a second `/`.
fn looks_like_path(path: &Path) -> bool {
    let names = path.components().count() - usize::from(path.is_absolute());
    let begins = |start: &&str| path.starts_with(start);
    names > 1 && ["/", ".", "..", "~"].iter().any(begins)
}

/// Returns true if the path or its folder exists. Only such a path is shown in messages. If neither exists, the user may have passed the secret
/// itself as the path.
pub(crate) fn may_be_shown(path: &Path) -> bool {
    let in_a_folder = |path: &Path| path.file_name().is_some() && path.is_dir();
    path.exists() || path.parent().is_some_and(in_a_folder)
}

/// Runs the command and returns its output. The command is split into words as in a shell, but it is run without a shell, so nothing is
/// expanded. The command inherits stdin and stderr, so that it can prompt the user.
fn output_of(command: &str, source: &Source, kind: CredentialKind) -> Result<Bytes, Error> {
    let failed = |problem: String| {
        Error::usage(
            format!("the command for the {kind} ({source}) {problem}"),
            format!(
                "run the command in a shell, and check that it prints the {kind} and nothing else"
            ),
        )
    };
    let ExternalCommand { program, arguments } = ExternalCommand::parse(command)
        .map_err(|problem| problem.error(&source.to_string(), "pass show dsm/admin"))?;
    let mut child = Command::new(&program);
    child.args(arguments).stdout(Stdio::piped());
    scrub_environment(&mut child);
    let mut child = child.spawn().map_err(|error| {
        failed(if may_be_shown(Path::new(&program)) {
            format!("could not be run: `{program}`: {error}")
        } else {
            format!(
                "could not be run: the program does not exist; the name is not shown because it may be the {kind} itself"
            )
        })
    })?;
    let secret = match child.stdout.take() {
        Some(output) => limited(output, None),
        None => return Err(failed("has no stdout".to_owned())),
    };
    let status = child
        .wait()
        .map_err(|error| failed(format!("returned no exit status: {error}")))?;
    match secret {
        // If the output is too large, the exit status is ignored. The program may have failed only because its output was not read to the end.
        Err(Unfit::TooLarge) => Err(failed("printed more than 64 KiB".to_owned())),
        _ if !status.success() => Err(failed(format!("failed: `{program}`: {status}"))),
        Err(unfit) => Err(failed(format!("printed a value that {unfit}"))),
        Ok(secret) => Ok(secret),
    }
}

fn usage(source: &Source, kind: CredentialKind, unfit: &Unfit) -> Error {
    Error::usage(
        format!("the {kind} from {source} {unfit}"),
        format!("check that the source contains the {kind} and nothing else"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(length: u64, expected: Option<u64>) -> Result<usize, String> {
        let text = "x".repeat(usize::try_from(length).unwrap_or_default());
        let read = limited(text.as_bytes(), expected);
        read.map(|bytes| bytes.len())
            .map_err(|unfit| unfit.to_string())
    }

    #[test]
    fn a_secret_is_read_completely_for_any_reported_file_size() {
        for expected in [
            None,
            Some(0),
            Some(1),
            Some(17),
            Some(LIMIT - 1),
            Some(LIMIT),
            Some(u64::MAX),
        ] {
            for length in [1, 16, 17, 18, 100, 4096, LIMIT - 1, LIMIT] {
                assert_eq!(read(length, expected), Ok(length as usize), "{expected:?}");
            }
            for length in [LIMIT + 1, LIMIT + 2, 2 * LIMIT] {
                let refused = Err("is larger than 64 KiB".to_owned());
                assert_eq!(read(length, expected), refused, "{expected:?}");
            }
        }
    }
}
