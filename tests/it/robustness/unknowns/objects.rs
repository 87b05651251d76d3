//! The questions about roles, keys and the form of responses.

use swp_keys::sandbox::{Request, Settings};

use super::scenarios::{CREATE, ROLE, creates, fails, unexpected_choice, walks};
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, contains};

walks! {
    the_status_of_invalid_values: "invalid" => invalid;
    the_status_of_a_missing_role: "unknown-role" => unknown_role;
    a_key_without_a_role: "role-omitted" => role_omitted;
    an_expiry_in_the_past: "past-expiry" => past_expiry;
    an_unknown_time_zone: "unknown-time-zone" => unknown_time_zone;
    the_media_type_of_a_request: "content-type" => |_, settings| creates_with_names(settings);
    an_expiry_of_zero: "expiry-zero" => expiry_zero;
    a_used_name: "duplicate-name" => duplicate_name;
    the_status_of_a_repeated_deletion: "delete-missing" => delete_missing;
    case_in_searches: "ignore-case" => ignore_case;
    ignored_criteria: "ignore-search" => ignore_search;
    an_unknown_field_in_a_search: "unknown-field" => |_, settings| creates_with_names(settings);
    trimmed_names: "trim-names" => trim_names;
    stored_forms_of_a_name: "key-names" => altered;
    stored_forms_of_a_description: "descriptions" => altered;
    the_lag_of_searches: "search-lag" => search_lag;
    the_fields_of_responses: "answer-fields" => answer_fields;
    the_form_of_errors: "error-body" => error_body;
}

/// Returns the exit code of a create that the manager rejected with this status. After status 500, the key may exist.
fn exit_of(status: &str) -> i32 {
    match status {
        "400" | "422" | "500" => 1,
        "403" => 5,
        "404" => 3,
        "409" => 6,
        _ => unexpected_choice(status),
    }
}

fn creates_sent(env: &TestEnv) -> Vec<Request> {
    let mut requests = env.sandbox.requests();
    requests.retain(|request| request.route() == "POST /api/apikeys");
    requests
}

/// Creates a key with a name that is free, and another with a name that is taken.
fn creates_with_names(settings: Settings) {
    let env = TestEnv::with(settings);
    env.sandbox.add_key("another", 1);
    creates(&env, ["--role", "Auditor", "--name", "mine"]);
    let taken = ["create", "--role", "Auditor", "--name", "mine"];
    contains(&fails(&env, taken, 6), &["mine"]);
}

fn invalid(choice: &str, settings: Settings) {
    let env = TestEnv::with(settings);
    creates(&env, ROLE);
    // This ID does not fit into 32 bits.
    let stderr = fails(
        &env,
        ["create", "--role-id", "4294967296", "--allow-full-access"],
        exit_of(choice),
    );
    contains(&stderr, &["roleID must be a 32-bit integer"]);
}

fn unknown_role(choice: &str, settings: Settings) {
    let env = TestEnv::with(settings);
    // Skips the request that reads the role.
    let arguments = ["create", "--role-id", "999", "--allow-full-access"];
    if choice == "accepted" {
        let result = env.run(arguments);
        assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
        return;
    }
    let stderr = fails(&env, arguments, exit_of(choice));
    contains(&stderr, &["ID 999"]);
    assert_eq!(creates_sent(&env).len(), 1, "not tried again");
}

fn role_omitted(_: &str, settings: Settings) {
    let env = TestEnv::with(settings);
    creates(&env, ROLE);
    creates(&env, ["--role-id", "2"]);
    for request in creates_sent(&env) {
        let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
        assert_eq!(body["roleID"], 2, "always sent, as a number");
    }
}

