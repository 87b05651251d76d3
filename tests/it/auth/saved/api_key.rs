//! `login --api-key-file`: proof that a key works, where it is kept, who uses it, and what ends it.

use std::path::PathBuf;

use serde_json::json;
use swp_keys::sandbox::{Action, Fault};

use super::session::{kept, sessions};
use crate::support::files::read;
use crate::support::{World, contains};

/// A key of this role in a file, and the arguments that keep it.
fn a_key(world: &World, role: i64) -> (String, [String; 3]) {
    let key = world.sandbox.add_key("existing", role).secret;
    let file = world.home.write_secret("key", &format!("{key}\n"));
    let arguments = ["login", "--api-key-file"].map(str::to_owned);
    let [login, flag] = arguments;
    (key, [login, flag, file.display().to_string()])
}

/// Nothing in the environment signs in any more.
fn forget_password(world: &mut World) {
    world.home.unset("SWP_PASSWORD_FILE");
    world.home.unset("SWP_USERNAME");
}

/// The keys that the requests carried.
fn keys_used(world: &World) -> Vec<String> {
    let requests = world.sandbox.requests();
    let mut keys: Vec<String> = (requests.iter())
        .filter_map(|request| request.header("api-secret-key").map(str::to_owned))
        .collect();
    keys.dedup();
    keys
}

#[test]
fn a_key_that_works_is_kept_and_serves_later_commands() {
    // 1 is Full Access; 2 is Auditor, which may not look at keys, its own included.
    for (role, accepted) in [(1, false), (2, false), (2, true)] {
        let mut world = World::new();
        if accepted {
            world
                .sandbox
                .change(|settings| settings.unknowns.current_without_view = None);
        }
        let (key, login) = a_key(&world, role);
        let id = world.sandbox.api_keys()[0].id;
        let ran = world.run(&login);
        assert_eq!(ran.success(), "");
        contains(&ran.stderr, &["the API key works", "`swp-keys logout`"]);
        assert!(!world.calls().contains(&"POST /api/sessions".to_owned()));
        let writes = |call: &String| !call.starts_with("GET ") && !call.ends_with("/search");
        assert!(!world.calls().iter().any(writes), "{:?}", world.calls());
        let [file] = &kept(&world)[..] else {
            panic!("one file is kept: {:?}", kept(&world));
        };
        contains(&read(file), &[&key]);
        #[cfg(unix)]
        assert_eq!(crate::support::files::mode(file), 0o600);
        let ran = world.run(
            login
                .iter()
                .map(String::as_str)
                .chain(["-o", "json", "-vv"]),
        );
        let may_look = role == 1 || accepted;
        let meta = json!({
            "manager": world.sandbox.url(), "tenant": null, "profile": null, "kept": "api-key",
            "keyID": may_look.then_some(id),
        });
        assert_eq!(ran.json(), json!({"meta": meta}));
        assert!(!ran.stderr.contains(&key) && !ran.stdout.contains(&key));
        assert!(!ran.stderr.contains("lives on"), "it is the same key");
        // The file that it came from is needed no more.
        std::fs::remove_file(world.home.path("key")).expect("a file");
        forget_password(&mut world);
        world.sandbox.forget_requests();
        if role == 1 {
            assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
            world.run(["create", "--role", "Auditor"]).success();
            assert_eq!(keys_used(&world), std::slice::from_ref(&key));
        }
        let ran = world.run(["logout"]);
        assert_eq!(ran.success(), "");
        let delete = format!("`swp-keys delete-key {id}`");
        let way_out = if may_look {
            &delete
        } else {
            "`swp-keys list-keys`"
        };
        contains(&ran.stderr, &["is forgotten", "lives on", way_out]);
        assert!(!ran.stderr.contains(&key));
        assert_eq!(kept(&world), [] as [PathBuf; 0]);
        assert!(!world.sandbox.api_keys().is_empty(), "the key is not ended");
        contains(world.run(["list-roles"]).failure(2), &["user name"]);
    }
}

#[test]
fn a_key_from_a_pipe_is_kept_too() {
    let mut world = World::new();
    let (key, _) = a_key(&world, 1);
    let ran = (world.home).run_with_stdin(["login", "--api-key-file", "-"], &key);
    ran.success();
    forget_password(&mut world);
    world.run(["list-roles"]).success();
    assert_eq!(keys_used(&world), [key]);
}

