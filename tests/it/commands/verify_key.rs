//! `verify-key`: does a secret work, whose is it, until when; and what its "no" looks like.

use std::time::Duration;

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::{World, contains, playing, squeezed};

const CURRENT: &str = "GET /api/apikeys/current";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A world without a password, and a key of this role in the file `key`.
fn with_key(role_id: i64, settings: Settings) -> (World, i64, String) {
    let mut world = World::with(settings);
    world.home.unset("SWP_USERNAME");
    world.home.unset("SWP_PASSWORD_FILE");
    let key = world.sandbox.add_key("reporting", role_id);
    world.home.write_secret("key", &format!("{}\n", key.secret));
    (world, key.id, key.secret)
}

fn ends_in(world: &World, id: i64, time: Duration) {
    let end = world.sandbox.now() + i64::try_from(time.as_millis()).expect("a time");
    assert!(
        world
            .sandbox
            .edit_key(id, |key| key.expiry_date = Some(end))
    );
}

#[test]
fn a_key_that_works_is_described() {
    let (world, id, secret) = with_key(1, Settings::default());
    ends_in(&world, id, 30 * DAY + DAY / 2);
    let ran = world.run(["verify-key", "--key-file", "key", "-vv"]);
    ran.success();
    contains(
        &squeezed(&ran.stdout),
        &[
            "Works yes\nKey reporting (ID 1)\nRole Full Access (ID 1)\nState expires in 30 d\nExpires 20",
            "UTC\nLast sign-in 20",
            "\nTenant ",
            &format!("\nManager {}\n", world.sandbox.url()),
        ],
    );
    assert!(!ran.stderr.contains(&secret) && !ran.stdout.contains(&secret));
    assert_eq!(world.calls(), [CURRENT, "GET /api/roles/1"]);
}

#[test]
fn as_json_it_is_the_managers_object() {
    let (world, id, secret) = with_key(1, Settings::default());
    let ran = world.run(["verify-key", "--key-file", "key", "-o", "json"]);
    let answer = ran.json();
    assert_eq!(answer["ID"], id);
    assert_eq!(answer["keyName"], "reporting");
    assert_eq!(answer["roleID"], 1);
    assert!(answer["tenantGUID"].is_string());
    assert_eq!(answer["meta"]["works"], true);
    assert_eq!(answer["meta"]["role"], "Full Access");
    assert_eq!(answer["meta"]["manager"], world.sandbox.url());
    assert!(!ran.stdout.contains(&secret));
    let ran = world.run(["verify-key", "--key-file", "key", "-o", "jsonl"]);
    assert_eq!(ran.stdout.lines().count(), 1);
    world
        .run(["verify-key", "--key-file", "key", "-o", "env"])
        .failure(2);
}

#[test]
fn the_secret_comes_from_stdin_a_file_or_the_environment_in_this_order() {
    let (mut world, _, secret) = with_key(1, Settings::default());
    let other = world.sandbox.add_key("other", 1).secret;
    let ran = world
        .home
        .run_with_stdin(["verify-key", "--key-file", "-"], &format!("{secret}\n"));
    contains(ran.success(), &["reporting"]);
    world.home.set("SWP_API_KEY", &other);
    contains(world.run(["verify-key"]).success(), &["other"]);
    contains(
        world.run(["verify-key", "--key-file", "key"]).success(),
        &["reporting"],
    );
    contains(
        world.run(["verify-key", "--api-key-file", "key"]).success(),
        &["reporting"],
    );
    world.home.set("SWP_API_KEY_FILE", world.home.path("key"));
    contains(world.run(["verify-key"]).success(), &["reporting"]);
    let both = world.run(["verify-key", "--key-file", "key", "--api-key-file", "key"]);
    contains(both.failure(2), &["`--key-file` and `--api-key-file`"]);
}

#[test]
fn without_a_secret_nothing_is_sent_and_no_password_is_used() {
    let world = World::new();
    contains(
        world.run(["verify-key"]).failure(2),
        &["no key is given", "--key-file", "SWP_API_KEY"],
    );
    world.run(["verify-key", "--key-file", "none"]).failure(2);
    assert_eq!(world.sandbox.requests(), []);
}

#[test]
fn a_secret_that_does_not_work_is_a_no_and_is_tried_once() {
    type Spoil = fn(&World, i64);
    let spoilt: [Spoil; 4] = [
        |world, id| {
            assert!(world.sandbox.edit_key(id, |key| key.expiry_date = Some(1)));
        },
        |world, id| {
            assert!(world.sandbox.edit_key(id, |key| key.active = false));
        },
        |world, id| assert!(world.sandbox.remove_key(id)),
        |world, id| {
            let new = "1:bmV3".to_owned();
            assert!(world.sandbox.edit_key(id, |key| key.secret = new));
        },
    ];
    for spoil in spoilt {
        let (world, id, secret) = with_key(1, playing(&[("unusable-key", "401")]));
        spoil(&world, id);
        let ran = world.run(["verify-key", "--key-file", "key", "-vv"]);
        let (stdout, stderr) = ran.said_no();
        contains(&squeezed(stdout), &["Works no\n", &world.sandbox.url()]);
        contains(
            stderr,
            &[
                "error: the secret that `--key-file` names does not work",
                "hint: ",
            ],
        );
        assert!(!stderr.contains(&secret));
        assert_eq!(world.calls(), [CURRENT], "never a second try");
    }
}

