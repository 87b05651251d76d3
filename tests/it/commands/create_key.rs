//! `create-key`: its requests, the checks before the first request, and the accepted forms of the response.

use serde_json::{Value, json};
use swp_keys::sandbox::{AnswerFields, Settings};

use crate::support::requests::{
    CREATE, SEARCH_KEYS, SEARCH_ROLES, bodies, count, nothing_was_sent,
};
use crate::support::secrets::environments_of_all_shapes;
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, answering_unknowns, contains};

#[test]
fn a_create_takes_one_connection_and_three_requests() {
    let env = TestEnv::new();
    let result = env.run(["create", "--role", "Auditor"]);
    let keys = env.sandbox.api_keys();
    assert_eq!(keys.len(), 1, "{}", result.stderr);
    assert_eq!(result.success(), keys[0].secret);
    assert_eq!(result.stdout, format!("{}\n", keys[0].secret));
    assert_eq!(keys[0].role_id, 2);
    assert_eq!(
        env.calls(),
        [
            "POST /api/sessions",
            "POST /api/roles/search",
            "POST /api/apikeys"
        ]
    );
    let connections = env.sandbox.connections();
    assert_eq!((connections.tcp, connections.tls), (1, 1));
    assert_eq!(env.sandbox.live_sessions(), 0, "the session is ended");
    contains(&result.stderr, &["note:"]);
}

#[test]
fn the_body_contains_exactly_the_requested_fields() {
    let all = [
        "--description",
        "für CI; \"nightly\"",
        "--locale",
        "ja-JP",
        "--time-zone",
        "Europe/Berlin",
        "--expires",
        "2099-01-31T12:00:00.250+01:00",
    ];
    for (arguments, expected) in [
        (&[][..], json!({"keyName": "ci", "roleID": 2})),
        (
            &["--description", "CI"],
            json!({"keyName": "ci", "roleID": 2, "description": "CI"}),
        ),
        (
            &["--description", ""],
            json!({"keyName": "ci", "roleID": 2, "description": ""}),
        ),
        (
            &["--expires", "never"],
            json!({"keyName": "ci", "roleID": 2}),
        ),
        (
            &all[..],
            json!({
                "keyName": "ci", "roleID": 2, "description": "für CI; \"nightly\"", "locale": "ja-JP",
                "timeZone": "Europe/Berlin", "expiryDate": 4_073_540_400_250_i64
            }),
        ),
    ] {
        let env = TestEnv::new();
        let first = ["create", "--role-id", "2", "--name", "ci", "--no-mark"];
        env.run(first.iter().chain(arguments)).success();
        assert_eq!(bodies(&env.sandbox, CREATE), [expected], "{arguments:?}");
    }
}

#[test]
fn a_role_name_is_sent_as_its_id() {
    let env = TestEnv::new();
    let id = env
        .sandbox
        .add_role(&json!({"name": "Deployers", "ID": 41, "allowWebService": true}));
    assert_eq!(id.expect("a free ID"), 41);
    env.run(["create-key", "--role", "Deployers", "--expires", "14d"])
        .success();
    let body = &bodies(&env.sandbox, CREATE)[0];
    assert_eq!(body["roleID"], json!(41));
    assert!(body["expiryDate"].is_i64(), "milliseconds: {body}");
    assert_eq!(
        bodies(&env.sandbox, SEARCH_ROLES),
        [json!({
            "maxItems": 500,
            "searchCriteria": [
                {"fieldName": "name", "stringTest": "equal", "stringValue": "Deployers", "stringWildcards": false}
            ],
            "sortByObjectID": true
        })]
    );
}

#[test]
fn a_named_key_gets_a_marker_and_a_key_search() {
    let env = TestEnv::new();
    let arguments = [
        "create", "--role", "Auditor", "--name", "ci_%", "-o", "json",
    ];
    let plain = env.run(arguments).json();
    let marker = format!("[swp-keys {}]", text(&plain["meta"]["operation"]));
    assert!(is_hex(text(&plain["meta"]["operation"]), 8), "{plain}");
    assert_eq!(plain["description"], json!(marker));
    assert_eq!(
        env.calls(),
        [
            "POST /api/sessions",
            SEARCH_ROLES,
            SEARCH_KEYS,
            "POST /api/apikeys",
            SEARCH_KEYS
        ]
    );
    let criteria = &bodies(&env.sandbox, SEARCH_KEYS)[0]["searchCriteria"];
    let expected = json!([
        {"fieldName": "keyName", "stringTest": "equal", "stringValue": "ci_%", "stringWildcards": false}
    ]);
    assert_eq!(*criteria, expected);

    let with_words = ["--name", "two", "--description", "for CI", "-o", "json"];
    let key = env
        .run(["create", "--role-id", "2"].iter().chain(&with_words))
        .json();
    let marker = format!("for CI [swp-keys {}]", text(&key["meta"]["operation"]));
    assert_eq!(key["description"], json!(marker));
}

