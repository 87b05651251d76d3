//! Creates default key names, validates key names, and searches for existing keys with the requested name.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::lookup;
use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::manager::{ApiKey, Cause};
use crate::mint::is_like;
use crate::mint::poll::Poll;

/// The result of a search for keys with the requested name.
pub(crate) enum Existing {
    /// No key has the name. The list contains the IDs of keys with similar names. Without `--name`, the list is empty: the default name is unique, so
    /// there is no search.
    None(Vec<i64>),
    /// Exactly one key has the name, and `--if-exists` permits using this key.
    One(Box<ApiKey>),
    /// The user lacks permission to search keys. So it is unknown whether a key with the name exists.
    NotSeen,
}

/// Searches for keys with this name.
///
/// # Errors
/// Returns a conflict if several keys have the name, or if one key has the name and `if_exists` is `Fail`.
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
        // A rejected search causes only a warning, because it is unknown whether a session may search keys (docs/manager-api.md,
        // "Unknowns", no. 20).
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
        (Some(key), 0, IfExists::Skip | IfExists::Rekey | IfExists::Ensure) => Ok(Existing::One(Box::new(key))),
        (Some(key), 0, IfExists::Fail) => Err(Error::new(
            ErrorKind::Conflict,
            format!("a key named `{name}` already exists (ID {ids})"),
        )
        .hint("choose a different `--name`, add `--if-exists skip` to use the existing key, or add `--if-exists rekey` to create a new secret for it")
        .key(key.id)),
        (Some(_), ..) => {
            Err(Error::new(ErrorKind::Conflict, format!("several keys are named `{name}` (IDs {ids})"))
                .hint("choose a different `--name`, or delete the keys that are not in use"))
        }
    }
}

/// Checks that no key has the name. Returns the IDs of keys with similar names, or `None` if the user lacks permission to search keys.
///
/// # Errors
/// Returns a conflict if a key has the name.
pub(crate) async fn is_free(
    name: Option<&str>,
    access: Access<'_>,
) -> Result<Option<Vec<i64>>, Error> {
    let found = find_existing(name, IfExists::Fail, access).await;
    let found = found.map_err(|error| match error.kind() {
        ErrorKind::Conflict => error.hint("choose a different `--name`, or omit the flag"),
        _ => error,
    })?;
    Ok(match found {
        Existing::None(like) => Some(like),
        _ => None,
    })
}

/// Repeats the search until only one key has this name, or until the time limit is reached. Concurrent runs may have created several keys
/// with this name. These runs will soon delete all of those keys except one.
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
    /// Fail, and print the ID of the existing key
    Fail,
    /// Succeed without a secret, and report how the existing key differs
    Skip,
    /// Give the key a new secret; the old one stops working at once
    Rekey,
    /// Change the key to match the flags; give it a new secret only if a destination has none that works
    Ensure,
}

/// Checks the value of `--name`. Leading and trailing spaces are rejected, because a manager may remove them. A name that looks like an ID
/// is rejected, because `delete-key NAME` would delete the key with that ID.
pub(crate) fn check_name(name: Option<&str>) -> Result<(), Error> {
    match name {
        Some(name) if lookup::is_ambiguous(name) => Err(Error::usage(
            "`--name` contains only digits, or starts with `id:` or `name:`",
            "choose a different name, because commands would interpret this name as the ID or the name of a different key",
        )),
        Some(name) if name.is_empty() || name.trim() != name => Err(Error::usage(
            "`--name` is empty, or starts or ends with a space",
            "pass a name without leading or trailing spaces, because the manager may remove these spaces",
        )),
        _ => Ok(()),
    }
}

/// Returns a default name. The name ends with the operation ID, so no other run uses the same name.
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