fn past_expiry(choice: &str, mut settings: Settings) {
    settings.clock_skew_seconds = 7200;
    let env = TestEnv::with(settings);
    // This date is in the past by the local clock too, so it is rejected before a request.
    let stderr = fails(
        &env,
        ["create", "--role-id", "2", "--expires", "2020-01-31"],
        2,
    );
    contains(&stderr, &["--expires"]);
    assert_eq!(env.sandbox.requests(), []);
    // A duration counts from the manager's clock, so its end is never in the past.
    creates(&env, ["--role", "Auditor", "--expires", "1h"]);
    // A time may be in the past only by the manager's clock.
    let time = (chrono::Utc::now() + chrono::Duration::hours(1)).to_rfc3339();
    let arguments = ["create", "--role", "Auditor", "--expires", &time];
    if choice == "accepted" {
        creates(&env, arguments[1..].iter().copied());
    } else {
        let stderr = fails(&env, arguments, exit_of(choice));
        contains(&stderr, &["expiry date must be in the future"]);
    }
}

fn unknown_time_zone(choice: &str, settings: Settings) {
    let env = TestEnv::with(settings);
    let arguments = ["create", "--role-id", "2", "--time-zone", "Mars/Olympus"];
    if choice == "accepted" {
        creates(&env, arguments[1..].iter().copied());
        assert_eq!(env.sandbox.api_keys()[0].time_zone, "Mars/Olympus");
    } else {
        let stderr = fails(&env, arguments, exit_of(choice));
        contains(&stderr, &["There is no time zone Mars/Olympus."]);
    }
}

fn expiry_zero(_: &str, settings: Settings) {
    let env = TestEnv::with(settings);
    creates(&env, ROLE);
    creates(&env, ["--role", "Auditor", "--expires", "never"]);
    for request in creates_sent(&env) {
        let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
        assert_eq!(
            body.get("expiryDate"),
            None,
            "no end is no field, and no zero"
        );
    }
    assert!(
        env.sandbox
            .api_keys()
            .iter()
            .all(|key| key.expiry_date.is_none())
    );
}

fn duplicate_name(choice: &str, settings: Settings) {
    creates_with_names(settings.clone());
    // If names cannot be searched, the manager rejects the taken name.
    let mut blind = settings;
    blind.unknowns.session_keys = Some(403);
    let env = TestEnv::with(blind);
    env.sandbox.add_key("mine", 2);
    let arguments = ["create", "--role", "Auditor", "--name", "mine"];
    if choice == "accepted" {
        creates(&env, arguments[1..].iter().copied());
    } else {
        // The message identifies the error, regardless of the status. After status 500, the key may have been created, and this run may not search
        // for it.
        let exit = if choice == "500" { 11 } else { 6 };
        let stderr = fails(&env, arguments, exit);
        contains(&stderr, &["The requested username already exists."]);
    }
    assert_eq!(creates_sent(&env).len(), 1);
}

/// A key that could not be delivered is deleted, and the response to the deletion is lost. The second deletion reports that the key does not exist.
#[cfg(target_os = "linux")]
fn delete_missing(_: &str, settings: Settings) {
    use swp_keys::sandbox::{Action, Fault};

    let env = TestEnv::with(settings);
    let lost = Fault::new("DELETE", "/api/apikeys/*", Action::Drop).after();
    env.sandbox.inject(lost);
    let full = std::fs::File::create("/dev/full").expect("a device that is always full");
    let result = RunResult::of(env.home.command(CREATE).stdout(full));
    result.failure(10);
    assert_eq!(env.sandbox.api_keys(), []);
    assert_eq!(env.count("DELETE /api/apikeys/1"), 2);
}

/// On systems without a full-disk device, nothing is deleted.
#[cfg(not(target_os = "linux"))]
fn delete_missing(_: &str, settings: Settings) {
    creates_with_names(settings);
}

fn ignore_case(_: &str, settings: Settings) {
    let env = TestEnv::with(settings);
    creates(&env, ROLE);
    for arguments in [
        &["create", "--role", "auditor"][..],
        &["find-role", "AUDITOR"],
    ] {
        let stderr = fails(&env, arguments.iter().copied(), 3);
        contains(&stderr, &["Auditor"]);
    }
    env.sandbox.add_key("Mine", 2);
    creates(&env, ["--role", "Auditor", "--name", "mine"]);
}

