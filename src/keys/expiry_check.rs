//! Checks whether a key expires soon, for `--fail-within`.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::config::Source;
use crate::config::values::span;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::manager::ApiKey;
use crate::mint::original_name;

/// The value of `--fail-within`.
pub(crate) struct FailWithin<'a> {
    /// The duration as the user typed it.
    pub(crate) text: &'a str,
    duration: Duration,
}

impl<'a> FailWithin<'a> {
    /// Parses the value of `--fail-within`. Returns `None` if the flag is not set.
    ///
    /// # Errors
    /// Returns a usage error if the value is not a duration.
    pub(crate) fn parse(text: Option<&'a str>) -> Result<Option<Self>, Error> {
        let parsed = text.map(|text| {
            let duration = span(&Source::Flag("--fail-within"), text)?;
            Ok(Self { text, duration })
        });
        parsed.transpose()
    }

    /// Returns an error if the key has expired or expires within the duration. `now` is the manager's time.
    pub(crate) fn failure(&self, key: &ApiKey, now: DateTime<Utc>) -> Option<Error> {
        let expiry = key.expiry_date()?;
        let within = i64::try_from(self.duration.as_millis()).unwrap_or(i64::MAX);
        let left = expiry.saturating_sub(now.timestamp_millis());
        if left > within {
            return None;
        }
        let (name, at, text) = (
            key.name().unwrap_or_default(),
            format_time(expiry),
            self.text,
        );
        let end = match left > 0 {
            true => format!("expires at {at}, within {text} (`--fail-within`)"),
            false => format!("expired at {at}"),
        };
        let successor = original_name(name);
        let hint = match successor == name {
            true => format!("run `swp-keys rotate-key {}` to replace the key", key.id),
            false => format!("use the key `{successor}`, because a rotation has replaced this key"),
        };
        let message = format!("the key `{name}` (ID {}) {end}", key.id);
        let error = Error::new(ErrorKind::CheckFailed, message);
        Some(error.hint(hint).key(key.id))
    }
}
