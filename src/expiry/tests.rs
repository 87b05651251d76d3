//! Tests of the expiry parser.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};

use super::parser::{end_of_day, time_zone};
use super::{Expiry, Span, format_time, time_left};

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
fn a_span_has_the_same_months_in_both_directions() {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap_or_default();
    let now = at("2026-11-29T07:00:00Z");
    for (text, before, after, days) in [
        ("3mo", "2026-08-29T07:00:00Z", "2027-02-28T07:00:00Z", 91),
        ("1y", "2025-11-29T07:00:00Z", "2027-11-29T07:00:00Z", 365),
        ("1mo 1d", "2026-10-28T07:00:00Z", "2026-12-30T07:00:00Z", 31),
        ("14d", "2026-11-15T07:00:00Z", "2026-12-13T07:00:00Z", 14),
    ] {
        let span = Span::parse(text).expect(text);
        assert_eq!(span.before(now), Some(at(before)), "{text}");
        assert_eq!(span.after(now), Some(at(after)), "{text}");
        let length = Duration::from_secs(days * 86_400);
        assert_eq!(span.length(now), Some(length), "{text}");
    }
    assert_eq!(Span::parse("0mo").map(|span| span.months), None);
    assert_eq!(Span::parse(""), None);
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
