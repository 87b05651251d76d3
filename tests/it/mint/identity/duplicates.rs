//! Create requests that an intermediary sends twice to a manager that allows two keys with the same name.

use super::fixtures::{delivered, each, records};
use crate::support::responses::inject;
use crate::support::{TestEnv, answering_unknowns, contains};

const TWICE: &str = "POST /api/apikeys twice";

#[test]
fn a_run_that_searches_finds_the_duplicate() {
    let cases = ["kept", "upper", "no-brackets"];
    each(cases, |names| {
        for more in [&["--verify"][..], &["--name", "ci (a)"]] {
            let env = TestEnv::with(answering_unknowns(&[
                ("key-names", names),
                ("duplicate-name", "accepted"),
            ]));
            inject(&env.sandbox, TWICE);
            let create = ["create", "--role", "Auditor"];
            let result = env.run([&create, more].concat());
            delivered(&env, &result, &format!("{names} {more:?}"));
        }
    });
}

#[test]
fn exec_deletes_the_duplicate_too() {
    each(["kept", "upper"], |names| {
        for more in [&[][..], &["--name", "ci"]] {
            let env = TestEnv::with(answering_unknowns(&[
                ("key-names", names),
                ("duplicate-name", "accepted"),
            ]));
            inject(&env.sandbox, TWICE);
            let exec = [&["exec", "--role", "Auditor"], more, &["--", "true"]].concat();
            env.run(exec).success();
            assert_eq!(env.sandbox.api_keys(), [], "{names} {more:?}");
            assert_eq!(records(&env.home).len(), 0);
        }
    });
}

/// Both keys belong to the run, but their secrets are lost.
#[test]
fn after_a_lost_response_one_of_two_keys_is_delivered() {
    for more in [&[][..], &["--name", "ci"]] {
        let env = TestEnv::with(answering_unknowns(&[("duplicate-name", "accepted")]));
        inject(&env.sandbox, "POST /api/apikeys twice after");
        let create = ["create", "--role", "Auditor"];
        let result = env.run([&create, more].concat());
        delivered(&env, &result, &format!("{more:?}"));
    }
}

/// A plain create does not search for a duplicate. `list-keys` recognizes it on any machine by the markers.
#[test]
fn a_list_warns_about_the_duplicate_of_a_plain_create() {
    for used in [None, Some(2)] {
        let env = TestEnv::with(answering_unknowns(&[("duplicate-name", "accepted")]));
        inject(&env.sandbox, TWICE);
        let result = env.run(["create", "--role", "Auditor"]);
        let keys = env.sandbox.api_keys();
        assert_eq!(keys.len(), 2, "the run does not search");
        assert_eq!(result.success(), keys[1].secret);
        assert_eq!(records(&env.home).len(), 0);
        if let Some(id) = used {
            env.sandbox
                .edit_key(id, |key| key.last_sign_in = Some(key.created));
        }
        for format in ["text", "json", "jsonl"] {
            let list = env.run(["list-keys", "-o", format]);
            list.success();
            contains(&list.stderr, &["1 and 2", "swp-keys delete-key 1"]);
            let both = list.stderr.contains("swp-keys delete-key 2");
            assert_eq!(both, used.is_none(), "{}", list.stderr);
        }
    }
    let env = TestEnv::new();
    env.run(["create", "--role", "Auditor"]).success();
    env.run(["create", "--role", "Auditor"]).success();
    assert_eq!(env.run(["list-keys", "-q"]).stderr, "");
}

/// The marker is in the description, which the manager may alter, and in the generated name.
#[test]
fn a_list_finds_altered_markers() {
    let cases = ["upper", "lower", "no-blanks", "no-brackets", "dropped"];
    each(cases, |descriptions| {
        let env = TestEnv::with(answering_unknowns(&[
            ("descriptions", descriptions),
            ("duplicate-name", "accepted"),
        ]));
        inject(&env.sandbox, TWICE);
        env.run(["create", "--role", "Auditor"]).success();
        let list = env.run(["list-keys"]);
        list.success();
        assert!(
            list.stderr.contains("1 and 2"),
            "{descriptions}: {}",
            list.stderr
        );
    });
}

/// A search that lags shows both keys at the same time. The run therefore deletes neither before the search shows its key.
#[test]
fn a_rollback_deletes_the_duplicate_even_if_a_search_lags() {
    each([&[][..], &["--name", "ci"]], |more| {
        let env = TestEnv::with(answering_unknowns(&[
            ("search-lag", "200ms"),
            ("duplicate-name", "accepted"),
        ]));
        inject(&env.sandbox, TWICE);
        let create = ["create", "--role-id", "2", "--deliver-cmd", "false"];
        env.run([&create, more].concat()).failure(10);
        assert_eq!(env.sandbox.api_keys(), [], "{more:?}");
        assert_eq!(records(&env.home).len(), 0);
    });
}

/// If the search fails, the run cannot find out whether a duplicate exists. The record stays until `recover` has searched.
#[test]
fn a_duplicate_that_cannot_be_searched_is_left_to_recover() {
    let env = TestEnv::with(answering_unknowns(&[("duplicate-name", "accepted")]));
    inject(&env.sandbox, TWICE);
    inject(
        &env.sandbox,
        "POST /api/apikeys/search status=200 header='Content-Type: text/html' body='<html>' always",
    );
    let create = ["create", "--role-id", "2", "--deliver-cmd", "false"];
    env.run(create).failure(11);
    assert_eq!(env.sandbox.api_keys().len(), 1);
    assert_eq!(records(&env.home).len(), 1);
    env.sandbox.clear_faults();
    env.run(["recover", "--yes", "--delete"]).success();
    assert_eq!(env.sandbox.api_keys(), []);
    assert_eq!(records(&env.home).len(), 0);
}

/// The IDs of a key and its duplicate are close together, regardless of the number of keys.
#[test]
fn a_duplicate_is_searched_among_neighboring_ids() {
    let env = TestEnv::with(answering_unknowns(&[("duplicate-name", "accepted")]));
    env.sandbox.add_keys(2500);
    let exec = ["exec", "--role-id", "2", "--allow-full-access"];
    env.run([&exec[..], &["--", "true"]].concat()).success();
    assert_eq!(
        env.count("POST /api/apikeys/search"),
        2,
        "a name, and a thousand neighbours"
    );
    assert_eq!(env.sandbox.api_keys().len(), 2500);
}