#[test]
fn default_names_contain_the_role_and_the_time_and_are_unique() {
    let env = TestEnv::new();
    for arguments in [
        ["--role", "Full Access"],
        ["--role", "Full Access"],
        ["--role-id", "2"],
    ] {
        env.run(["create"].iter().chain(&arguments)).success();
    }
    let bodies = bodies(&env.sandbox, CREATE);
    let mut names: Vec<&str> = bodies.iter().map(|body| text(&body["keyName"])).collect();
    for (name, role) in names.iter().zip(["Full-Access", "Full-Access", "role-2"]) {
        let rest = name.strip_prefix(role).expect("the role comes first");
        let parts: Vec<&str> = rest.split('-').collect();
        let [_, time, digits] = parts[..] else {
            panic!("{name}")
        };
        let parsed = chrono::NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%SZ");
        let age = chrono::Utc::now().naive_utc() - parsed.expect("a time");
        assert!((0..120).contains(&age.num_seconds()), "{name}");
        assert!(is_hex(digits, 8), "{name}");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 3);
    let fields = bodies[0].as_object().expect("an object");
    let fields: Vec<&str> = fields.keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        ["keyName", "description", "roleID"],
        "the marker, in case the manager alters the name"
    );
    assert_eq!(count(&env.sandbox, SEARCH_KEYS), 0);
}

#[test]
fn a_role_id_needs_no_search() {
    let settings = answering_unknowns(&[("session-roles", "403"), ("session-keys", "403")]);
    let env = TestEnv::with(settings);
    env.run(["create", "--role-id", "2"]).success();
    assert_eq!(
        env.calls(),
        ["POST /api/sessions", "GET /api/roles/2", CREATE]
    );
}

#[test]
fn every_request_names_the_client_and_the_version() {
    let env = TestEnv::new();
    let arguments = ["create", "--role", "Auditor", "--name", "ci"];
    env.run(arguments).success();
    let requests = env.sandbox.requests();
    assert_eq!(
        requests.len(),
        6,
        "with a look after the create, and the farewell"
    );
    for request in requests {
        let route = request.route();
        assert_eq!(request.header("api-version"), Some("v1"), "{route}");
        let program = concat!("swp-keys/", env!("CARGO_PKG_VERSION"));
        assert_eq!(request.header("user-agent"), Some(program), "{route}");
        let accept = Some("application/json");
        assert_eq!(request.header("accept"), accept, "{route}");
        let json = (!request.body.is_empty()).then_some("application/json");
        assert_eq!(request.header("content-type"), json, "{route}");
    }
}

#[test]
fn invalid_arguments_are_rejected_before_anything_is_sent() {
    for (arguments, expected) in [
        (&[][..], &["--role"][..]),
        (&["--role", "A", "--role-id", "2"], &["--role", "--role-id"]),
        (&["--role-id", "0"], &["--role-id"]),
        (&["--role-id", "two"], &["--role-id"]),
        (&["--role", "A", "--name", ""], &["--name"]),
        (&["--role", "A", "--name", " ci"], &["--name"]),
        (&["--role", "A", "--name", "ci\t"], &["--name"]),
        (
            &["--role", "A", "--locale", "de-DE"],
            &["--locale", "en-US", "ja-JP"],
        ),
        (&["--role", "A", "--if-exists", "skip"], &["--name"]),
        (
            &["--role", "A", "--name", "n", "--if-exists", "replace"],
            &["--if-exists", "skip", "rekey"],
        ),
        (&["--role", "A", "--force"], &["--out-file"]),
        (&["--role", "A", "--env-name", "A B"], &["--env-name"]),
        (&["--role", "A", "--env-name", "1A"], &["--env-name"]),
        (&["--role", "A", "--output", "yaml"], &["--output", "jsonl"]),
        (&["--role", "A", "hunter2"], &["hint: "]),
    ] {
        let env = TestEnv::new();
        let result = env.run(["create"].iter().chain(arguments));
        contains(result.failure(2), expected);
        snapshot(&result.stderr);
        assert!(!result.stderr.contains("hunter2"), "{}", result.stderr);
        nothing_was_sent(&env.sandbox);
    }
}

