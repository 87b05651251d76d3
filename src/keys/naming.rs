//! Names of keys: default names, checks of a name, and the keys that have it already.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::lookup;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{ApiKey, Cause, SignedIn};
use crate::mint::is_like;
use crate::mint::poll::Poll;

/// What a search for the name showed.
pub(crate) enum Existing {
    /// No key bears it, and these bear one that is like it; or no name was given, and one that is made here is random.
    None(Vec<i64>),
    /// One does, and it may be used.
    One(Box<ApiKey>),
    /// Keys may not be looked at.
    NotSeen,
}

/// Looks for keys of the name.
///
/// # Errors
/// Where one exists and none may, or several do.
pub(crate) async fn find_existing(
    name: Option<&str>,
    if_exists: IfExists,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Existing, Error> {
    let Some(name) = name else {
        return Ok(Existing::None(Vec::new()));
    };
    let search = async { Ok(signed_in.api_keys_named(name).await) };
    let found = match context.signals.cancel(search).await? {
        Ok(found) => found,
        // Whether a session may look at keys is unknown (docs/manager-api.md, "Unknowns", no. 20).
        Err(error)
            if if_exists == IfExists::Fail
                && matches!(error.cause(), Cause::Forbidden | Cause::Unauthorized) =>
        {
            context.output.warn(&format!(
                "whether a key named `{name}` exists was not checked: {error}"
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
            format!("a key named `{name}` exists already, with the ID {ids}"),
        )
        .hint("choose another `--name`, or say `--if-exists skip` to leave it as it is, or `rekey` for a new secret")
        .key(key.id)),
        (Some(_), ..) => {
            Err(Error::new(ErrorKind::Conflict, format!("several keys are named `{name}`, with the IDs {ids}"))
                .hint("choose another `--name`, or delete the ones that nobody uses"))
        }
    }
}

/// That no key bears the name, and the IDs of those whose names are like it; none if that could not be seen.
///
/// # Errors
/// Where one does.
pub(crate) async fn is_free(
    name: Option<&str>,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Option<Vec<i64>>, Error> {
    let found = find_existing(name, IfExists::Fail, signed_in, context).await;
    let found = found.map_err(|error| match error.kind() {
        ErrorKind::Conflict => error.hint("choose another `--name`, or leave it out"),
        _ => error,
    })?;
    Ok(match found {
        Existing::None(like) => Some(like),
        _ => None,
    })
}

/// The same, after a pause, for as long as the runs that ask for one name at once have not settled which of their keys stays.
pub(crate) async fn find_settled(
    name: Option<&str>,
    wait: Duration,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Existing, Error> {
    let mut poll = Poll::new(wait);
    loop {
        let found = find_existing(name, IfExists::Skip, signed_in, context).await;
        let settled = match &found {
            Ok(Existing::None(_)) => name.is_none(),
            Ok(_) => true,
            Err(error) => error.kind() != ErrorKind::Conflict,
        };
        if settled
            || !context
                .signals
                .cancel(async { Ok(poll.wait().await) })
                .await?
        {
            return found;
        }
    }
}

/// What to do if a key of the name exists.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum IfExists {
    /// Fail, and name the key.
    Fail,
    /// Succeed without making a secret, and say where the key differs.
    Skip,
    /// Give the key a new secret; its old one is dead at once.
    Rekey,
}

/// Whether a manager keeps blanks around a name is unknown. A name that KEY takes for an ID would lead `delete-key` to another key.
pub(crate) fn check_name(name: Option<&str>) -> Result<(), Error> {
    match name {
        Some(name) if lookup::is_ambiguous(name) => Err(Error::usage(
            "`--name` consists of digits only, or begins with `id:` or `name:`",
            "choose another name: a command that takes KEY would read this one as the ID or the name of another key",
        )),
        Some(name) if name.is_empty() || name.trim() != name => Err(Error::usage(
            "`--name` is empty, or begins or ends with a blank",
            "whether the manager keeps such blanks is unknown, so the key might not be found again",
        )),
        _ => Ok(()),
    }
}

/// A name that no other run gives, and that tells whose the key is.
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