#[test]
fn a_key_that_does_not_work_is_refused_tried_once_and_not_kept() {
    for status in [401, 403] {
        let world = World::new();
        world
            .sandbox
            .change(|settings| settings.unknowns.refused_key = status);
        let (_, login) = a_key(&world, 1);
        let id = world.sandbox.api_keys()[0].id;
        assert!(world.sandbox.remove_key(id));
        let ran = world.run(&login);
        contains(ran.failure(4), &["does not accept the API key"]);
        assert_eq!(world.calls(), ["GET /api/apikeys/current"]);
        assert_eq!(kept(&world), [] as [PathBuf; 0]);
    }
}

#[test]
fn a_key_that_proves_nothing_does_not_take_the_place_of_a_session() {
    let world = World::new();
    world.run(["login"]).success();
    let before = read(&kept(&world)[0]);
    let (_, login) = a_key(&world, 2);
    for method in ["GET", "POST"] {
        let refuse = Action::status(403, "Not authorized.");
        world
            .sandbox
            .inject(Fault::new(method, "*", refuse).times(9));
    }
    let ran = world.run(login.iter().map(String::as_str).chain(["-o", "json"]));
    assert_eq!(ran.json_error(5)["code"], "forbidden");
    assert!(!ran.stderr.contains("the API key works"), "{}", ran.stderr);
    assert_eq!(read(&kept(&world)[0]), before);
    assert_eq!(world.sandbox.live_sessions(), 1);
}

#[test]
fn a_key_in_the_environment_is_meant_only_where_no_password_is() {
    let mut world = World::new();
    let (key, _) = a_key(&world, 1);
    world.home.set("SWP_API_KEY", &key);
    // The home has a password file, and a session is what login is for; but the key comes first in later commands, which is said.
    let ran = world.run(["login"]);
    ran.success();
    let shadowed = ["warning: `SWP_API_KEY` is used", "not the session of admin"];
    contains(&ran.stderr, &shadowed);
    assert_eq!(world.sandbox.live_sessions(), 1);
    world.run(["logout"]).success();
    world.home.unset("SWP_PASSWORD_FILE");
    let ran = world.run(["login"]);
    ran.success();
    contains(&ran.stderr, &["the API key works", "`SWP_API_KEY` is used"]);
    assert_eq!(kept(&world).len(), 1);
}

#[test]
fn a_variable_that_shadows_what_is_kept_is_said_once_by_each_command() {
    for variable in ["SWP_API_KEY", "SWP_API_KEY_FILE"] {
        let mut world = World::new();
        let (kept_key, login) = a_key(&world, 1);
        world.run(&login).success();
        let other = world.sandbox.add_key("other", 1).secret;
        let file = world.home.write_secret("other", &other);
        let value = if variable == "SWP_API_KEY" {
            PathBuf::from(&other)
        } else {
            file
        };
        world.home.set(variable, value);
        world.sandbox.forget_requests();
        let ran = world.run(["list-roles"]);
        ran.success();
        let said = format!("note: `{variable}` is used as long as it is set");
        assert_eq!(ran.stderr.matches(&said).count(), 1, "{}", ran.stderr);
        assert_eq!(keys_used(&world), [other]);
        // A variable that does not count any more is no shadow.
        world.home.set(variable, "");
        world.sandbox.forget_requests();
        let ran = world.run(["list-roles"]);
        ran.success();
        assert_eq!(ran.stderr, "");
        assert_eq!(keys_used(&world), [kept_key]);
    }
}

#[test]
fn a_password_in_the_environment_shadows_nothing_and_v_says_so() {
    let world = World::new();
    let (key, login) = a_key(&world, 1);
    world.run(&login).success();
    world.sandbox.forget_requests();
    let ran = world.run(["list-roles", "-v"]);
    ran.success();
    contains(&ran.stderr, &["`SWP_PASSWORD_FILE` is not used"]);
    assert_eq!(keys_used(&world), [key]);
}

