//! The expiry of a key: parses the value of `--expires` and calculates the time in milliseconds.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, Utc};
use jiff::civil;
use jiff::tz::TimeZone;

use crate::error::Error;

/// The expiry of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// The key does not expire, because the user requested `never`.
    Never,
    /// The key expires after this duration, measured on the manager's clock.
    After(Duration),
    /// The key expires after this number of calendar months and this duration, measured on the manager's clock.
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
        let usage = |problem: &str| Error::usage(format!("`--expires` {problem}"), FORMS);
        let at = if text.eq_ignore_ascii_case("never") {
            return Ok(Self::Never);
        } else if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            end_of_day(date, zone)?
        } else if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            time.to_utc()
        } else {
            let length = Self::length(text)
                .ok_or_else(|| usage("is not a duration, a date, a time or `never`"))?;
            // The manager's unit is milliseconds, so a shorter duration would become zero.
            if matches!(length, Self::After(duration) if duration.as_millis() == 0) {
                return Err(usage("must be at least one millisecond"));
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
            // The result must not be `None` here, because the key would then never expire.
            Self::After(_) | Self::AfterMonths(..) => {
                let at = self.relative_to(now);
                Some(at.map_or(last(), |at| at.min(last())).timestamp_millis())
            }
        }
    }

    /// Returns true if the expiry counts from the manager's time.
    pub(crate) fn is_relative(self) -> bool {
        matches!(self, Self::After(_) | Self::AfterMonths(..))
    }

    /// Returns the end of a duration that begins at `now`, or `None` if it cannot be represented.
    fn relative_to(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (months, rest) = match self {
            Self::After(duration) => (0, duration),
            Self::AfterMonths(months, rest) => (months, rest),
            Self::Never | Self::At(_) => return None,
        };
        let rest = chrono::Duration::from_std(rest).ok()?;
        now.checked_add_months(Months::new(months))?
            .checked_add_signed(rest)
    }

    /// Parses a duration such as `36h`, `6mo` or `1y 2d`. Months and years are calendar months and years, so `1y` ends on the same day of the
    /// next year. Returns `None` if the text is not a duration.
    fn length(text: &str) -> Option<Self> {
        let Some((months, rest)) = calendar_months(text) else {
            return humantime::parse_duration(text).map(Self::After).ok();
        };
        let rest = match rest.as_str() {
            "" => Duration::ZERO,
            rest => humantime::parse_duration(rest).ok()?,
        };
        Some(Self::AfterMonths(months, rest))
    }
}

/// Returns the latest possible expiry. RFC 3339 cannot express years after 9999.
fn last() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(253_402_300_799_999).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Splits a duration into its months and years, as months, and the rest of the text. Returns `None` if it has no whole months or years.
fn calendar_months(text: &str) -> Option<(u32, String)> {
    let (mut months, mut others) = (0_u32, String::new());
    let mut left = text.trim();
    while !left.is_empty() {
        let (number, after) = left.split_at(left.find(|one: char| !one.is_ascii_digit())?);
        let after = after.trim_start();
        let end = after.find(|one: char| !one.is_ascii_alphabetic());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        let months_per_unit = match unit {
            "y" | "yr" | "yrs" | "year" | "years" => 12,
            "M" | "mo" | "mos" | "month" | "months" => 1,
            _ => 0,
        };
        match months_per_unit {
            0 => others.push_str(&format!("{number}{unit} ")),
            factor => {
                let added = number.parse::<u32>().ok()?.checked_mul(factor)?;
                months = months.checked_add(added)?;
            }
        }
        left = after.trim_start();
    }
    (months > 0).then(|| (months, others.trim_end().to_owned()))
}

/// Formats the date of a time in milliseconds since the Unix epoch, in UTC.
pub(crate) fn format_date(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds).map_or_else(
        || format_time(milliseconds),
        |time| time.format("%Y-%m-%d").to_string(),
    )
}

/// Formats the time until an expiry, rounded to minutes: `in 6 minutes`, `in 36 hours` or `in 90 days`.
pub(crate) fn time_left(milliseconds: i64) -> String {
    let minutes = milliseconds.saturating_add(30_000) / 60_000;
    match minutes {
        ..=0 => "in less than a minute".to_owned(),
        1 => "in 1 minute".to_owned(),
        2..120 => format!("in {minutes} minutes"),
        120..2880 => format!("in {} hours", minutes / 60),
        _ => format!("in {} days", minutes / 1440),
    }
}

