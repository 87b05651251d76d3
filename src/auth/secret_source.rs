//! Reading a secret from where the user keeps it: stdin, a file, the output of a command, a variable.

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
use crate::storage::permissions::require_private;

/// What was read, zeroed when it is dropped.
type Bytes = Zeroizing<Vec<u8>>;

/// No password, code or key comes near this; a file that is larger is another file.
const LIMIT: u64 = 64 * 1024;

/// Reads the secret.
///
/// # Errors
/// Returns a usage error that names the flag or variable if it cannot be read, or cannot be what it is meant to be.
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
                    format!("{source} reads stdin, and stdin is the terminal"),
                    format!(
                        "pipe the {kind} in, as in `pass show dsm | swp-keys ...`, or leave the flag out to be asked"
                    ),
                ));
            }
            let source = source.clone();
            in_background(signals, move || {
                limited(io::stdin().lock(), None).map_err(|unfit| usage(&source, kind, &unfit))
            })
            .await?
        }
        // A file on a disk is there or it is not: nobody is waited for, and no thread is needed to wait.
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
            in_background(signals, move || output_of(&command, &source, kind)).await?
        }
    };
    (kind.parse_line(found))
        .map_err(|defect| defect.error(&format!("the {kind} that {source} names"), kind))
}

/// The secret that a variable or a flag holds itself.
///
/// # Errors
/// Returns a usage error if it cannot be what it is meant to be.
pub(crate) fn value(
    secret: &Secret,
    source: &Source,
    kind: CredentialKind,
) -> Result<Secret, Error> {
    (kind.checked(secret)).map_err(|defect| defect.error(&format!("the {kind} in {source}"), kind))
}

/// Reading may block for as long as a person needs (a pipe, a password manager that asks), so a signal must be noticed meanwhile.
async fn in_background(
    signals: &Signals,
    work: impl FnOnce() -> Result<Bytes, Error> + Send + 'static,
) -> Result<Bytes, Error> {
    let reading = tokio::task::spawn_blocking(work);
    signals
        .cancel(async {
            // The runtime is being shut down.
            reading
                .await
                .map_err(|_| Error::new(ErrorKind::Unexpected, "reading a secret broke down"))?
        })
        .await
}

/// What is wrong with what was found.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("is larger than 64 KiB")]
    TooLarge,
}

/// Reads it all. There is room for what is `expected`, and else for all that may come, so that no copy is left behind by growing; the
/// room is wiped as a whole, which takes its time where it is large.
fn limited(mut reader: impl Read, expected: Option<u64>) -> Result<Bytes, Unfit> {
    // Some file systems do not know how long a file is, and say 0.
    let expected = expected.filter(|&length| length > 0 && length < LIMIT);
    let room = |length: u64| Zeroizing::new(Vec::with_capacity(length as usize + 64));
    let most = expected.unwrap_or(LIMIT);
    let mut bytes = room(most);
    reader.by_ref().take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most && most < LIMIT {
        let mut all = room(LIMIT);
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
    let failed = |error: io::Error| {
        Error::usage(
            if looks_like_a_place(path) {
                format!("{source}: {} cannot be read: {error}", path.display())
            } else {
                format!(
                    "{source}: there is no such file; what was given is not repeated, because it may be the {kind} itself"
                )
            },
            format!("name a file that holds the {kind}, or leave it out to be asked"),
        )
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !allow_loose_permissions && metadata.is_file() {
        require_private(&source.to_string(), path, &metadata)?;
    }
    let expected = metadata.is_file().then_some(metadata.len());
    limited(file, expected).map_err(|unfit| usage(source, kind, &unfit))
}

/// Whether what was given for the place of a secret is one: it is there, or at least the folder that it names. Else it may be the
/// secret itself, given where its place was wanted.
fn looks_like_a_place(path: &Path) -> bool {
    let in_a_folder = |path: &Path| path.file_name().is_some() && path.is_dir();
    path.exists() || path.parent().is_some_and(in_a_folder)
}

/// Split as a shell would, run without one: nothing in it is expanded. It keeps our stdin and stderr, so it may ask a person.
fn output_of(command: &str, source: &Source, kind: CredentialKind) -> Result<Bytes, Error> {
    let failed = |problem: String| {
        Error::usage(
            format!("the {kind} that {source} names {problem}"),
            format!("run it by itself: it must give the {kind} and nothing else"),
        )
    };
    let ExternalCommand { program, arguments } = ExternalCommand::parse(command)
        .map_err(|problem| problem.error(&source.to_string(), "pass show dsm/admin"))?;
    let mut child = Command::new(&program);
    child.args(arguments).stdout(Stdio::piped());
    scrub_environment(&mut child);
    let mut child = child.spawn().map_err(|error| {
        failed(if looks_like_a_place(Path::new(&program)) {
            format!("cannot be run: `{program}`: {error}")
        } else {
            format!(
                "cannot be run: there is no such program; it is not repeated, because it may be the {kind} itself"
            )
        })
    })?;
    let secret = match child.stdout.take() {
        Some(output) => limited(output, None),
        None => return Err(failed("has no output".to_owned())),
    };
    let status = child
        .wait()
        .map_err(|error| failed(format!("did not end in order: {error}")))?;
    match secret {
        // A program that is cut off while it writes dies of that, and its death is not what is wrong.
        Err(unfit @ Unfit::TooLarge) => Err(failed(unfit.to_string())),
        _ if !status.success() => Err(failed(format!("failed: `{program}`: {status}"))),
        Err(unfit) => Err(failed(unfit.to_string())),
        Ok(secret) => Ok(secret),
    }
}

fn usage(source: &Source, kind: CredentialKind, unfit: &Unfit) -> Error {
    Error::usage(
        format!("the {kind} that {source} names {unfit}"),
        format!("it must hold the {kind} and nothing else"),
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
    fn a_secret_is_read_whole_whatever_its_file_is_said_to_hold() {
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
