//! Determines the source of the password, of the MFA code and of the API key. `auth::secret_source` reads these secrets when they are needed.

use std::path::PathBuf;

use super::global_args::GlobalArgs;
use super::resolver::{Resolver, SettingKey};
use super::source::{SecretSource, Source, Sourced};
use crate::error::Error;
use crate::process::external_command::ExternalCommand;
use crate::secret::Secret;

const PASSWORD_FILE: SettingKey = ("password_file", "--password-file", "SWP_PASSWORD_FILE");
const PASSWORD_COMMAND: SettingKey = (
    "password_command",
    "--password-command",
    "SWP_PASSWORD_COMMAND",
);
const MFA_COMMAND: SettingKey = ("mfa_command", "--mfa-command", "SWP_MFA_COMMAND");
const API_KEY_FILE: SettingKey = ("api_key_file", "--api-key-file", "SWP_API_KEY_FILE");
/// The setting for a command that prints the API key. The setting exists only in profiles. On the command line, users can pipe the output of
/// a command into `--api-key-file -`.
const API_KEY_COMMAND: &str = "api-key-command";

/// Determines the source of the password. The order of precedence is: the flags, SWP_PASSWORD_FILE, SWP_PASSWORD_COMMAND, SWP_PASSWORD, the profile.
///
/// # Errors
/// Returns a usage error if two flags are set, or if a value is not valid.
pub(crate) fn password(
    resolver: &Resolver<'_>,
    global: &GlobalArgs,
) -> Result<Option<Sourced<SecretSource>>, Error> {
    let file = resolver.given_path(PASSWORD_FILE, global.password_file.clone());
    let stdin = global.password_stdin.then_some(Sourced {
        value: SecretSource::Stdin,
        source: Source::Flag("--password-stdin"),
    });
    let command = resolver.given(PASSWORD_COMMAND, global.password_command.clone());
    let given = first_of([
        stdin,
        file.map(from_file),
        command.map(from_command),
        variable("SWP_PASSWORD")?,
    ])?;
    let found = given
        .or_else(|| resolver.in_profile(PASSWORD_FILE).map(from_named_file))
        .or_else(|| resolver.in_profile(PASSWORD_COMMAND).map(from_command));
    let found = checked(found)?;
    resolver.record_secret("password", found.as_ref());
    Ok(found)
}

/// Determines the source of the MFA code.
///
/// # Errors
/// Returns a usage error if two flags are set, or if a value is not valid.
pub(crate) fn mfa(
    resolver: &Resolver<'_>,
    global: &GlobalArgs,
) -> Result<Option<Sourced<SecretSource>>, Error> {
    let code = (global.mfa_code.clone())
        .filter(|code| !code.is_empty())
        .map(|code| Sourced {
            value: SecretSource::Value(Secret::new(code)),
            source: Source::Flag("--mfa-code"),
        });
    let command = resolver.given(MFA_COMMAND, global.mfa_command.clone());
    let given = first_of([code, command.map(from_command), variable("SWP_MFA_CODE")?])?;
    let found = checked(given.or_else(|| resolver.in_profile(MFA_COMMAND).map(from_command)))?;
    resolver.record_secret("mfa-code", found.as_ref());
    Ok(found)
}

/// Determines the source of the API key that authenticates the run.
///
/// # Errors
/// Returns a usage error if a value is not valid.
pub(crate) fn api_key(
    resolver: &Resolver<'_>,
    global: &GlobalArgs,
) -> Result<Option<Sourced<SecretSource>>, Error> {
    let file = resolver.given_path(API_KEY_FILE, global.api_key_file.clone());
    let given = first_of([file.map(from_file), variable("SWP_API_KEY")?])?;
    let command = || resolver.profile.as_ref()?.text(API_KEY_COMMAND);
    let found = given
        .or_else(|| resolver.in_profile(API_KEY_FILE).map(from_named_file))
        .or_else(|| command().map(from_command));
    let found = checked(found)?;
    resolver.record_secret("api-key", found.as_ref());
    Ok(found)
}

fn from_file(path: Sourced<PathBuf>) -> Sourced<SecretSource> {
    path.map(|path| {
        if path.as_os_str() == "-" {
            SecretSource::Stdin
        } else {
            SecretSource::File(path)
        }
    })
}

fn from_named_file(path: Sourced<String>) -> Sourced<SecretSource> {
    path.map(|path| SecretSource::File(path.into()))
}

fn from_command(command: Sourced<String>) -> Sourced<SecretSource> {
    command.map(SecretSource::Command)
}

/// Checks the syntax of the command that prints a secret. So a syntax error is reported before any prompt or request.
fn checked(secret: Option<Sourced<SecretSource>>) -> Result<Option<Sourced<SecretSource>>, Error> {
    if let Some(Sourced {
        value: SecretSource::Command(text),
        source,
    }) = &secret
    {
        ExternalCommand::parse(text)
            .map_err(|problem| problem.error(&source.to_string(), "pass show dsm/admin"))?;
    }
    Ok(secret)
}

fn variable(name: &'static str) -> Result<Option<Sourced<SecretSource>>, Error> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(Some(Sourced {
            value: SecretSource::Value(Secret::new(value)),
            source: Source::Variable(name),
        })),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::usage(
            format!("`{name}` is not UTF-8"),
            "set the variable to a value in UTF-8",
        )),
    }
}

/// Returns the source that a flag sets. If no flag sets a source, returns the first source in the list. Returns an error if two flags set a source.
fn first_of<const N: usize>(
    candidates: [Option<Sourced<SecretSource>>; N],
) -> Result<Option<Sourced<SecretSource>>, Error> {
    let (typed, other): (Vec<_>, Vec<_>) = candidates
        .into_iter()
        .flatten()
        .partition(|candidate| candidate.source.is_flag());
    if let [first, second, ..] = &typed[..] {
        return Err(Error::usage(
            format!("{} and {} cannot be combined", first.source, second.source),
            "set only one of the two flags",
        ));
    }
    Ok(typed.into_iter().chain(other).next())
}
