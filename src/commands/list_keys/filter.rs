//! Selects the keys to list. The manager's search applies the criteria that it supports, so that fewer pages are requested. Every key in the response
//! is then checked against all criteria, because the manager may ignore a criterion or compare names differently.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::expiry::Span;
use crate::keys::state::State;
use crate::manager::{ApiKey, KeyFilter};

/// The filter from the command line. All times are on the manager's clock, in milliseconds since the Unix epoch.
#[derive(Debug, Default)]
pub(super) struct Filter<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) role_id: Option<i64>,
    /// Matches keys that have not expired yet and expire at this time or earlier.
    pub(super) expires_by: Option<i64>,
    /// Matches keys that have expired.
    pub(super) expired: bool,
    /// Matches keys that have not been used since this time.
    pub(super) unused_since: Option<i64>,
    pub(super) locked: bool,
    /// The manager's time when this filter was created.
    pub(super) created_at: i64,
}

/// The result of applying a filter to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FilterResult {
    Match,
    NoMatch,
    /// The name differs from the pattern only in upper and lower case.
    OnlyCaseDiffers,
    /// The manager reports neither the last sign-in of the key nor its creation time.
    NoTimes,
}

impl<'a> Filter<'a> {
    /// Returns the search criteria for the manager. They match every key that `apply` accepts, and possibly more.
    ///
    /// `--expired`: the expiry must be at least 1, because 0 means that a key does not expire.
    ///
    /// `--locked`: there is no criterion, because it is unknown whether a lock after failed sign-ins sets `active` to false.
    ///
    /// `--stale`: the key must have been created before `unused_since`. A newer key has not existed for long enough.
    pub(super) fn for_manager(&self) -> KeyFilter<'a> {
        KeyFilter {
            name: self.name,
            role_id: self.role_id,
            expires: match self.expired {
                true => Some((1, self.created_at)),
                false => self.expires_by.map(|by| (self.created_at, by)),
            },
            created_until: self.unused_since,
        }
    }

    /// Applies the filter to a key. `now` is the manager's time.
    pub(super) fn apply(&self, key: &ApiKey, now: DateTime<Utc>) -> FilterResult {
        let name = key.name().unwrap_or_default();
        let passes = |pattern: &str| matches(pattern, name);
        let same_but_case = |pattern: &str| matches(&folded(pattern), &folded(name));
        if self.name.is_some_and(|pattern| !passes(pattern)) {
            return if self.name.is_some_and(same_but_case) {
                FilterResult::OnlyCaseDiffers
            } else {
                FilterResult::NoMatch
            };
        }
        if self.role_id.is_some() && self.role_id != key.role_id() {
            return FilterResult::NoMatch;
        }
        let start = now.timestamp_millis();
        let expires_in_time = |by: i64| {
            key.expiry_date()
                .is_some_and(|expiry| expiry > start && expiry <= by)
        };
        if self.expires_by.is_some_and(|by| !expires_in_time(by)) {
            return FilterResult::NoMatch;
        }
        let has_expired = || key.expiry_date().is_some_and(|expiry| expiry <= start);
        if self.expired && !has_expired() {
            return FilterResult::NoMatch;
        }
        if self.locked && !matches!(State::of(key, now), State::Locked(_)) {
            return FilterResult::NoMatch;
        }
        // If a key was never used, its creation time is compared with `unused_since`.
        match (self.unused_since, key.last_sign_in().or(key.created())) {
            (None, _) => FilterResult::Match,
            (Some(_), None) => FilterResult::NoTimes,
            (Some(since), Some(last)) if last <= since => FilterResult::Match,
            (Some(_), Some(_)) => FilterResult::NoMatch,
        }
    }
}

fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Returns true if `text` matches a pattern in which `%` stands for any text and `_` for one character (docs/manager-api.md, "Search"). The
/// comparison is case-sensitive, even if the manager ignores case.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut in_text) = (0, 0);
    // The last `%` that the loop has reached: its position in the pattern, and the end of its match in `text`.
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

/// Parses a duration of at most 100 years, such as `14d` or `6mo`.
///
/// # Errors
/// Returns the text of the error for clap. The text does not contain the argument.
pub(super) fn parse_duration(text: &str) -> Result<Span, String> {
    let span = Span::parse(text)
        .ok_or_else(|| "expected a duration such as 14d, 12w, 36h or 6mo".to_owned())?;
    match span.length(Utc::now()) {
        Some(length) if length <= LONGEST => Ok(span),
        _ => Err("expected a duration of at most 100 years".to_owned()),
    }
}

/// The longest duration that a filter accepts: 100 years.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn patterns_match_as_on_the_manager() {
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
        fn every_text_matches_itself_and_patterns_derived_from_it(text in "[a-c%_]{0,12}", at in 0_usize..12) {
            let pattern: String = text.chars().enumerate().map(|(place, one)| if place == at { '_' } else { one }).collect();
            proptest::prop_assert!(matches(&text, &text));
            proptest::prop_assert!(matches(&pattern, &text));
            let halves = format!("{}%{}", &text[..at.min(text.len())], &text[at.min(text.len())..]);
            proptest::prop_assert!(matches(&halves, &text));
        }
    }

    fn apply(filter: &Filter<'_>, fields: &Value) -> FilterResult {
        let mut object = json!({"ID": 7});
        for (name, value) in fields.as_object().into_iter().flatten() {
            object[name] = value.clone();
        }
        let key =
            serde_json::from_str(&object.to_string()).unwrap_or_else(|error| panic!("{error}"));
        filter.apply(
            &key,
            DateTime::from_timestamp_millis(1_000).unwrap_or_default(),
        )
    }

    #[test]
    fn the_creation_time_counts_for_a_key_that_was_never_used() {
        let stale = Filter {
            unused_since: Some(1_000),
            ..Filter::default()
        };
        for (fields, expected) in [
            (
                json!({"created": 1, "lastSignIn": 1_000}),
                FilterResult::Match,
            ),
            (
                json!({"created": 1, "lastSignIn": 1_001}),
                FilterResult::NoMatch,
            ),
            (json!({"created": 1_000}), FilterResult::Match),
            (json!({"created": 1_001}), FilterResult::NoMatch),
            (
                json!({"created": 900, "lastSignIn": 0}),
                FilterResult::Match,
            ),
            (json!({}), FilterResult::NoTimes),
        ] {
            assert_eq!(apply(&stale, &fields), expected, "{fields}");
        }
    }

    #[test]
    fn an_expired_key_does_not_expire_soon() {
        let soon = Filter {
            expires_by: Some(2_000),
            ..Filter::default()
        };
        for (expiry, expected) in [
            (999, FilterResult::NoMatch),
            (1_000, FilterResult::NoMatch),
            (2_000, FilterResult::Match),
            (2_001, FilterResult::NoMatch),
        ] {
            assert_eq!(
                apply(&soon, &json!({"expiryDate": expiry})),
                expected,
                "{expiry}"
            );
        }
        assert_eq!(apply(&soon, &json!({})), FilterResult::NoMatch);
    }
}
