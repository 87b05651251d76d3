//! `login --api-key-file`: proof that a key works, and nothing kept.

use std::path::PathBuf;

use serde_json::json;
use swp_keys::sandbox::{Action, Fault};

use super::{files, kept};
use crate::support::{World, contains};

/// A key of this role in a file, and the arguments that try it.
fn try_key(world: &World, role: i64) -> (String, [String; 3]) {
    let key = world.sandbox.add_key("existing", role).secret;
    let file = world.home.write_secret("key", &format!("{key}\n"));
    let arguments = ["login", "--api-key-file"].map(str::to_owned);
    let [login, flag] = arguments;
    (key, [login, flag, file.display().to_string()])
}

#[test]
fn a_key_that_works_is_proven_and_not_kept() {
    // 1 is Full Access; 2 is Auditor, which may not look at keys, its own included.
    for (role, accepted) in [(1, false), (2, false), (2, true)] {
        let world = World::new();
        if accepted {
            world
                .sandbox
                .change(|settings| settings.unknowns.current_without_view = None);
        }
        let (key, login) = try_key(&world, role);
        let before = files(&world.home.path(""));
        let ran = world.run(&login);
        assert_eq!(ran.success(), "");
        contains(&ran.stderr, &["the API key works", "nothing is kept"]);
        let ran = world.run(
            login
                .iter()
                .map(String::as_str)
                .chain(["-o", "json", "-vv"]),
        );
        let meta = json!({"manager": world.sandbox.url(), "kept": null, "proven": true});
        assert_eq!(ran.json(), json!({"meta": meta}));
        assert!(!ran.stderr.contains(&key) && !ran.stdout.contains(&key));
        assert_eq!(files(&world.home.path("")), before, "nothing is kept");
        assert!(!world.calls().contains(&"POST /api/sessions".to_owned()));
        assert!(
            world
                .calls()
                .contains(&"GET /api/apikeys/current".to_owned())
        );
        let writes = |call: &String| !call.starts_with("GET ") && !call.ends_with("/search");
        assert!(!world.calls().iter().any(writes), "{:?}", world.calls());
    }
}

#[test]
fn a_key_that_does_not_work_is_refused_and_tried_once() {
    for status in [401, 403] {
        let world = World::new();
        world
            .sandbox
            .change(|settings| settings.unknowns.refused_key = status);
        let (_, login) = try_key(&world, 1);
        let id = world.sandbox.api_keys()[0].id;
        assert!(world.sandbox.edit_key(id, |key| key.active = false));
        let ran = world.run(&login);
        if status == 401 {
            contains(ran.failure(4), &["does not accept the API key"]);
            assert_eq!(world.calls(), ["GET /api/apikeys/current"]);
        } else {
            // A 403 does not tell a bad key from one that may not look: no success is claimed.
            assert!(!ran.stderr.contains("the API key works"), "{}", ran.stderr);
        }
        assert_eq!(kept(&world), [] as [PathBuf; 0]);
    }
}

#[test]
fn a_key_that_may_read_nothing_is_not_said_to_work() {
    let world = World::new();
    let (_, login) = try_key(&world, 2);
    world
        .sandbox
        .inject(Fault::new("GET", "*", Action::status(403, "Not authorized.")).times(9));
    world
        .sandbox
        .inject(Fault::new("POST", "*", Action::status(403, "Not authorized.")).times(9));
    let ran = world.run(login.iter().map(String::as_str).chain(["-o", "json"]));
    assert_eq!(ran.json()["meta"]["proven"], false);
    contains(&ran.stderr, &["warning: "]);
    assert!(!ran.stderr.contains("the API key works"), "{}", ran.stderr);
}

#[test]
fn a_key_in_the_environment_is_tried_only_where_no_password_is() {
    let mut world = World::new();
    let (key, _) = try_key(&world, 1);
    world.home.set("SWP_API_KEY", &key);
    // The home has a password file, and a session is what login is for.
    world.run(["login"]).success();
    assert_eq!(kept(&world).len(), 1);
    world.run(["logout"]).success();
    world.home.unset("SWP_PASSWORD_FILE");
    let ran = world.run(["login"]);
    ran.success();
    contains(&ran.stderr, &["the API key works"]);
    assert_eq!(kept(&world), [] as [PathBuf; 0]);
}
