//! The successor of a key: the new key that a rotation creates. It gets the name and other fields of the old key, and an expiry.

use std::time::Duration;

use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::expiry::{Expiry, format_time};
use crate::journal::Record;
use crate::keys::lookup;
use crate::manager::{ApiKey, NewApiKey, SignedIn};
use crate::mint::{
    FleetMark, PreparedSinks, is_like, made_way_for, mark, original_name, without_marks,
};

use super::rotation::Rotation;

/// Returns the key to rotate.
///
/// # Errors
/// Returns an error if the key does not exist. If an interrupted rotation on a different machine has renamed the key, the hint contains the new name.
pub(super) async fn predecessor(key: &str, access: Access<'_>) -> Result<ApiKey, Error> {
    let error = match lookup::resolve(key, access).await {
        Err(error) if error.kind() == ErrorKind::NotFound => error,
        other => return other,
    };
    let lookup::KeyRef::Name(name) = lookup::KeyRef::read(key)? else {
        return Err(error);
    };
    let retiring = retiring(name, access).await.unwrap_or_default();
    Err(match retiring.as_slice() {
        [] => error,
        [renamed, ..] => Error::new(error.kind(), error.to_string())
            .hint(format!(
                "an interrupted rotation renamed the key to `{}`; run `swp-keys rotate-key {}` to rotate the key",
                renamed.name().unwrap_or_default(),
                renamed.id
            ))
            .key(renamed.id),
    })
}

/// Returns the name of the successor, which is the name of the old key.
///
/// # Errors
/// Returns a usage error if the old key has no name.
pub(super) fn name_of(old: &ApiKey) -> Result<&str, Error> {
    let named = old.name().filter(|name| !name.is_empty());
    named.map(original_name).ok_or_else(|| {
        let hint = format!(
            "run `swp-keys update-key {} --name NAME` to name the key",
            old.id
        );
        Error::usage(format!("the key with ID {} has no name", old.id), hint).key(old.id)
    })
}

/// Returns the old keys of earlier rotations: keys that had the name `name` before a rotation renamed them. Expired keys are omitted.
async fn retiring(name: &str, access: Access<'_>) -> Result<Vec<ApiKey>, Error> {
    // A rotation appends a text in brackets to the name of the old key. The search pattern does not contain this text, because a manager may change
    // its spaces and brackets.
    let pattern = format!("{name}%");
    let search = async { Ok(access.signed_in.api_keys_like(&pattern).await?) };
    let found = access.context.signals.cancel(search).await?;
    let now = access.signed_in.time().timestamp_millis();
    let is_retiring = |key: &ApiKey| {
        made_way_for(key, name) && key.expiry_date().is_none_or(|expiry| expiry > now)
    };
    Ok(found.into_iter().filter(is_retiring).collect())
}

/// Checks that no other key has this name, or had this name before a rotation renamed the key. A renamed key that has expired is ignored. Returns the
/// IDs of other keys with a similar name.
///
/// # Errors
/// Returns a conflict error that contains the ID of the other key.
pub(super) async fn require_single(
    name: &str,
    old: &ApiKey,
    access: Access<'_>,
) -> Result<Vec<i64>, Error> {
    let search = async { Ok(access.signed_in.api_keys_named(name).await?) };
    let named = access.context.signals.cancel(search).await?;
    let mut others = named
        .iter()
        .filter(|key| key.name() == Some(name) && key.id != old.id);
    if let Some(other) = others.next() {
        if made_way_for(old, name) {
            return Err(already_rotated(name, other, old, access.signed_in));
        }
        return Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "another key named `{name}` exists (ID {}); the key with ID {} may already be rotated",
                other.id, old.id
            ),
        )
        .hint(CHOOSE_KEY)
        .key(other.id));
    }
    let retiring = retiring(name, access).await?;
    let Some(other) = retiring.iter().find(|key| key.id != old.id) else {
        let is_similar = |key: &&ApiKey| key.name().is_some_and(|other| is_like(name, other));
        let similar = named.iter().filter(is_similar).map(|key| key.id);
        return Ok(similar.filter(|id| *id != old.id).collect());
    };
    Err(already_rotated(name, old, other, access.signed_in))
}

/// Returns the error for a key that an earlier rotation has already replaced. `old` is the replaced key, and `new` is the key that the earlier
/// rotation created.
fn already_rotated(name: &str, new: &ApiKey, old: &ApiKey, signed_in: &SignedIn) -> Error {
    let now = signed_in.time().timestamp_millis();
    let (state, next_step) = match old.expiry_date() {
        Some(expiry) if expiry <= now => (
            format!("expired at {}", format_time(expiry)),
            format!("run `swp-keys rotate-key {}` to rotate the new key", new.id),
        ),
        expiry => (
            match expiry {
                Some(expiry) => format!("works until {}", format_time(expiry)),
                None => "has no expiry yet".to_owned(),
            },
            format!(
                "wait until the old key has expired, delete it with `swp-keys delete-key {}`, or run `swp-keys rotate-key {} --in-place`",
                old.id, new.id
            ),
        ),
    };
    let created = new.created().map_or_else(String::new, |created| {
        format!(" at {}", format_time(created))
    });
    let message = format!(
        "the key `{name}` was already rotated{created}: the new key has ID {}, and the old key `{}` (ID {}) {state}",
        new.id,
        old.name().unwrap_or_default(),
        old.id
    );
    Error::new(ErrorKind::Conflict, message)
        .hint(next_step)
        .key(old.id)
}

