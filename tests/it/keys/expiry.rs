//! `--expires`: its accepted forms, the value that is sent, and the clock that it depends on.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::requests::{CREATE, bodies, nothing_was_sent};
use crate::support::snapshot::snapshot;
use crate::support::wording::NO_EXPIRY;
use crate::support::{TestEnv, contains};

const DAY: i64 = 24 * 60 * 60 * 1000;
const HOUR: i64 = 60 * 60 * 1000;

fn create(expires: &str) -> [&str; 5] {
    ["create", "--role-id", "2", "--expires", expires]
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_millis()).expect("milliseconds")
}

#[test]
fn a_duration_counts_from_now() {
    for (text, length) in [("14d", 14 * DAY), ("12w", 84 * DAY), ("36h", 36 * HOUR)] {
        let env = TestEnv::new();
        let before = now();
        let result = env.run(create(text));
        let after = now();
        result.success();
        assert!(!result.stderr.contains(NO_EXPIRY), "{}", result.stderr);
        let sent = bodies(&env.sandbox, CREATE)[0]["expiryDate"].as_i64();
        let sent = sent.expect("milliseconds");
        // The manager reports its time in whole seconds.
        assert!(sent >= before + length - 1000, "{text}: {sent}");
        assert!(sent <= after + length + 1000, "{text}: {sent}");
        assert_eq!(env.sandbox.api_keys()[0].expiry_date, Some(sent));
    }
}

#[test]
fn a_date_is_the_end_of_that_day_and_a_time_is_exact() {
    // 2099-01-31T23:59:59.999Z
    let end = 4_073_587_199_999_i64;
    for (text, zone, expected) in [
        ("2099-01-31", None, end),
        ("2099-01-31", Some("Europe/Berlin"), end - HOUR),
        ("2099-01-31", Some("America/New_York"), end + 5 * HOUR),
        ("2099-01-31T23:59:59.999Z", None, end),
        ("2099-01-31T23:59:59.999+02:00", None, end - 2 * HOUR),
        (
            "2099-01-31T23:59:59.999+02:00",
            Some("Asia/Tokyo"),
            end - 2 * HOUR,
        ),
    ] {
        let env = TestEnv::new();
        let zone_flag = zone.map(|zone| ["--time-zone", zone]);
        let result = env.run(create(text).iter().chain(zone_flag.iter().flatten()));
        result.success();
        let body = &bodies(&env.sandbox, CREATE)[0];
        assert_eq!(body["expiryDate"], json!(expected), "{text} {zone:?}");
        assert_eq!(body.get("timeZone"), zone.map(|zone| json!(zone)).as_ref());
    }
}

#[test]
fn never_omits_the_expiry() {
    let env = TestEnv::new();
    let result = env.run(create("never"));
    result.success();
    assert!(!result.stderr.contains(NO_EXPIRY), "{}", result.stderr);
    let body = &bodies(&env.sandbox, CREATE)[0];
    assert_eq!(body.get("expiryDate"), None);

    let result = env.run(["create", "--role-id", "2"]);
    result.success();
    assert_eq!(
        result.stderr.matches(NO_EXPIRY).count(),
        1,
        "{}",
        result.stderr
    );
}

#[test]
fn past_and_invalid_times_are_rejected_before_anything_is_sent() {
    let env = TestEnv::new();
    for text in [
        "2020-01-01",
        "2020-01-01T00:00:00Z",
        "2027-02-30",
        "tomorrow",
        "",
        "0d",
        "999999999999w",
    ] {
        let result = env.run(create(text));
        contains(result.failure(2), &["`--expires`", "14d"]);
        snapshot(&result.stderr);
    }
    let result = env.run(["create", "--role-id", "2", "--expires=-3d"]);
    contains(result.failure(2), &["`--expires`"]);
    let zone = ["--time-zone", "Mars/Base"];
    let result = env.run(create("2099-01-31").iter().chain(&zone));
    contains(result.failure(2), &["`--time-zone`", "IANA"]);
    nothing_was_sent(&env.sandbox);
}

#[test]
fn a_duration_counts_from_the_managers_clock_and_a_skew_is_reported() {
    for (skew, is_said) in [
        (2 * 60 * 60, true),
        (-2 * 60 * 60, true),
        (30, false),
        (-30, false),
    ] {
        let env = TestEnv::with(Settings {
            clock_skew_seconds: skew,
            ..Settings::default()
        });
        let (before, result, after) = (now(), env.run(create("1d")), now());
        result.success();
        let sent = bodies(&env.sandbox, CREATE)[0]["expiryDate"].as_i64();
        let sent = sent.expect("milliseconds") - skew * 1000;
        assert!(sent >= before + DAY - 1000, "{skew}: {sent}");
        assert!(sent <= after + DAY + 1000, "{skew}: {sent}");
        match is_said {
            true => {
                contains(&result.stderr, &["warning:"]);
                snapshot(&result.stderr);
            }
            false => assert!(!result.stderr.contains("warning:"), "{}", result.stderr),
        }
        // A date does not depend on a clock.
        let result = env.run(create("2099-01-31"));
        result.success();
        assert!(!result.stderr.contains("warning:"), "{}", result.stderr);
    }
}

#[test]
fn a_different_expiry_than_requested_is_a_warning() {
    for (expiry, expected) in [
        (json!(4_000_000_000_000_i64), "2096-10-02 07:06 UTC"),
        (serde_json::Value::Null, "never"),
    ] {
        let env = TestEnv::new();
        let mut answer = json!({"ID": 1, "secretKey": "1:c2VjcmV0"});
        if !expiry.is_null() {
            answer["expiryDate"] = expiry;
        }
        let answer = Action::Answer {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: answer.to_string().into_bytes(),
        };
        let fault = Fault::new("POST", "/api/apikeys", answer).after();
        env.sandbox.inject(fault);
        let result = env.run(create("2099-01-31"));
        assert_eq!(result.success(), "1:c2VjcmV0");
        contains(
            &result.stderr,
            &["warning:", expected, "2099-01-31 23:59 UTC"],
        );
    }
}
