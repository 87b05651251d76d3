//! Signing requests with an existing key instead of a password.

use swp_keys::sandbox::{Action, Fault, SecretShape, Settings};

use crate::support::{World, contains};

const SEARCH: &str = "/api/roles/search";

/// A world whose manager is like this, and whose runs sign with a key of this role.
fn with_key(role_id: i64, settings: Settings) -> (World, i64, String) {
    let mut world = World::with(settings);
    let key = world.sandbox.add_key("mine", role_id);
    world.use_key(&key.secret);
    (world, key.id, key.secret)
}

#[test]
fn a_key_signs_every_request_and_no_session_is_opened() {
    for secret_shape in [
        SecretShape::IdBase64,
        SecretShape::GuidBase64,
        SecretShape::GuidGuidBase64,
    ] {
        let (world, _, secret) = with_key(
            1,
            Settings {
                secret_shape,
                ..Settings::default()
            },
        );
        let ran = world.run(["create", "--role", "Auditor", "-vv"]);
        assert_eq!(ran.success(), world.sandbox.api_keys()[1].secret);
        assert_eq!(
            world.calls(),
            ["POST /api/roles/search", "POST /api/apikeys"]
        );
        for request in world.sandbox.requests() {
            assert_eq!(request.header("api-secret-key"), Some(&*secret));
            for name in ["authorization", "cookie", "rid"] {
                assert_eq!(request.header(name), None, "{name}");
            }
        }
        assert!(!ran.stderr.contains(&secret), "{}", ran.stderr);
    }
}

#[test]
fn the_scheme_follows_the_key_unless_it_is_said() {
    for (secret_shape, scheme, cloud_one) in [
        (SecretShape::IdBase64, None, false),
        (SecretShape::IdBase64, Some("auto"), false),
        (SecretShape::CloudOne, None, true),
        (SecretShape::CloudOne, Some("auto"), true),
        (SecretShape::CloudOne, Some("api-secret-key"), false),
        (SecretShape::IdBase64, Some("cloud-one"), true),
    ] {
        let (mut world, _, secret) = with_key(
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
        assert_eq!(world.run(arguments).success(), "2");
        world
            .home
            .set("SWP_API_KEY_SCHEME", scheme.unwrap_or_default());
        assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
        let bearer = format!("ApiKey {secret}");
        let wanted = match cloud_one {
            true => (None, Some(&*bearer)),
            false => (Some(&*secret), None),
        };
        for request in world.sandbox.requests() {
            let headers = (
                request.header("api-secret-key"),
                request.header("authorization"),
            );
            assert_eq!(headers, wanted, "{secret_shape:?} {scheme:?}");
        }
    }
}

#[test]
fn a_key_that_does_not_work_any_more_is_refused_after_one_attempt() {
    type Spoil = fn(&World, i64);
    let spoilt: [(&str, Spoil); 4] = [
        ("expired", |world, id| {
            assert!(world.sandbox.edit_key(id, |key| key.expiry_date = Some(1)));
        }),
        ("locked", |world, id| {
            assert!(world.sandbox.edit_key(id, |key| key.active = false));
        }),
        ("deleted", |world, id| assert!(world.sandbox.remove_key(id))),
        ("replaced", |world, id| {
            assert!(
                world
                    .sandbox
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
            let (world, id, secret) = with_key(1, Settings::default());
            spoil(&world, id);
            let ran = world.run(arguments.iter().chain(&["-vv"]));
            // One that is expired or locked is refused like one whose role lacks the right.
            let refused = [
                "the manager does not accept the API key",
                "deleted, expired or locked",
            ];
            let forbidden = ["the manager forbids it", "Not authorized to "];
            match how {
                "expired" | "locked" => contains(ran.failure(5), &forbidden),
                _ => contains(ran.failure(4), &refused),
            }
            assert!(!ran.stderr.contains(&secret), "{how}: {}", ran.stderr);
            let requests = world.sandbox.requests().len();
            match how {
                // Looking elsewhere follows: whether the key works at all, or whether the create was done in spite of its answer.
                "expired" | "locked" => {
                    assert!(requests <= 3, "{how} {arguments:?}: {requests}");
                    assert!(world.count("POST /api/apikeys") <= 1);
                }
                _ => assert_eq!(requests, 1, "{how} {arguments:?}"),
            }
        }
    }
}

#[test]
fn the_key_of_an_auditor_may_not_create_and_is_told_so() {
    let (world, ..) = with_key(2, Settings::default());
    let ran = world.run(["create", "--role-id", "2"]);
    contains(
        ran.failure(5),
        &["creating the key: the manager forbids it: Not authorized to create API keys"],
    );
    let ran = world.run(["create", "--role", "Auditor"]);
    contains(
        ran.failure(5),
        &["searching roles: the manager forbids it", "`--role-id`"],
    );
    assert_eq!(world.sandbox.api_keys().len(), 1, "its own alone");
    let error = world
        .run(["create", "--role-id", "2", "-o", "json"])
        .json_error(5);
    assert_eq!(error["code"], "forbidden");
    assert_eq!(error["http"], 403);
}

#[test]
fn a_key_that_the_manager_sends_back_is_masked() {
    let (world, _, secret) = with_key(1, Settings::default());
    let echo = format!("The key {secret} is not known.");
    world
        .sandbox
        .inject(Fault::new("POST", SEARCH, Action::status(401, &echo)));
    let ran = world.run(["find-role", "Auditor", "-vv"]);
    contains(ran.failure(4), &["The key [secret] is not known."]);
}

#[test]
fn a_key_that_would_break_a_header_is_not_sent() {
    let mut world = World::new();
    world.use_key("1:YWJj\r\nX-Injected: 1");
    let ran = world.run(["find-role", "Auditor"]);
    contains(ran.failure(2), &["`SWP_API_KEY_FILE`"]);
    assert!(!ran.stderr.contains("YWJj"), "{}", ran.stderr);
    assert_eq!(world.sandbox.requests(), []);
}