const CHOOSE_KEY: &str = "run `swp-keys show-key ID` for both keys to find out which one is in use, then delete the other key with `swp-keys delete-key ID`";

/// Returns the expiry of the new key. If `--expires` is not set, the new key gets the same lifetime as the old key, from the manager's current time.
///
/// # Errors
/// Returns a usage error if the lifetime of the old key is needed but is unknown or shorter than an hour.
pub(super) fn expiry(
    old: &ApiKey,
    requested: Option<Expiry>,
    signed_in: &SignedIn,
) -> Result<Option<i64>, Error> {
    if let Some(requested) = requested {
        return Ok(requested.milliseconds(signed_in.time()));
    }
    let Some(old_expiry) = old.expiry_date() else {
        return Ok(None);
    };
    let lifetime = (old.created())
        .map(|created| whole_minutes(old_expiry.saturating_sub(created)))
        .and_then(|lifetime| u64::try_from(lifetime).ok())
        .filter(|lifetime| *lifetime > 0);
    let unknown = || {
        Error::usage(
            format!("could not calculate the expiry of the new key: the lifetime of the key with ID {} is unknown", old.id),
            "set the expiry of the new key with `--expires`",
        )
        .key(old.id)
    };
    let lifetime = Duration::from_millis(lifetime.ok_or_else(unknown)?);
    // A lifetime of less than an hour is not copied to the new key, because the new key could expire before it is used. A key with such a short
    // lifetime was probably created for a single task.
    if lifetime < MIN_LIFETIME {
        return Err(Error::usage(
            format!(
                "the lifetime of the key with ID {} is less than an hour, which is too short for the new key",
                old.id
            ),
            "set the expiry of the new key with `--expires`",
        )
        .key(old.id));
    }
    Expiry::After(lifetime)
        .milliseconds(signed_in.time())
        .map(Some)
        .ok_or_else(unknown)
}

/// If the old key's lifetime is shorter than this, it is not copied to the new key.
const MIN_LIFETIME: Duration = Duration::from_secs(3600);

/// Rounds a lifetime to whole minutes. The expiry is calculated shortly before the manager creates the key, so each new key lives a little shorter
/// than requested. Without rounding, these losses would add up from rotation to rotation.
fn whole_minutes(lifetime: i64) -> i64 {
    lifetime.saturating_add(30_000) / 60_000 * 60_000
}

/// Returns the request for the new key. Most of its fields are copied from the old key.
///
/// # Errors
/// Returns an error if the manager does not report the role of the old key.
pub(super) fn of(
    old: &ApiKey,
    name: &str,
    operation: &str,
    expiry_date: Option<i64>,
) -> Result<NewApiKey, Error> {
    let role_id = old.role_id().ok_or_else(|| {
        let message = format!(
            "the manager does not report the role of the key with ID {}",
            old.id
        );
        Error::unexpected(message).key(old.id)
    })?;
    let former = old.description().unwrap_or_default();
    let description = without_marks(former);
    // The successor of a key of a fleet belongs to the fleet.
    let marker = match FleetMark::of(former) {
        Some(former) => {
            let successor = FleetMark {
                operation: operation.to_owned(),
                predecessor: Some(old.id),
                pending: false,
                ..former
            };
            successor.text()
        }
        None => mark(operation),
    };
    Ok(NewApiKey {
        key_name: name.to_owned(),
        description: Some(if description.is_empty() {
            marker
        } else {
            format!("{description} {marker}")
        }),
        role_id,
        locale: old.locale().map(str::to_owned),
        time_zone: old.time_zone().map(str::to_owned),
        expiry_date,
    })
}

impl Rotation<'_> {
    /// Returns the journal record that is written before the key is created.
    pub(super) fn record(
        &self,
        similar_ids: Vec<i64>,
        prepared: &PreparedSinks,
        access: Access<'_>,
    ) -> Record {
        let operation = access.operation(&self.plan.operation, prepared.places());
        let (name, role_id) = (&self.new.key_name, self.new.role_id);
        let mut record = Record::rotate(operation, name, role_id, self.old.id, self.plan.overlap);
        record.existing_ids.extend(similar_ids);
        record
    }
}

#[cfg(test)]
mod tests {
    use super::whole_minutes;

    #[test]
    fn a_lifetime_does_not_shrink_over_rotations() {
        let day = 86_400_000;
        for short in [0, 1, 999, 1_500, 29_000] {
            assert_eq!(whole_minutes(day - short), day);
        }
        assert_eq!(whole_minutes(day + 400), day);
    }
}
