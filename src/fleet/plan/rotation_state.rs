//! Determines how far the rotations of a key have come, from the names and expiries on the manager.

use chrono::{DateTime, Utc};

use super::changes::{ExpiryMatch, compare_expiry, expected_expiry};
use crate::expiry::format_date;
use crate::fleet::manifest::DeclaredKey;
use crate::manager::ApiKey;
use crate::mint::{FleetMark, original_name, retiring_end};

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;
/// How long after its expiry an old key is deleted, in milliseconds.
const CLEAN_UP_AFTER: i64 = 7 * DAY;
/// The precision of the time in the name of an old key, in milliseconds.
const NAME_PRECISION: i64 = 60_000;

/// Returns true if a rotation has renamed the key.
pub(super) fn is_renamed(key: &ApiKey) -> bool {
    key.name().is_some_and(|name| original_name(name) != name)
}

pub(super) fn has_expired(key: &ApiKey, now: DateTime<Utc>) -> bool {
    (key.expiry_date()).is_some_and(|expiry| expiry <= now.timestamp_millis())
}

/// Returns true if `old` no longer counts, because the secret of its successor was delivered. A rotation sets the expiry of the old key only
/// after that.
pub(crate) fn is_retired(
    old: &ApiKey,
    successor: &ApiKey,
    declared: &DeclaredKey,
    now: DateTime<Utc>,
) -> bool {
    let overlap = i64::try_from(declared.overlap.as_millis()).unwrap_or(i64::MAX);
    is_retired_within(overlap, old, successor, declared, now)
}

/// Like [`is_retired`], for a rotation with this overlap in milliseconds. The declared overlap may be different since then.
pub(crate) fn is_retired_within(
    overlap: i64,
    old: &ApiKey,
    successor: &ApiKey,
    declared: &DeclaredKey,
    now: DateTime<Utc>,
) -> bool {
    let Some(expiry) = old.expiry_date() else {
        return false;
    };
    let end = old.name().and_then(retiring_end);
    let end = end.map(|end| end.saturating_add(NAME_PRECISION));
    // A manager may refuse the new name, so the expiry must show that the old key is retired.
    let latest =
        (successor.created()).map(|created| created.saturating_add(overlap).saturating_add(HOUR));
    match end.or(latest) {
        Some(latest) if expiry <= latest => true,
        // The expiry was set by a user after the rotation.
        Some(_) => has_expired(old, now) && is_expiry_changed(old, declared),
        None => has_expired(old, now),
    }
}

/// Returns true if the expiry of the old key of a rotation is not the declared one, so that a user has set it. The rotation may be complete.
pub(crate) fn is_expiry_changed(old: &ApiKey, declared: &DeclaredKey) -> bool {
    matches!(
        compare_expiry(declared.expires, old),
        ExpiryMatch::Different(_)
    )
}

/// Returns true if a rotation has set the expiry of the key, and false if a rotation has renamed the key and not set its expiry. Returns `None` if the
/// name does not show it.
pub(super) fn is_retired_by_name(old: &ApiKey, now: DateTime<Utc>) -> Option<bool> {
    let end = old.name().and_then(retiring_end);
    match old.expiry_date() {
        Some(expiry) if expiry <= now.timestamp_millis() => Some(true),
        Some(expiry) => Some(expiry <= end?.saturating_add(NAME_PRECISION)),
        None => end.map(|_| false),
    }
}

/// Returns true if `successor` was created to replace `old`.
pub(super) fn replaces(successor: &ApiKey, old: &ApiKey) -> bool {
    let mark = FleetMark::of(successor.description().unwrap_or_default());
    mark.is_some_and(|mark| mark.predecessor == Some(old.id))
}

/// Returns true if the old key of a rotation expired long enough ago to be deleted.
pub(super) fn expired_long_ago(key: &ApiKey, now: DateTime<Utc>) -> bool {
    let limit = now.timestamp_millis().saturating_sub(CLEAN_UP_AFTER);
    (key.expiry_date()).is_some_and(|expiry| expiry <= limit)
}

/// Returns the reason if the key must be rotated because of its age.
pub(super) fn due(declared: &DeclaredKey, key: &ApiKey, now: DateTime<Utc>) -> Option<String> {
    if let Some(expiry) = key.expiry_date().filter(|_| has_expired(key, now)) {
        return Some(format!("expired {}", format_date(expiry)));
    }
    let now_ms = now.timestamp_millis();
    let expected = expected_expiry(declared.expires, key).flatten();
    if declared.expires.is_relative() && expected.is_some_and(|expected| expected <= now_ms) {
        let age = age_in_words(key, now_ms);
        return Some(format!(
            "{age} old, and it may be {} old",
            declared.expires_text
        ));
    }
    let rule = declared.rotation.as_ref()?;
    let created = DateTime::from_timestamp_millis(key.created()?)?;
    let due = rule.age.milliseconds(created)?;
    (due <= now_ms).then(|| {
        let age = age_in_words(key, now_ms);
        format!("{age} old, rotated every {}", rule.text)
    })
}

fn age_in_words(key: &ApiKey, now: i64) -> String {
    let age = now.saturating_sub(key.created().unwrap_or(now)).max(0);
    match age {
        0..HOUR => format!("{} min", age / 60_000),
        HOUR..DAY => format!("{} h", age / HOUR),
        _ => format!("{} d", age / DAY),
    }
}
