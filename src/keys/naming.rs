//! Names of keys: default names, checks of a name, and the keys that have it already.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::lookup;
use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::manager::{ApiKey, Cause};
use crate::mint::is_like;
use crate::mint::poll::Poll;

/// The result of a search for the name.
pub(crate) enum Existing {
    /// No key has it, and keys with these IDs have a similar name. Without a name, the default name is random, and nothing is
    /// searched.
    None(Vec<i64>),
    /// One key has it, and may be used.
    One(Box<ApiKey>),
    /// Keys may not be searched.
    NotSeen,
}

/// Searches for keys of the name.
///
/// # Errors
/// Returns a conflict if a key has the name and none may, or if several have it.
pub(crate) async fn find_existing(
    name: Option<&str>,
    if_exists: IfExists,
    access: Access<'_>,
) -> Result<Existing, Error> {
    let Some(name) = name else {
        return Ok(Existing::None(Vec::new()));
    };
    let search = async { Ok(access.signed_in.api_keys_named(name).await) };
    let found = match access.context.signals.cancel(search).await? {
        Ok(found) => found,
        // It is unknown whether a session may search keys (docs/manager-api.md, "Unknowns", no. 20).
        Err(error)
            if if_exists == IfExists::Fail
                && matches!(error.cause(), Cause::Forbidden | Cause::Unauthorized) =>
        {
            access.context.output.warn(&format!(
                "could not check whether a key named `{name}` exists: {error}"
            ));
            return Ok(Existing::NotSeen);
        }
        Err(error) => return Err(error.into()),
    };
    let like = (found.iter())
        .filter(|key| key.name().is_some_and(|other| is_like(name, other)))
        .map(|key| key.id)
        .collect();
    let mut exact: Vec<_> = found
        .into_iter()
        .filter(|key| key.name() == Some(name))
        .collect();
    let ids = exact
        .iter()
        .map(|key| key.id.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    match (exact.pop(), exact.len(), if_exists) {
        (None, ..) => Ok(Existing::None(like)),
        (Some(key), 0, IfExists::Skip | IfExists::Rekey) => Ok(Existing::One(Box::new(key))),
        (Some(key), 0, IfExists::Fail) => Err(Error::new(
            ErrorKind::Conflict,
            format!("a key named `{name}` already exists, with the ID {ids}"),
        )
        .hint("choose another `--name`, or keep the key with `--if-exists skip`, or make a new secret for it with `--if-exists rekey`")
        .key(key.id)),
        (Some(_), ..) => {
            Err(Error::new(ErrorKind::Conflict, format!("several keys are named `{name}`, with the IDs {ids}"))
                .hint("choose another `--name`, or delete the keys that are not in use"))
        }
    }
}

/// Checks that no key has the name, and returns the IDs of keys with a similar name. `None` if keys may not be searched.
///
/// # Errors
/// Returns a conflict if a key has the name.
pub(crate) async fn is_free(
    name: Option<&str>,
    access: Access<'_>,
) -> Result<Option<Vec<i64>>, Error> {
    let found = find_existing(name, IfExists::Fail, access).await;
    let found = found.map_err(|error| match error.kind() {
        ErrorKind::Conflict => error.hint("choose another `--name`, or leave the flag out"),
        _ => error,
    })?;
    Ok(match found {
        Existing::None(like) => Some(like),
        _ => None,
    })
}

/// Searches until the runs that create keys of one name at once have settled which of them stays.
pub(crate) async fn find_settled(
    name: Option<&str>,
    wait: Duration,
    access: Access<'_>,
) -> Result<Existing, Error> {
    let mut poll = Poll::new(wait);
    loop {
        let found = find_existing(name, IfExists::Skip, access).await;
        let settled = match &found {
            Ok(Existing::None(_)) => name.is_none(),
            Ok(_) => true,
            Err(error) => error.kind() != ErrorKind::Conflict,
        };
        if settled
            || !access
                .context
                .signals
                .cancel(async { Ok(poll.wait().await) })
                .await?
        {
            return found;
        }
    }
}

/// What to do if the name is taken
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum IfExists {
    /// Fail, and name the key
    Fail,
    /// Succeed without a secret, and report where the key differs
    Skip,
    /// Give the key a new secret; the old one stops working at once
    Rekey,
}

/// Checks a name from the command line. It is unknown whether a manager keeps blanks around a name. A name that KEY takes for an
/// ID would lead `delete-key` to another key.
pub(crate) fn check_name(name: Option<&str>) -> Result<(), Error> {
    match name {
        Some(name) if lookup::is_ambiguous(name) => Err(Error::usage(
            "`--name` has only digits, or starts with `id:` or `name:`",
            "choose another name: as a KEY it would mean the ID or the name of another key",
        )),
        Some(name) if name.is_empty() || name.trim() != name => Err(Error::usage(
            "`--name` is empty, or starts or ends with a blank",
            "remove the blanks: the manager may not keep them, and the key might not be found again",
        )),
        _ => Ok(()),
    }
}

/// Returns a name that no other run uses and that names the operation.
pub(crate) fn default_name(
    role_id: i64,
    role_name: Option<&str>,
    begun: DateTime<Utc>,
    operation: &str,
) -> String {
    let role = role_name.map_or_else(
        || format!("role-{role_id}"),
        |name| name.replace(char::is_whitespace, "-"),
    );
    format!("{role}-{}-{operation}", begun.format("%Y%m%dT%H%M%SZ"))
}
