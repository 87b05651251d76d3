//! The key that takes the place of another: what it is called, what it has of the old one, and when it ends.

use std::time::Duration;

use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::expiry::Expiry;
use crate::journal::Record;
use crate::keys::lookup;
use crate::manager::{ApiKey, NewApiKey, SignedIn};
use crate::mint::{
    PreparedSinks, is_like, made_way_for, mark, original_name, run_operation, without_marks,
};

use super::rotation::Rotation;

/// The key that is to be rotated. One that has made way already, in a run whose record is elsewhere, is named.
pub(super) async fn predecessor(
    wanted: &str,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<ApiKey, Error> {
    let error = match lookup::resolve(wanted, signed_in, context).await {
        Err(error) if error.kind() == ErrorKind::NotFound => error,
        other => return other,
    };
    let lookup::KeyRef::Name(name) = lookup::KeyRef::read(wanted)? else {
        return Err(error);
    };
    let retiring = retiring(name, signed_in, context).await.unwrap_or_default();
    Err(match retiring.as_slice() {
        [] => error,
        [key, ..] => Error::new(error.kind(), error.to_string())
            .hint(format!(
                "`{}` (ID {}) made way for a key of that name, which is not there; `swp-keys rotate-key {}` rotates it",
                key.name().unwrap_or_default(),
                key.id,
                key.id
            ))
            .key(key.id),
    })
}

/// The name that the successor takes.
pub(super) fn name_of(old: &ApiKey) -> Result<&str, Error> {
    let named = old.name().filter(|name| !name.is_empty());
    named.map(original_name).ok_or_else(|| {
        let hint = format!(
            "give it one with `swp-keys update-key {} --name NAME`",
            old.id
        );
        Error::usage(format!("the key with the ID {} has no name", old.id), hint).key(old.id)
    })
}

/// Keys that made way for one of this name, and have not ended.
async fn retiring(
    name: &str,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Vec<ApiKey>, Error> {
    // A manager may keep blanks and brackets in a form of its own.
    let pattern = format!("{name}%");
    let search = async { Ok(signed_in.api_keys_like(&pattern).await?) };
    let found = context.signals.cancel(search).await?;
    let now = signed_in.time().timestamp_millis();
    let made_way =
        |key: &ApiKey| made_way_for(key, name) && key.expiry_date().is_none_or(|end| end > now);
    Ok(found.into_iter().filter(made_way).collect())
}

/// Never three keys: no other key may bear the name, and none that made way for it may still live. Returns the IDs of the keys whose names
/// are like it.
///
/// # Errors
/// Of a conflict, naming the others by their IDs.
pub(super) async fn check_alone(
    name: &str,
    old: &ApiKey,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Vec<i64>, Error> {
    let search = async { Ok(signed_in.api_keys_named(name).await?) };
    let named = context.signals.cancel(search).await?;
    let mut others = named
        .iter()
        .filter(|key| key.name() == Some(name) && key.id != old.id);
    if let Some(other) = others.next() {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "another key is named `{name}`, with the ID {}: the key with the ID {} seems to have been rotated already",
                other.id, old.id
            ),
        )
        .hint(WHICH)
        .key(other.id));
    }
    let retiring = retiring(name, signed_in, context).await?;
    let Some(other) = retiring.iter().find(|key| key.id != old.id) else {
        let like = |key: &&ApiKey| key.name().is_some_and(|other| is_like(name, other));
        let like = named.iter().filter(like).map(|key| key.id);
        return Ok(like.filter(|id| *id != old.id).collect());
    };
    let until = other.expiry_date().map_or_else(
        || "has no end set yet".to_owned(),
        |end| format!("works until {}", crate::expiry::format_time(end)),
    );
    Err(Error::new(
        ErrorKind::Conflict,
        format!(
            "the key `{name}` (ID {}) was put in the place of the one with the ID {}, which {until}",
            old.id, other.id
        ),
    )
    .hint(format!(
        "wait for that, or end it with `swp-keys delete-key {}`; `--in-place` needs no second key",
        other.id
    ))
    .key(other.id))
}

const WHICH: &str = "see which one is in use (`swp-keys show-key ID`), and delete the other one (`swp-keys delete-key ID`)";

/// When the successor ends: as asked, or after a life as long as that of the old key, both by the manager's clock.
pub(super) fn end(
    old: &ApiKey,
    asked: Option<Expiry>,
    signed_in: &SignedIn,
) -> Result<Option<i64>, Error> {
    if let Some(asked) = asked {
        return Ok(asked.milliseconds(signed_in.time()));
    }
    let Some(end) = old.expiry_date() else {
        return Ok(None);
    };
    let life = (old.created())
        .map(|created| whole_minutes(end.saturating_sub(created)))
        .and_then(|life| u64::try_from(life).ok())
        .filter(|life| *life > 0);
    let unknown = || {
        Error::usage(
            format!(
                "how long the life of the key with the ID {} was to be cannot be seen",
                old.id
            ),
            "say when the new key is to end, with `--expires`",
        )
        .key(old.id)
    };
    let life = Expiry::After(Duration::from_millis(life.ok_or_else(unknown)?));
    life.milliseconds(signed_in.time())
        .map(Some)
        .ok_or_else(unknown)
}

/// The end of a key is counted from before the manager makes it, so a life is short of what was asked by moments; from rotation to
/// rotation they would add up.
fn whole_minutes(life: i64) -> i64 {
    life.saturating_add(30_000) / 60_000 * 60_000
}

/// The key to be made.
pub(super) fn of(
    old: &ApiKey,
    name: &str,
    operation: &str,
    expiry_date: Option<i64>,
) -> Result<NewApiKey, Error> {
    let role_id = old.role_id().ok_or_else(|| {
        let message = format!(
            "the manager does not say which role the key with the ID {} has",
            old.id
        );
        Error::unexpected(message).key(old.id)
    })?;
    let description = without_marks(old.description().unwrap_or_default());
    let mark = mark(operation);
    Ok(NewApiKey {
        key_name: name.to_owned(),
        description: Some(if description.is_empty() {
            mark
        } else {
            format!("{description} {mark}")
        }),
        role_id,
        locale: old.locale().map(str::to_owned),
        time_zone: old.time_zone().map(str::to_owned),
        expiry_date,
    })
}

impl Rotation<'_> {
    /// What is noted before the manager is asked.
    pub(super) fn record(
        &self,
        like: Vec<i64>,
        prepared: &PreparedSinks,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<Record, Error> {
        let operation = run_operation(&self.plan.operation, prepared.places(), signed_in, context)?;
        let (name, role_id) = (&self.new.key_name, self.new.role_id);
        let mut record = Record::rotate(operation, name, role_id, self.old.id, self.plan.overlap);
        record.existing_ids.extend(like);
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::whole_minutes;

    #[test]
    fn a_life_does_not_shrink_from_rotation_to_rotation() {
        let day = 86_400_000;
        for short in [0, 1, 999, 1_500, 29_000] {
            assert_eq!(whole_minutes(day - short), day);
        }
        assert_eq!(whole_minutes(day + 400), day);
    }
}