/// A "no" is an answer: the document is on stdout, and the error object on stderr says why.
#[test]
fn a_no_is_a_document_and_an_error() {
    let (world, id, _) = with_key(1, Settings::default());
    assert!(world.sandbox.remove_key(id));
    let ran = world.run(["verify-key", "--key-file", "key", "-o", "json"]);
    let (stdout, stderr) = ran.said_no();
    let answer: Value = serde_json::from_str(stdout).expect("one document");
    assert_eq!(answer["meta"]["works"], false);
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(1));
    let error: Value = serde_json::from_str(stderr).expect("one error");
    assert_eq!(error["error"]["code"], "said-no");
    assert_eq!(error["error"]["exit"], 13);
    assert_eq!(error["error"]["http"], 401);
    assert_eq!(error["error"]["retryable"], false);
}

#[test]
fn a_key_that_may_not_look_at_itself_works_all_the_same() {
    // 2 is Auditor: it reads policies, and no keys.
    let (world, ..) = with_key(2, Settings::default());
    let ran = world.run(["verify-key", "--key-file", "key"]);
    contains(&squeezed(ran.success()), &["Works yes"]);
    assert_eq!(world.calls(), [CURRENT, "POST /api/policies/search"]);
    let ran = world.run(["verify-key", "--key-file", "key", "-o", "json"]);
    let url = world.sandbox.url();
    let answer = ran.json();
    assert_eq!(answer["meta"]["works"], true);
    assert_eq!(answer["meta"]["manager"], url);
    assert_eq!(answer["ID"], Value::Null);
    // When it ends cannot be seen, so a gate stays shut.
    let ran = world.run(["verify-key", "--key-file", "key", "--fail-within", "1d"]);
    let (stdout, stderr) = ran.said_no();
    contains(&squeezed(stdout), &["Works yes"]);
    contains(stderr, &["when it ends cannot be seen"]);
}

/// The manager's choices, what the output reports, and what makes the key unusable.
type Spoilt<'a> = (&'a [(&'a str, &'a str)], &'a str, fn(&World, i64));

#[test]
fn where_a_refusal_is_a_403_no_success_is_claimed() {
    let bare = [("refused-key", "403"), ("error-body", "empty")];
    let spoilt: [Spoilt<'_>; 4] = [
        (&bare[..1], "no\n", |world, id| {
            assert!(world.sandbox.remove_key(id))
        }),
        (&bare, "not proven\n", |world, id| {
            assert!(world.sandbox.remove_key(id))
        }),
        (&[], "not proven\n", |world, id| {
            assert!(world.sandbox.edit_key(id, |key| key.active = false));
        }),
        (&[], "not proven\n", |world, id| {
            assert!(world.sandbox.edit_key(id, |key| key.expiry_date = Some(1)));
        }),
    ];
    for (choices, said, spoil) in spoilt {
        let (world, id, _) = with_key(1, playing(choices));
        spoil(&world, id);
        let ran = world.run(["verify-key", "--key-file", "key"]);
        contains(&squeezed(ran.said_no().0), &[&format!("Works {said}")]);
        let ran = world.run(["verify-key", "--key-file", "key", "-o", "json"]);
        let answer: Value = serde_json::from_str(ran.said_no().0).expect("JSON");
        let wanted = if said == "no\n" {
            json!(false)
        } else {
            Value::Null
        };
        assert_eq!(answer["meta"]["works"], wanted);
    }
}

#[test]
fn the_gate_shuts_when_the_end_is_near_by_the_managers_clock() {
    for skew in [0, 40 * 24 * 60 * 60] {
        let (world, id, _) = with_key(
            1,
            Settings {
                clock_skew_seconds: skew,
                ..Settings::default()
            },
        );
        let gate = ["verify-key", "--key-file", "key", "--fail-within", "14d"];
        world.run(gate).success();
        ends_in(&world, id, 15 * DAY);
        world.run(gate).success();
        ends_in(&world, id, 13 * DAY + DAY / 2);
        let ran = world.run(gate);
        let (stdout, stderr) = ran.said_no();
        contains(&squeezed(stdout), &["Works yes", "State expires in 13 d"]);
        contains(
            stderr,
            &["the key `reporting` (ID 1): expires in 13 d", "14days"],
        );
        let error = world.run(gate.iter().chain(&["-o", "json"]));
        let error: Value = serde_json::from_str(error.said_no().1).expect("one error");
        assert_eq!(error["error"]["keyID"], id);
    }
    let (world, ..) = with_key(1, Settings::default());
    for nonsense in ["soon", "0s", ""] {
        world
            .run(["verify-key", "--key-file", "key", "--fail-within", nonsense])
            .failure(2);
    }
    assert_eq!(world.sandbox.requests(), []);
}

/// What says nothing about the secret is no "no".
#[test]
fn a_manager_that_cannot_be_asked_is_another_failure() {
    let (mut world, ..) = with_key(1, Settings::default());
    let verify = ["verify-key", "--key-file", "key", "--retries", "0"];
    let refuse = |status| Fault::new("GET", "*", Action::status(status, "no")).times(1);
    for (status, code) in [(500, 1), (503, 8), (429, 9)] {
        world.sandbox.inject(refuse(status));
        world.run(verify).failure(code);
    }
    world.home.unset("SWP_CA_CERT");
    world.run(verify).failure(7);
    world.home.set("SWP_URL", "https://127.0.0.1:1");
    world.run(verify).failure(8);
}

#[test]
fn what_an_answer_lacks_is_left_out() {
    let (world, ..) = with_key(1, playing(&[("answer-fields", "sparse")]));
    let ran = world.run(["verify-key", "--key-file", "key"]);
    contains(
        &squeezed(ran.success()),
        &["Works yes\nKey reporting (ID 1)\nState unknown\nExpires never\n"],
    );
}
