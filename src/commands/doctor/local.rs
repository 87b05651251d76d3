//! The checks that need no connection: the settings file, the state folder, the address and the records of interrupted runs.

use std::collections::BTreeMap;

use clap::Args as _;

use crate::auth::secret_source::check_file;
use crate::config::credential_check::CredentialKind;
use crate::config::global_args::GlobalArgs;
use crate::config::{Settings, file};
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::journal::notice::{APPLY_AGAIN, operations_of_fleet};
use crate::journal::{self, JournalEntry, Record};
use crate::storage::locations::state_variable;
use crate::storage::permissions::untrusted_or;
use crate::storage::state_folder::{self, StateFolder};
use crate::terminal::output::safe;

use super::finding::Finding;

/// Checks the settings file.
///
/// # Errors
/// Returns the reason why the file cannot be used.
pub(super) fn settings_file(settings: &Settings) -> Result<Finding, Error> {
    let used = &settings.file;
    if let Some(problem) = &used.problem {
        return Err(problem.clone());
    }
    if let Some(note) = used.note.as_ref().filter(|_| used.path.is_none()) {
        let hint = "make the folder readable, or set SWP_CONFIG_DIR to a different folder";
        return Ok(Finding::warning(note, hint));
    }
    Ok(Finding::ok(match (&used.path, &used.profile) {
        (Some(path), Some(profile)) => format!(
            "{} is valid; profile `{}` is selected by {}",
            path.display(),
            profile.value.name,
            profile.source
        ),
        (Some(path), None) => format!("{} is valid; no profile is selected", path.display()),
        (None, _) => match file::path() {
            Some(path) => format!("there is no settings file at {}", path.display()),
            None => "there is no settings file".to_owned(),
        },
    }))
}

/// Checks that the files with secrets exist, and that every SWP_ variable is known. The content of the files is not read.
/// A problem is only a warning, because the sign-in may not need the file.
pub(super) fn settings(settings: &Settings) -> Finding {
    for (secret, kind) in [
        (&settings.password, CredentialKind::Password),
        (&settings.api_key, CredentialKind::ApiKey),
    ] {
        let loose = settings.allow_loose_permissions;
        let checked = secret
            .as_ref()
            .map(|secret| check_file(secret, kind, loose));
        if let Some(Err(error)) = checked {
            let hint = error.next_step().unwrap_or_default();
            return Finding::warning(error.to_string(), hint);
        }
    }
    let flags = GlobalArgs::augment_args(clap::Command::new(""));
    let is_known = |name: &String| {
        OTHER_VARIABLES.contains(&name.as_str())
            || (flags.get_arguments())
                .any(|flag| flag.get_env().is_some_and(|known| known == name.as_str()))
    };
    let unknown: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("SWP_") && !is_known(name))
        .map(|name| format!("`{}`", safe(&name)))
        .collect();
    if unknown.is_empty() {
        return Finding::ok("every variable is known, and every file with a secret exists");
    }
    Finding::warning(
        format!("these variables have no effect: {}", unknown.join(", ")),
        "run `swp-keys help options` to list the variables",
    )
}

/// The variables that belong to no flag. The last two are printed by `-o env`.
const OTHER_VARIABLES: [&str; 7] = [
    "SWP_PASSWORD",
    "SWP_MFA_CODE",
    "SWP_API_KEY",
    "SWP_CONFIG_DIR",
    "SWP_STATE_DIR",
    "SWP_API_KEY_ID",
    "SWP_ROLE_ID",
];