/// Formats a time in milliseconds since the Unix epoch for display.
pub(crate) fn format_time(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds).map_or_else(
        || format!("{milliseconds} ms since the Unix epoch"),
        |time| time.format("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

/// Returns the last millisecond of a day, which is the millisecond before the start of the next day. If a clock change (daylight saving time) repeats
/// midnight, the next day starts at the first midnight. If a clock change skips midnight, the next day starts after the gap.
fn end_of_day(date: NaiveDate, zone: Option<&str>) -> Result<DateTime<Utc>, Error> {
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
            // Near the end of 9999, `chrono` cannot represent the next day in every time zone.
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

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz {
    //! The fuzz target for `--expires`.

    use chrono::{DateTime, Utc};

    use super::{Expiry, format_time};
    use crate::fuzz_support::LONGEST;

    /// The target of [`crate::fuzzing::expiry`].
    pub(crate) fn expiry(data: &[u8]) {
        let Ok(text) = str::from_utf8(data) else {
            return;
        };
        let (text, zone) = match text.split_once('\n') {
            Some((text, zone)) => (text, Some(zone)),
            None => (text, None),
        };
        let now = DateTime::<Utc>::from_timestamp(1_795_000_000, 0).expect("a valid time");
        let last = "9999-12-31T23:59:59.999Z".parse::<DateTime<Utc>>();
        let last = last.expect("a valid time").timestamp_millis();
        match Expiry::parse(text, zone, now) {
            Ok(Expiry::Never) => assert!(text.eq_ignore_ascii_case("never")),
            Ok(expiry) => {
                // The maximum difference from the manager's clock that the program accepts.
                for days in [-366, 0, 366] {
                    let there = now + chrono::Duration::days(days);
                    let ends = expiry.milliseconds(there).expect("the key expires");
                    let begins = if matches!(expiry, Expiry::At(_)) {
                        now
                    } else {
                        there
                    };
                    assert!(ends > begins.timestamp_millis(), "{text:?} is in the past");
                    assert!(ends <= last, "{text:?} is too late");
                    let shown = format_time(ends);
                    assert_eq!(shown.len(), "2027-01-31 18:00 UTC".len(), "{shown}");
                }
            }
            Err(refused) => {
                let refused = refused.to_string();
                assert!(zone.is_some() || refused.chars().count() < LONGEST);
                // A password of digits and letters looks like a duration.
                assert!(zone.is_some() || !refused.contains("hunter"), "{refused}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default()
    }

    fn parsed(text: &str, zone: Option<&str>) -> Option<Expiry> {
        Expiry::parse(text, zone, now()).ok()
    }

    fn at(text: &str) -> Option<Expiry> {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|time| Expiry::At(time.to_utc()))
    }

    #[test]
    fn durations_are_added_to_the_managers_time() {
        assert_eq!(
            parsed("14d", None),
            Some(Expiry::After(Duration::from_secs(14 * 86_400)))
        );
        assert_eq!(
            parsed("12w", None),
            Some(Expiry::After(Duration::from_secs(12 * 7 * 86_400)))
        );
        assert_eq!(
            parsed("36h", None),
            Some(Expiry::After(Duration::from_secs(36 * 3_600)))
        );
        let expiry = Expiry::After(Duration::from_secs(60));
        assert_eq!(
            expiry.milliseconds(now()),
            Some((now().timestamp() + 60) * 1000)
        );
        assert_eq!(Expiry::Never.milliseconds(now()), None);
    }

    #[test]
    fn months_and_years_end_on_the_same_day_of_the_month() {
        let from = |text: &str| text.parse::<DateTime<Utc>>().unwrap_or_default();
        for (length, start, end) in [
            ("1y", "2027-11-29T07:00:00Z", "2028-11-29T07:00:00Z"),
            ("1year", "2028-02-29T07:00:00Z", "2029-02-28T07:00:00Z"),
            ("6mo", "2026-11-29T07:00:00Z", "2027-05-29T07:00:00Z"),
            ("6M", "2026-11-29T07:00:00Z", "2027-05-29T07:00:00Z"),
            ("1mo", "2027-01-31T07:00:00Z", "2027-02-28T07:00:00Z"),
            ("1y 2mo 3d", "2026-11-29T07:00:00Z", "2028-02-01T07:00:00Z"),
            (
                "2 weeks 1 month",
                "2026-11-29T07:00:00Z",
                "2027-01-12T07:00:00Z",
            ),
            ("6m", "2026-11-29T07:00:00Z", "2026-11-29T07:06:00Z"),
        ] {
            let expiry = parsed(length, None).expect(length);
            assert!(expiry.is_relative());
            let end = Some(from(end).timestamp_millis());
            assert_eq!(expiry.milliseconds(from(start)), end, "{length}");
        }
        for text in [
            "0y",
            "0mo",
            "mo",
            "1mox",
            "99999999999mo",
            "400000000y",
            "1y 2",
            "1y -2d",
        ] {
            assert_eq!(parsed(text, None), None, "{text}");
        }
    }

    #[test]
    fn the_time_left_is_rounded_to_minutes() {
        let day = 86_400_000;
        for (left, shown) in [
            (0, "in less than a minute"),
            (60_000, "in 1 minute"),
            (359_000, "in 6 minutes"),
            (2 * day - 1000 * 60, "in 47 hours"),
            (90 * day - 1500, "in 90 days"),
        ] {
            assert_eq!(time_left(left), shown);
        }
    }

    #[test]
    fn an_expiry_is_limited_to_the_year_9999_if_the_managers_clock_is_ahead() {
        let expiry = parsed("7900y", None);
        let milliseconds = expiry.and_then(|expiry| expiry.milliseconds(DateTime::<Utc>::MAX_UTC));
        assert_eq!(
            milliseconds.map(format_time).as_deref(),
            Some("9999-12-31 23:59 UTC")
        );
    }

    #[test]
    fn a_date_means_the_end_of_that_day() {
        assert_eq!(parsed("2027-01-31", None), at("2027-01-31T23:59:59.999Z"));
        assert_eq!(
            parsed("2027-01-31", Some("Europe/Berlin")),
            at("2027-01-31T22:59:59.999Z")
        );
        assert_eq!(
            parsed("2027-07-31", Some("America/New_York")),
            at("2027-08-01T03:59:59.999Z")
        );
        // In Cairo on 2027-04-30, the clocks skip midnight, and the day starts at 01:00.
        assert_eq!(
            parsed("2027-04-29", Some("Africa/Cairo")),
            at("2027-04-29T21:59:59.999Z")
        );
        // In Havana on 2027-11-07, the clocks go back from 01:00 to midnight. The day starts at the first midnight.
        assert_eq!(
            parsed("2027-11-06", Some("America/Havana")),
            at("2027-11-07T03:59:59.999Z")
        );
        assert_eq!(
            parsed("9999-12-31", Some("Europe/Berlin")),
            at("9999-12-31T23:59:59.999Z")
        );
        for zone in ["Mars/Base", "europe/berlin", ""] {
            assert_eq!(parsed("2027-01-31", Some(zone)), None, "{zone}");
        }
    }

    #[test]
    fn every_built_in_zone_is_found_by_name_and_accepts_every_date() {
        for zone in jiff::tz::db().available() {
            let zone = zone.as_str();
            let found = time_zone(zone).expect("a built-in zone");
            assert_eq!(found.iana_name(), Some(zone));
            for date in [
                NaiveDate::MIN,
                NaiveDate::default(),
                NaiveDate::from_yo_opt(9999, 365).unwrap_or_default(),
                NaiveDate::MAX,
            ] {
                let _ = end_of_day(date, Some(zone));
            }
        }
    }

    #[test]
    fn a_time_keeps_its_offset() {
        assert_eq!(
            parsed("2027-01-31T18:00:00+01:00", None),
            at("2027-01-31T17:00:00Z")
        );
        assert_eq!(parsed("never", None), Some(Expiry::Never));
    }

    #[test]
    fn invalid_input_and_past_times_are_rejected() {
        for text in [
            "2020-01-01",
            "2020-01-01T00:00:00Z",
            "0d",
            "0s",
            "-3d",
            "soon",
            "",
            "2027-02-30",
            "999999999999w",
            "1ms 999999999999999999999w",
            "999us",
            "8000y",
            "+10000-01-01",
            "+262142-12-31",
            "-262143-01-01",
        ] {
            assert_eq!(parsed(text, None), None, "{text}");
        }
        let message = Expiry::parse("2020-01-01", None, now())
            .err()
            .map(|error| error.to_string());
        assert!(message.unwrap_or_default().contains("in the past"));
        let message = Expiry::parse("1hunter", None, now())
            .err()
            .map(|error| error.to_string());
        assert!(!message.unwrap_or_default().contains("hunter"));
    }
}
