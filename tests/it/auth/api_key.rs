//! Requests that an existing API key authenticates instead of a password.

use swp_keys::sandbox::{Action, Fault, SecretShape, Settings};

use crate::support::{TestEnv, contains};

const SEARCH: &str = "/api/roles/search";

/// Returns an environment with this manager, whose runs authenticate with a key of this role.
fn with_key(role_id: i64, settings: Settings) -> (TestEnv, i64, String) {
    let mut env = TestEnv::with(settings);
    let key = env.sandbox.add_key("mine", role_id);
    env.use_key(&key.secret);
    (env, key.id, key.secret)
}

#[test]
fn a_key_signs_every_request_and_no_session_is_opened() {
    for secret_shape in [
        SecretShape::IdBase64,
        SecretShape::GuidBase64,
        SecretShape::GuidGuidBase64,
    ] {
        let (env, _, secret) = with_key(
            1,
            Settings {
                secret_shape,
                ..Settings::default()
            },
        );
        let result = env.run(["create", "--role", "Auditor", "-vv"]);
        assert_eq!(result.success(), env.sandbox.api_keys()[1].secret);
        assert_eq!(env.calls(), ["POST /api/roles/search", "POST /api/apikeys"]);
        for request in env.sandbox.requests() {
            assert_eq!(request.header("api-secret-key"), Some(&*secret));
            for name in ["authorization", "cookie", "rid"] {
                assert_eq!(request.header(name), None, "{name}");
            }
        }
        assert!(!result.stderr.contains(&secret), "{}", result.stderr);
    }
}

#[test]
fn the_default_scheme_depends_on_the_form_of_the_key() {
    for (secret_shape, scheme, cloud_one) in [
        (SecretShape::IdBase64, None, false),
        (SecretShape::IdBase64, Some("auto"), false),
        (SecretShape::CloudOne, None, true),
        (SecretShape::CloudOne, Some("auto"), true),
        (SecretShape::CloudOne, Some("api-secret-key"), false),
        (SecretShape::IdBase64, Some("cloud-one"), true),
    ] {
        let (mut env, _, secret) = with_key(
            1,
            Settings {
                secret_shape,
                cloud_one: true,
                ..Settings::default()
            },
        );
        let mut arguments = vec!["find-role", "Auditor"];
        arguments.extend(
            scheme
                .iter()
                .flat_map(|scheme| ["--api-key-scheme", scheme]),
        );
        assert_eq!(env.run(arguments).success(), "2");
        env.home
            .set("SWP_API_KEY_SCHEME", scheme.unwrap_or_default());
        assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
        let bearer = format!("ApiKey {secret}");
        let expected = match cloud_one {
            true => (None, Some(&*bearer)),
            false => (Some(&*secret), None),
        };
        for request in env.sandbox.requests() {
            let headers = (
                request.header("api-secret-key"),
                request.header("authorization"),
            );
            assert_eq!(headers, expected, "{secret_shape:?} {scheme:?}");
        }
    }
}

#[test]
fn an_unusable_key_is_tried_once() {
    type Spoil = fn(&TestEnv, i64);
    let spoilt: [(&str, Spoil); 4] = [
        ("expired", |env, id| {
            assert!(env.sandbox.edit_key(id, |key| key.expiry_date = Some(1)));
        }),
        ("locked", |env, id| {
            assert!(env.sandbox.edit_key(id, |key| key.active = false));
        }),
        ("deleted", |env, id| assert!(env.sandbox.remove_key(id))),
        ("replaced", |env, id| {
            assert!(
                env.sandbox
                    .edit_key(id, |key| key.secret = "1:bmV3".to_owned())
            );
        }),
    ];
    for (how, spoil) in spoilt {
        for arguments in [
            &["find-role", "Auditor"][..],
            &["list-roles"],
            &["create", "--role", "Auditor"],
            &["create", "--role-id", "2"],
            &["login"],
        ] {
            let (env, id, secret) = with_key(1, Settings::default());
            spoil(&env, id);
            let result = env.run(arguments.iter().chain(&["-vv"]));
            // An expired or locked key is rejected with the same status as a key whose role lacks the permission.
            match how {
                "expired" | "locked" => contains(result.failure(5), &["Not authorized to "]),
                _ => drop(result.failure(4)),
            }
            assert!(!result.stderr.contains(&secret), "{how}: {}", result.stderr);
            let requests = env.sandbox.requests().len();
            match how {
                // The run may send more requests to check whether the key works at all, and whether the create succeeded although its response
                // reports an error.
                "expired" | "locked" => {
                    assert!(requests <= 3, "{how} {arguments:?}: {requests}");
                    assert!(env.count("POST /api/apikeys") <= 1);
                }
                _ => assert_eq!(requests, 1, "{how} {arguments:?}"),
            }
        }
    }
}

#[test]
fn the_key_of_an_auditor_may_not_create() {
    let (env, ..) = with_key(2, Settings::default());
    let result = env.run(["create", "--role-id", "2"]);
    contains(result.failure(5), &["Not authorized to create API keys"]);
    let result = env.run(["create", "--role", "Auditor"]);
    contains(result.failure(5), &["`--role-id`"]);
    assert_eq!(env.sandbox.api_keys().len(), 1, "only its own");
    let error = env
        .run(["create", "--role-id", "2", "-o", "json"])
        .json_error(5);
    assert_eq!(error["code"], "forbidden");
    assert_eq!(error["http"], 403);
}

#[test]
fn a_key_that_the_manager_sends_back_is_masked() {
    let (env, _, secret) = with_key(1, Settings::default());
    let echo = format!("The key {secret} is not known.");
    env.sandbox
        .inject(Fault::new("POST", SEARCH, Action::status(401, &echo)));
    let result = env.run(["find-role", "Auditor", "-vv"]);
    contains(result.failure(4), &["The key [secret] is not known."]);
}

#[test]
fn a_key_with_invalid_header_characters_is_not_sent() {
    let mut env = TestEnv::new();
    env.use_key("1:YWJj\r\nX-Injected: 1");
    let result = env.run(["find-role", "Auditor"]);
    contains(result.failure(2), &["`SWP_API_KEY_FILE`"]);
    assert!(!result.stderr.contains("YWJj"), "{}", result.stderr);
    assert_eq!(env.sandbox.requests(), []);
}