/// Checks the state folder. The folder contains saved sessions, the journal records of unfinished runs, and records of rejected sign-ins.
///
/// # Errors
/// Returns an error if the folder cannot be read, or if other users can change it.
pub(super) fn state_folder() -> Result<Finding, Error> {
    let variable = state_variable();
    let found = state_folder::inspect().map_err(|error| {
        untrusted_or(&error, || {
            Error::unexpected(format!("could not read the state folder: {error}")).hint(format!(
                "check {variable} and the permissions of the folder"
            ))
        })
    })?;
    let elsewhere = format!("set {variable} to a folder that you can write to");
    Ok(match found {
        StateFolder::Unknown => Finding::warning(
            "no home folder is known, so interrupted runs leave no record",
            "set SWP_STATE_DIR to a folder that you can write to",
        ),
        StateFolder::NotAFolder(path) => Finding::warning(
            format!(
                "{} is not a folder, so interrupted runs leave no record",
                path.display()
            ),
            elsewhere,
        ),
        StateFolder::Missing {
            path,
            can_be_created: true,
        } => Finding::ok(format!(
            "{} does not exist yet and can be created",
            path.display()
        )),
        StateFolder::Missing { path, .. } => Finding::warning(
            format!(
                "{} does not exist and cannot be created, so interrupted runs leave no record",
                path.display()
            ),
            elsewhere,
        ),
        StateFolder::Present {
            path,
            is_writable: false,
            ..
        } => Finding::warning(
            format!(
                "{} is not writable, so interrupted runs leave no record",
                path.display()
            ),
            elsewhere,
        ),
        StateFolder::Present {
            path,
            is_private: false,
            ..
        } => Finding::warning(
            format!("other users of this machine can read {}", path.display()),
            format!("run `chmod 700 {}`", path.display()),
        ),
        StateFolder::Present { path, .. } => {
            Finding::ok(format!("{} is writable and private", path.display()))
        }
    })
}

/// Checks that the address of a manager is set.
///
/// # Errors
/// Returns a usage error if no address is set.
pub(super) fn address(settings: &Settings) -> Result<Finding, Error> {
    let address = settings.address()?;
    let source = settings.manager.as_ref().map(|manager| &manager.source);
    Ok(Finding::ok(match source {
        Some(source) => format!("{address} ({source})"),
        None => address.to_string(),
    }))
}

/// Checks whether there are records of interrupted runs.
///
/// # Errors
/// Returns an error if the records cannot be read, or if other users can change them.
pub(super) fn unfinished_runs() -> Result<Finding, Error> {
    let entries = journal::unfinished().map_err(|error| {
        untrusted_or(&error, || {
            Error::new(
                ErrorKind::Unexpected,
                format!("could not read the records of earlier runs: {error}"),
            )
            .hint(format!("check the permissions of {}", journal::place()))
        })
    })?;
    let mut problems = Vec::new();
    let mut of_fleets: BTreeMap<String, usize> = BTreeMap::new();
    let mut in_progress = 0;
    for entry in entries {
        match entry {
            JournalEntry::Record(record) => match &record.fleet {
                Some(fleet) => *of_fleets.entry(fleet.clone()).or_default() += 1,
                None => problems.push(interrupted(&record)),
            },
            JournalEntry::InProgress(_) => in_progress += 1,
            JournalEntry::Unreadable(name, reason) => problems.push(format!(
                "{}/{name} is not a valid record of a run: {reason}",
                journal::place()
            )),
        }
    }
    let is_of_fleets = problems.is_empty();
    let of_fleets = of_fleets.iter();
    problems.extend(of_fleets.map(|(fleet, count)| operations_of_fleet(*count, fleet)));
    if !problems.is_empty() && is_of_fleets {
        return Ok(Finding::warning(problems.join("; "), APPLY_AGAIN));
    }
    if !problems.is_empty() {
        return Ok(Finding::warning(
            problems.join("; "),
            "run `swp-keys recover --list` to show the records, and `swp-keys recover` to finish or undo the runs",
        ));
    }
    Ok(Finding::ok(match in_progress {
        0 => "there are no records of interrupted runs".to_owned(),
        1 => "there are no records of interrupted runs; 1 run is in progress".to_owned(),
        count => format!("there are no records of interrupted runs; {count} runs are in progress"),
    }))
}

fn interrupted(record: &Record) -> String {
    format!(
        "the run that started at {} did not finish its work on the key `{}` (manager {})",
        format_time(record.started),
        record.key_name,
        record.manager
    )
}
