//! A key that bears the wanted name already: seen before anything is made, and then refused, left as it is, or re-keyed.

use std::time::Duration;

use serde_json::{Value, json};

use super::{IfExists, print_key};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::expiry::Expiry;
use crate::manager::{ApiKey, Cause, NewApiKey, SignedIn};
use crate::mint::poll::Poll;
use crate::mint::{is_like, refuse_unfinished};
use crate::terminal::output::Format;

/// What a search for the name showed.
pub(super) enum Existing {
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
pub(super) async fn look(
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
        // Whether a session may look at keys is unknown (manager-api.md, section 11, no. 20).
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
pub(crate) async fn look_if_free(
    name: Option<&str>,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Option<Vec<i64>>, Error> {
    let found = look(name, IfExists::Fail, signed_in, context).await;
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
pub(super) async fn look_again(
    name: Option<&str>,
    wait: Duration,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Existing, Error> {
    let mut poll = Poll::new(wait);
    loop {
        let found = look(name, IfExists::Skip, signed_in, context).await;
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

/// `--if-exists skip`: no secret, and a word where the key is not what was asked for.
///
/// # Errors
/// Returns an error if a run that was to deliver the secret of the key was cut off.
pub(super) fn leave(
    existing: &ApiKey,
    wanted: &NewApiKey,
    expiry: Option<Expiry>,
    mut meta: Value,
    context: &Context,
) -> Result<(), Error> {
    refuse_unfinished(existing, context)?;
    let drift = drift(existing, wanted, expiry);
    let same = if drift.is_empty() {
        ""
    } else {
        "; it differs in "
    };
    // Who waits for a secret gets none, and exit code 0.
    context.output.insist(&format!(
        "no secret was written: the key `{}` exists already (ID {}) and is left as it is{same}{}",
        wanted.key_name,
        existing.id,
        drift.join(", ")
    ));
    meta["created"] = false.into();
    meta["sinks"] = json!([]);
    meta["drift"] = json!(drift);
    match context.output.format() {
        // There is no secret to print, and nothing else may stand in its place.
        Format::Text | Format::Env => Ok(()),
        Format::Json | Format::Jsonl => print_key(&existing.fields(), meta, context),
    }
}

/// Where an existing key is not what was asked for. A life span cannot be compared, since it is not known from when it counted.
fn drift(existing: &ApiKey, wanted: &NewApiKey, expiry: Option<Expiry>) -> Vec<&'static str> {
    let fields = existing.fields();
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let differs =
        |wanted: &Option<String>, name| wanted.is_some() && wanted.as_deref() != text(name);
    let expiry_differs = match expiry {
        None | Some(Expiry::After(_)) => false,
        Some(Expiry::Never) => existing.expiry_date().is_some(),
        Some(Expiry::At(at)) => existing.expiry_date() != Some(at.timestamp_millis()),
    };
    let checks = [
        ("roleID", existing.role_id() != Some(wanted.role_id)),
        ("locale", differs(&wanted.locale, "locale")),
        ("timeZone", differs(&wanted.time_zone, "timeZone")),
        ("expiryDate", expiry_differs),
        (
            "active",
            fields.get("active").and_then(Value::as_bool) == Some(false),
        ),
    ];
    checks
        .into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(name, _)| name)
        .collect()
}
