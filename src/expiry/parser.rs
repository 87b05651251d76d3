//! Parses `--expires`, and calculates the time in milliseconds.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, Utc};
use jiff::civil;
use jiff::tz::TimeZone;

use super::calendar::Span;
use crate::error::Error;

/// The expiry of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// The key does not expire, because the user requested `never`.
    Never,
    /// The key expires after this duration, measured on the manager's clock.
    After(Duration),
    /// The key expires after this many calendar months plus this duration, measured on the manager's clock.
    AfterMonths(u32, Duration),
    /// The key expires at this time.
    At(DateTime<Utc>),
}

const FORMS: &str = "use a duration (14d, 12w, 36h, 6mo, 1y), a date such as 2027-01-31, a time such as 2027-01-31T18:00:00Z, or never";

impl Expiry {
    /// Parses `--expires`. A date means the end of that day in `zone`, or in UTC if `zone` is `None`. `now` is this machine's time.
    ///
    /// # Errors
    /// Returns a usage error if the text is invalid, in the past or too far in the future.
    pub(crate) fn parse(text: &str, zone: Option<&str>, now: DateTime<Utc>) -> Result<Self, Error> {
        Self::parse_named("`--expires`", text, zone, now)
    }

    /// Parses an expiry that the user typed at a prompt, in the same forms as `--expires`.
    ///
    /// # Errors
    /// Returns the errors of [`Expiry::parse`]. Their messages do not name `--expires`.
    pub(crate) fn parse_answer(
        text: &str,
        zone: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        Self::parse_named("the expiry", text, zone, now)
    }

    fn parse_named(
        subject: &str,
        text: &str,
        zone: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let usage = |problem: &str| Error::usage(format!("{subject} {problem}"), FORMS);
        let at = if text.eq_ignore_ascii_case("never") {
            return Ok(Self::Never);
        } else if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            end_of_day(date, zone)?
        } else if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            time.to_utc()
        } else {
            let length = Self::length(text)
                .ok_or_else(|| usage("is not a duration, a date, a time or `never`"))?;
            // The manager stores whole milliseconds, so a duration below one millisecond would become zero.
            if matches!(length, Self::After(duration) if duration.as_millis() == 0) {
                return Err(usage("is zero"));
            }
            // A duration that is too long must be rejected before the sign-in.
            return match length.relative_to(now) {
                Some(at) if at <= last() => Ok(length),
                _ => Err(usage("is too far in the future")),
            };
        };
        if at > last() {
            return Err(usage("is too far in the future"));
        }
        if at <= now {
            return Err(usage(&format!(
                "is in the past: {}",
                at.format("%Y-%m-%d %H:%M:%S UTC")
            )));
        }
        Ok(Self::At(at))
    }

    /// Returns the expiry in milliseconds since the Unix epoch (`docs/manager-api.md`, "Key fields"), or `None` if the key does not expire.
    /// `now` is the manager's time.
    pub(crate) fn milliseconds(self, now: DateTime<Utc>) -> Option<i64> {
        match self {
            Self::Never => None,
            Self::At(at) => Some(at.timestamp_millis()),
            // If the end of the duration cannot be represented, the latest possible expiry is returned. Returning `None` would mean that the key
            // never expires.
            Self::After(_) | Self::AfterMonths(..) => {
                let at = self.relative_to(now);
                Some(at.map_or(last(), |at| at.min(last())).timestamp_millis())
            }
        }
    }

    /// Returns true if the expiry is a duration that begins at the manager's current time.
    pub(crate) fn is_relative(self) -> bool {
        matches!(self, Self::After(_) | Self::AfterMonths(..))
    }

    /// Adds the duration to `now`. Returns `None` if the expiry is not a duration, or if the sum cannot be represented.
    fn relative_to(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (months, rest) = match self {
            Self::After(duration) => (0, duration),
            Self::AfterMonths(months, rest) => (months, rest),
            Self::Never | Self::At(_) => return None,
        };
        Span { months, rest }.after(now)
    }

    /// Parses a duration. Returns `None` if the text is not a duration.
    fn length(text: &str) -> Option<Self> {
        let span = Span::parse(text)?;
        Some(match span.has_months() {
            true => Self::AfterMonths(span.months, span.rest),
            false => Self::After(span.rest),
        })
    }
}

/// Returns the latest possible expiry. RFC 3339 cannot express years after 9999.
fn last() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(253_402_300_799_999).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Returns the last millisecond of a day, which is the millisecond before the start of the next day. If a clock change (daylight saving time) repeats
/// midnight, the next day starts at the first midnight. If a clock change skips midnight, the next day starts after the gap.
pub(super) fn end_of_day(date: NaiveDate, zone: Option<&str>) -> Result<DateTime<Utc>, Error> {
    let next = date.checked_add_days(Days::new(1));
    let next = match zone {
        None => next.map(|next| next.and_time(NaiveTime::MIN).and_utc()),
        Some(name) => {
            let zone = time_zone(name).ok_or_else(|| {
                Error::usage(
                    "a date in `--expires` needs a time zone, but the value of `--time-zone` is not in the IANA time zone database",
                    "set `--time-zone` to an IANA name such as Europe/Berlin, or set `--expires` to a time with an offset",
                )
            })?;
            // On the last two days of 9999, `jiff` cannot represent the start of the next day in some time zones.
            if date.year() == 9999 && date.ordinal() >= 364 {
                return Ok(last());
            }
            next.and_then(|next| start_of_day(next, zone))
        }
    };
    let next = next.ok_or_else(|| Error::usage("`--expires` is too far in the future", FORMS))?;
    Ok(next - chrono::Duration::milliseconds(1))
}

/// Returns the time zone with this IANA name. The time zone database is built in, because containers and Windows may not have one. Names
/// are case-sensitive, because it is unknown whether the manager accepts a different case.
pub(crate) fn time_zone(name: &str) -> Option<TimeZone> {
    (TimeZone::get(name).ok()).filter(|zone| zone.iana_name() == Some(name))
}

fn start_of_day(date: NaiveDate, zone: TimeZone) -> Option<DateTime<Utc>> {
    let year = date.year().try_into().ok()?;
    let (month, day) = (date.month().try_into().ok()?, date.day().try_into().ok()?);
    let date = civil::Date::new(year, month, day).ok()?;
    let start = date.to_zoned(zone).ok()?.start_of_day().ok()?;
    DateTime::from_timestamp_millis(start.timestamp().as_millisecond())
}