fn ignore_search(_: &str, settings: Settings) {
    creates_with_names(settings.clone());
    let env = TestEnv::with(settings);
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    contains(
        &fails(&env, ["create", "--role", "Audtior"], 3),
        &["Auditor"],
    );
    assert_eq!(creates_sent(&env).len(), 0);
}

fn trim_names(_: &str, settings: Settings) {
    creates_with_names(settings.clone());
    let env = TestEnv::with(settings);
    for name in [" mine", "mine ", "\tmine", " "] {
        fails(&env, ["create", "--role", "Auditor", "--name", name], 2);
    }
    assert_eq!(env.sandbox.requests(), []);
}

/// The run recognizes its key in any form in which the manager stores the name, and `exec` deletes its key.
fn altered(choice: &str, mut settings: Settings) {
    // The manager may alter two different names to the same one.
    settings.unknowns.duplicate_name = None;
    for lost in [false, true] {
        for name in [&[][..], &["--name", "Night build (ci) of the Fleet"]] {
            let env = TestEnv::with(settings.clone());
            if lost {
                let fault = "POST /api/apikeys drop after".parse();
                env.sandbox.inject(fault.expect("a fault"));
            }
            let create = ROLE.iter().chain(name).copied();
            if choice == "dropped" && lost && !name.is_empty() {
                // Nothing proves which key with this name belongs to the run.
                let result = env.run(["create"].into_iter().chain(create));
                contains(result.failure(11), &["swp-keys recover"]);
                continue;
            }
            creates(&env, create);
            let exec = ["exec", "--role", "Auditor", "--", "true"];
            env.run(exec).success();
            assert_eq!(env.sandbox.api_keys().len(), 1);
        }
    }
}

/// A key that was just created is not treated as missing.
fn search_lag(choice: &str, settings: Settings) {
    let env = TestEnv::with(settings);
    let settled = ["--settle-timeout", "20s"];
    creates(
        &env,
        ROLE.iter()
            .chain(&["--name", "mine"])
            .chain(&settled)
            .copied(),
    );
    let fault = "POST /api/apikeys drop after".parse();
    env.sandbox.inject(fault.expect("a fault"));
    creates(
        &env,
        ROLE.iter()
            .chain(&["--name", "other"])
            .chain(&settled)
            .copied(),
    );
    if choice == "none" {
        let taken = ["create", "--role", "Auditor", "--name", "mine"];
        contains(&fails(&env, taken, 6), &["mine"]);
    }
}

fn answer_fields(choice: &str, settings: Settings) {
    let env = TestEnv::with(settings);
    creates(&env, ["--role", "Auditor", "--name", "mine"]);
    let result = env.run([
        "create",
        "--role",
        "Auditor",
        "-o",
        "json",
        "--expires",
        "never",
    ]);
    let document = result.json();
    let key = &env.sandbox.api_keys()[1];
    assert_eq!(document["secretKey"], *key.secret);
    assert_eq!(document["ID"], key.id);
    assert_eq!(document["meta"]["role"], "Auditor");
    let new = serde_json::json!({"list": [1, null, "two"]});
    let (stored_time_zone, locale) = match choice {
        "usual" => (None, true),
        "future" => (Some(&new), true),
        "sparse" => (None, false),
        _ => unexpected_choice(choice),
    };
    assert_eq!(document.get("somethingNew"), stored_time_zone);
    assert_eq!(document.get("locale").is_some(), locale);
}

fn error_body(choice: &str, mut settings: Settings) {
    settings.administrator_role = 2;
    let env = TestEnv::with(settings);
    let stderr = fails(&env, ["create", "--role-id", "2"], 5);
    snapshot(&stderr);
    let words = stderr.contains("Not authorized to create API keys");
    assert_eq!(
        words,
        matches!(choice, "message" | "legacy" | "text" | "html"),
        "{stderr}"
    );
    assert!(!stderr.contains('<') && !stderr.contains('{'), "{stderr}");
    env.sandbox.set_locked(true);
    fails(&env, CREATE, 4);
}
