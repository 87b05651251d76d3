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