#[test]
fn the_newer_of_session_and_key_replaces_the_older() {
    let mut world = World::new();
    world.run(["login"]).success();
    world.run(["list-roles"]).success();
    let former = sessions(&world);
    let (key, login) = a_key(&world, 1);
    world.sandbox.forget_requests();
    world.run(&login).success();
    assert_eq!((kept(&world).len(), world.sandbox.live_sessions()), (1, 0));
    assert_eq!(sessions(&world), former, "that session was ended");
    world.sandbox.forget_requests();
    world.run(["list-roles"]).success();
    assert_eq!(keys_used(&world), std::slice::from_ref(&key));
    // Back to a session: the key is forgotten, and what is said of it is how to end it.
    let ran = world.run(["login"]);
    ran.success();
    contains(
        &ran.stderr,
        &["is forgotten", "lives on", "`swp-keys delete-key 1`"],
    );
    assert_eq!((kept(&world).len(), world.sandbox.live_sessions()), (1, 1));
    assert!(!read(&kept(&world)[0]).contains(&key));
    world.sandbox.forget_requests();
    forget_password(&mut world);
    world.run(["list-roles"]).success();
    assert_eq!(keys_used(&world), [] as [String; 0]);
}

#[test]
fn another_tenant_user_or_password_does_not_use_a_kept_key() {
    let world = World::new();
    let (_, login) = a_key(&world, 1);
    world.run(&login).success();
    world.sandbox.forget_requests();
    world.run(["list-roles", "--username", "admin"]).success();
    let file = world.home.path("password");
    let file = file.to_str().expect("UTF-8");
    world.run(["list-roles", "--password-file", file]).success();
    world.run(["list-roles", "--tenant", "Acme"]);
    assert_eq!(keys_used(&world), [] as [String; 0]);
    contains(
        &world.run(["logout", "--tenant", "Acme"]).stderr,
        &["nothing is kept"],
    );
    assert_eq!(kept(&world).len(), 1);
}

#[test]
fn a_kept_key_that_is_accepted_no_more_is_said_to_be_the_kept_one() {
    let world = World::new();
    let (key, login) = a_key(&world, 1);
    world.run(&login).success();
    let id = world.sandbox.api_keys()[0].id;
    assert!(world.sandbox.edit_key(id, |key| key.active = false));
    let ran = world.run(["list-roles"]);
    contains(
        ran.failure(5),
        &[
            "expired or locked",
            "`swp-keys login` kept",
            "`swp-keys logout`",
        ],
    );
    assert!(world.sandbox.remove_key(id));
    let ran = world.run(["list-roles"]);
    contains(
        ran.failure(4),
        &[
            "the kept API key",
            "not accepted any more",
            "`swp-keys logout`",
        ],
    );
    assert!(!ran.stderr.contains(&key));
    assert!(!world.calls().contains(&"POST /api/sessions".to_owned()));
}

#[test]
fn the_header_that_was_asked_for_is_kept_with_the_key() {
    let world = World::new();
    let (_, login) = a_key(&world, 1);
    let scheme = ["--api-key-scheme", "cloud-one"];
    let ran = world.run(login.iter().map(String::as_str).chain(scheme));
    // Whether or not the manager takes it, the header is that.
    let header = |world: &World| {
        world
            .sandbox
            .requests()
            .last()
            .map(|seen| seen.header("authorization").is_some())
    };
    assert_eq!(header(&world), Some(true));
    if ran.code() == 0 {
        world.run(["list-roles"]);
        assert_eq!(header(&world), Some(true));
    }
}

#[test]
fn a_key_that_cannot_be_kept_is_said() {
    let mut world = World::new();
    let (_, login) = a_key(&world, 1);
    let file = world.home.write("file", "");
    world.home.set("SWP_STATE_DIR", &file);
    contains(
        world.run(&login).failure(1),
        &["the API key", "cannot be kept", "SWP_STATE_DIR"],
    );
}

#[test]
fn a_kept_key_is_told_by_no_command_whatever_comes_of_it() {
    let world = World::new();
    let (key, login) = a_key(&world, 1);
    world.run(&login).success();
    let told = |world: &World, arguments: &[&str]| {
        for format in ["text", "json"] {
            let ran = world.run(
                arguments
                    .iter()
                    .chain(&["-vv", "--retries", "0", "-o", format]),
            );
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!said.contains(&key), "{arguments:?}: {said}");
        }
    };
    let commands = [
        &["list-roles"][..],
        &["whoami"],
        &["config", "show"],
        &["show-key", "existing"],
        &["login"],
    ];
    for command in &commands[..4] {
        told(&world, command);
    }
    let id = world.sandbox.api_keys()[0].id;
    assert!(world.sandbox.edit_key(id, |key| key.active = false));
    for command in &commands {
        told(&world, command);
    }
    world.run(&login).failure(5);
    told(&world, &["logout"]);
}
