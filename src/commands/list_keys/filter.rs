//! Which keys are listed. What a search can say is sent to the manager, to spare pages; each key that comes is looked at here again,
//! because a manager may ignore what it is asked, and knows another equality of names.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::keys::state::State;
use crate::manager::{ApiKey, KeyFilter};

/// What the command line asks for, with its times on the manager's clock.
#[derive(Debug, Default)]
pub(super) struct Filter<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) role_id: Option<i64>,
    /// Still works, and ends at this time at the latest.
    pub(super) ends_by: Option<i64>,
    /// Was not used since this time.
    pub(super) unused_since: Option<i64>,
    pub(super) locked: bool,
    /// The time when it was made.
    pub(super) from: i64,
}

/// What a key is to a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Yes,
    No,
    /// Only upper and lower case of its name differ.
    OnlyCaseDiffers,
    /// The manager does not tell when it was used, nor when it was made.
    Untold,
}

impl<'a> Filter<'a> {
    /// What the manager is asked for: never less than what passes here.
    ///
    /// Whether a lock that wrong secrets bring about turns `active` false is unknown, and criteria cannot be alternatives, so a lock is
    /// looked at here alone. A key that was not used for some time was made before that, whether it was ever used or not.
    pub(super) fn for_the_manager(&self) -> KeyFilter<'a> {
        KeyFilter {
            name: self.name,
            role_id: self.role_id,
            expires: self.ends_by.map(|by| (self.from, by)),
            created_until: self.unused_since,
        }
    }

    /// `now` is the manager's time.
    pub(super) fn fit(&self, key: &ApiKey, now: DateTime<Utc>) -> Fit {
        let name = key.name().unwrap_or_default();
        let passes = |pattern: &str| matches(pattern, name);
        let same_but_case = |pattern: &str| matches(&folded(pattern), &folded(name));
        if self.name.is_some_and(|pattern| !passes(pattern)) {
            return if self.name.is_some_and(same_but_case) {
                Fit::OnlyCaseDiffers
            } else {
                Fit::No
            };
        }
        if self.role_id.is_some() && self.role_id != key.role_id() {
            return Fit::No;
        }
        let start = now.timestamp_millis();
        let ends_in_time = |by: i64| {
            key.expiry_date()
                .is_some_and(|end| end > start && end <= by)
        };
        if self.ends_by.is_some_and(|by| !ends_in_time(by)) {
            return Fit::No;
        }
        if self.locked && !matches!(State::of(key, now), State::Locked(_)) {
            return Fit::No;
        }
        // One that was never used counts from its creation.
        match (self.unused_since, key.last_sign_in().or(key.created())) {
            (None, _) => Fit::Yes,
            (Some(_), None) => Fit::Untold,
            (Some(since), Some(last)) if last <= since => Fit::Yes,
            (Some(_), Some(_)) => Fit::No,
        }
    }
}

fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Whether `text` matches a pattern in which `%` stands for any text and `_` for one character (manager-api.md, section 5.1). Upper
/// and lower case count, whatever they do to the manager.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut in_text) = (0, 0);
    // Where the last `%` stands, and up to where it has taken the text.
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match (pattern.get(at), star) {
            (Some('%'), _) => {
                star = Some((at, in_text));
                at += 1;
            }
            (Some(one), _) if *one == '_' || *one == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            (_, Some((place, taken))) => {
                star = Some((place, taken + 1));
                at = place + 1;
                in_text = taken + 1;
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(|rest| *rest == '%')
}

/// A span of time on the command line. Nothing is older than a century.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let span = humantime::parse_duration(text)
        // The words of the library quote the value.
        .map_err(|_| "write a duration such as 14d, 12w or 36h".to_owned())?;
    if span > Duration::from_secs(100 * 366 * 86_400) {
        return Err("that is more than a century".to_owned());
    }
    Ok(span)
}

/// The time so long before (negative: after) another, in milliseconds since 1970.
pub(super) fn shifted(now: DateTime<Utc>, span: Duration, sign: i64) -> i64 {
    let length = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    now.timestamp_millis()
        .saturating_add(length.saturating_mul(sign))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn patterns_match_as_the_managers_do() {
        for (pattern, text, expected) in [
            ("ci", "ci", true),
            ("ci", "CI", false),
            ("ci%", "ci-2026", true),
            ("%ci", "ci", true),
            ("c_", "ci", true),
            ("c_", "c", false),
            ("_", "ü", true),
            ("%", "", true),
            ("", "", true),
            ("", "x", false),
            ("a%b%c", "a-b-b-c", true),
            ("a%b%c", "a-c-b", false),
            ("%aab", "aaab", true),
            ("ci%%", "ci", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_matches_itself_and_a_pattern_made_of_it(text in "[a-c%_]{0,12}", at in 0_usize..12) {
            let pattern: String = text.chars().enumerate().map(|(place, one)| if place == at { '_' } else { one }).collect();
            proptest::prop_assert!(matches(&text, &text));
            proptest::prop_assert!(matches(&pattern, &text));
            let halves = format!("{}%{}", &text[..at.min(text.len())], &text[at.min(text.len())..]);
            proptest::prop_assert!(matches(&halves, &text));
        }
    }

    fn fit(filter: &Filter<'_>, fields: &Value) -> Fit {
        let mut object = json!({"ID": 7});
        for (name, value) in fields.as_object().into_iter().flatten() {
            object[name] = value.clone();
        }
        let key =
            serde_json::from_str(&object.to_string()).unwrap_or_else(|error| panic!("{error}"));
        filter.fit(
            &key,
            DateTime::from_timestamp_millis(1_000).unwrap_or_default(),
        )
    }

    #[test]
    fn a_key_that_was_never_used_counts_from_its_creation() {
        let stale = Filter {
            unused_since: Some(1_000),
            ..Filter::default()
        };
        for (fields, expected) in [
            (json!({"created": 1, "lastSignIn": 1_000}), Fit::Yes),
            (json!({"created": 1, "lastSignIn": 1_001}), Fit::No),
            (json!({"created": 1_000}), Fit::Yes),
            (json!({"created": 1_001}), Fit::No),
            (json!({"created": 900, "lastSignIn": 0}), Fit::Yes),
            (json!({}), Fit::Untold),
        ] {
            assert_eq!(fit(&stale, &fields), expected, "{fields}");
        }
    }

    #[test]
    fn what_has_ended_already_does_not_end_soon() {
        let soon = Filter {
            ends_by: Some(2_000),
            ..Filter::default()
        };
        for (end, expected) in [
            (999, Fit::No),
            (1_000, Fit::No),
            (2_000, Fit::Yes),
            (2_001, Fit::No),
        ] {
            assert_eq!(fit(&soon, &json!({"expiryDate": end})), expected, "{end}");
        }
        assert_eq!(fit(&soon, &json!({})), Fit::No);
    }
}