#[test]
fn a_rejected_create_quotes_the_manager_and_leaves_nothing() {
    let forbidden = Settings {
        administrator_role: 2,
        ..Settings::default()
    };
    let no_role = "There is no administrator role with the ID 99.";
    for (settings, arguments, code, expected) in [
        (
            forbidden,
            ["--role-id", "2"],
            5,
            "Not authorized to create API keys",
        ),
        (
            answering_unknowns(&[("unknown-role", "400")]),
            ["--role-id", "99"],
            1,
            no_role,
        ),
        (
            answering_unknowns(&[("unknown-role", "403")]),
            ["--role-id", "99"],
            5,
            no_role,
        ),
        (
            answering_unknowns(&[("unknown-role", "404")]),
            ["--role-id", "99"],
            3,
            no_role,
        ),
    ] {
        let env = TestEnv::with(settings);
        // Skips the request that reads the role.
        let create = ["create", "--allow-full-access"];
        let result = env.run(create.iter().chain(&arguments));
        contains(result.failure(code), &[expected]);
        assert_eq!(count(&env.sandbox, CREATE), 1, "asked once");
        assert_eq!(env.sandbox.api_keys(), []);
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
}

#[test]
fn unknown_fields_are_printed_and_optional_fields_may_be_absent() {
    let output = |answer_fields: AnswerFields| {
        let mut settings = Settings::default();
        settings.unknowns.answer_fields = answer_fields;
        let env = TestEnv::with(settings);
        let arguments = ["create", "--role-id", "2", "-o", "json"];
        let key = env.run(arguments).json();
        assert_eq!(key["secretKey"], json!(env.sandbox.api_keys()[0].secret));
        key
    };
    let future = output(AnswerFields::Future);
    assert_eq!(future["somethingNew"], json!({"list": [1, null, "two"]}));
    let sparse = output(AnswerFields::Sparse);
    let fields = sparse.as_object().expect("an object");
    let fields: Vec<&str> = fields.keys().map(String::as_str).collect();
    assert_eq!(fields, ["ID", "keyName", "secretKey", "meta"]);
}

#[test]
fn a_secret_of_any_shape_is_printed_unchanged() {
    for env in environments_of_all_shapes() {
        let result = env.run(["create", "--role-id", "2"]);
        assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
    }
}

#[test]
fn a_dry_run_creates_no_key_and_no_file() {
    for format in ["text", "env", "json"] {
        let env = TestEnv::new();
        let arguments = ["create", "--role", "Auditor", "--name", "ci", "--dry-run"];
        let more = ["--expires", "2099-01-31", "--out-file", "key", "-o", format];
        let result = env.run(arguments.iter().chain(&more));
        result.success();
        contains(&result.stderr, &["`ci`", "ID 2", "2099-01-31"]);
        assert_eq!(
            env.calls(),
            ["POST /api/sessions", SEARCH_ROLES, SEARCH_KEYS]
        );
        assert_eq!(env.sandbox.api_keys(), []);
        assert_eq!(env.sandbox.live_sessions(), 0);
        assert!(!env.home.path("key").exists());
        if format == "json" {
            let key = result.json();
            assert_eq!((&key["keyName"], &key["roleID"]), (&json!("ci"), &json!(2)));
            assert_eq!(key["expiryDate"], json!(4_073_587_199_999_i64));
            assert_eq!(key["meta"]["dryRun"], json!(true));
            assert_eq!(key["meta"]["created"], json!(false));
            assert_eq!(key.get("secretKey"), None);
            assert_eq!(key.get("ID"), None);
        } else {
            assert_eq!(
                result.stdout, "",
                "what a script takes from stdout is a secret"
            );
        }
    }
}

#[test]
fn a_dry_run_reports_what_would_fail() {
    let env = TestEnv::new();
    env.sandbox.add_key("taken", 2);
    for (arguments, code) in [
        (&["--role", "Nobody"][..], 3),
        (&["--role", "Auditor", "--name", "taken"], 6),
        (&["--role", "Auditor", "--out-file", "no/such/folder"], 2),
    ] {
        let result: RunResult = env.run(["create", "--dry-run"].iter().chain(arguments));
        result.failure(code);
    }
    assert_eq!(count(&env.sandbox, CREATE), 0);
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
