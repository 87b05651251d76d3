//! `login` and `logout`: a session for later commands, where it is kept, who uses it, and how it ends.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use swp_keys::sandbox::{Action, Fault, Request, Sandbox, Settings};

use crate::support::files::files;
use crate::support::seen::session_of;
use crate::support::{END_SESSION, World, contains};

pub(super) fn kept(world: &World) -> Vec<PathBuf> {
    files(&world.home.path("state/kept"))
}

pub(super) fn sessions(world: &World) -> Vec<(String, String)> {
    let mut sessions: Vec<_> = world
        .sandbox
        .requests()
        .iter()
        .filter_map(session_of)
        .collect();
    sessions.dedup();
    sessions
}

#[test]
fn a_kept_session_serves_later_commands_and_is_ended_by_none_of_them() {
    let mut world = World::new();
    let ran = world.run(["login"]);
    assert_eq!(ran.success(), "", "stdout is for documents");
    contains(
        &ran.stderr,
        &["note: signed in to", "admin", "`swp-keys logout`"],
    );
    assert_eq!(world.calls(), ["POST /api/sessions"]);
    assert_eq!(world.sandbox.live_sessions(), 1);
    // No password is needed any more, and no user name.
    world.home.unset("SWP_PASSWORD_FILE");
    world.home.unset("SWP_USERNAME");
    world.sandbox.forget_requests();
    assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
    world.run(["list-roles"]).success();
    world.run(["create", "--role", "Auditor"]).success();
    world.run(["find-role", "nothing like it"]).failure(3);
    assert!(!world.calls().contains(&"POST /api/sessions".to_owned()));
    assert_eq!(sessions(&world).len(), 1, "one session serves them all");
    assert_eq!(world.sandbox.live_sessions(), 1, "and it lives on");
    assert_eq!(world.run(["logout"]).success(), "");
    assert_eq!(world.sandbox.live_sessions(), 0);
    assert_eq!(kept(&world), [] as [PathBuf; 0]);
    contains(world.run(["list-roles"]).failure(2), &["user name"]);
}

#[test]
fn what_login_kept_is_said_as_json_and_without_the_session() {
    let mut world = World::with(Settings {
        tenant: Some("Acme".to_owned()),
        ..Settings::default()
    });
    world.home.set("SWP_TENANT", "Acme");
    for format in ["json", "jsonl"] {
        let ran = world.run(["login", "-vv", "-o", format]);
        let url = world.sandbox.url();
        let meta =
            json!({"manager": url, "tenant": "Acme", "username": "admin", "kept": "session"});
        assert_eq!(ran.json(), json!({"meta": meta}));
        if format == "jsonl" {
            assert_eq!(ran.stdout.lines().count(), 1);
        }
        world.sandbox.forget_requests();
        world.run(["list-roles"]).success();
        let (sid, rid) = sessions(&world).pop().expect("a session");
        for secret in [&sid, &rid, Settings::DEFAULT_PASSWORD] {
            assert!(
                !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
                "{ran:?}"
            );
        }
    }
    contains(world.run(["login", "-o", "env"]).failure(2), &["-o env"]);
}

#[test]
fn another_user_tenant_or_manager_does_not_use_it() {
    let mut world = World::new();
    world.run(["login"]).success();
    world.home.unset("SWP_PASSWORD_FILE");
    let nobody = ["no password", "--password-file"];
    contains(
        world.run(["list-roles", "--username", "other"]).failure(2),
        &nobody,
    );
    contains(
        world.run(["list-roles", "--username", "Admin"]).failure(2),
        &nobody,
    );
    contains(
        world.run(["list-roles", "--tenant", "Acme"]).failure(2),
        &nobody,
    );
    let other = Sandbox::start(Settings::default()).expect("a second manager");
    contains(
        world.run(["list-roles", "--url", &other.url()]).failure(2),
        &nobody,
    );
    assert_eq!(
        other.connections().tcp,
        0,
        "the session is not shown to another manager"
    );
    // The same manager, written in another way.
    let url = format!("{}/api/", world.sandbox.url());
    world.run(["list-roles", "--url", &url]).success();
    // To end another's session is to end none.
    for arguments in [
        ["logout", "--username", "other"],
        ["logout", "--tenant", "Acme"],
    ] {
        contains(&world.run(arguments).stderr, &["nothing is kept"]);
    }
    assert_eq!((kept(&world).len(), world.sandbox.live_sessions()), (1, 1));
}

#[test]
fn with_several_users_one_is_to_be_named() {
    let mut world = World::new();
    let other = |settings: &mut Settings| settings.username = "other".to_owned();
    world.run(["login"]).success();
    world.sandbox.change(other);
    world.run(["login", "--username", "other"]).success();
    world.home.unset("SWP_PASSWORD_FILE");
    world.home.unset("SWP_USERNAME");
    for command in [
        &["list-roles"][..],
        &["create", "--role-id", "2"],
        &["logout"],
    ] {
        let ran = world.run(command);
        contains(ran.failure(2), &["admin", "other", "`--username`"]);
    }
    world.run(["list-roles", "--username", "admin"]).success();
    world.run(["logout", "--username", "admin"]).success();
    assert_eq!((kept(&world).len(), world.sandbox.live_sessions()), (1, 1));
    world.run(["list-roles"]).success();
}

#[test]
fn a_password_on_the_command_line_is_meant_and_one_in_the_environment_is_not() {
    let world = World::new();
    world.run(["login"]).success();
    world.sandbox.forget_requests();
    world.run(["list-roles"]).success();
    assert_eq!(world.calls(), ["POST /api/roles/search"]);
    world.sandbox.forget_requests();
    let file = world.home.path("password");
    let file = file.to_str().expect("UTF-8");
    world.run(["list-roles", "--password-file", file]).success();
    assert_eq!(world.calls()[0], "POST /api/sessions");
    assert_eq!(
        world.sandbox.live_sessions(),
        1,
        "the session of that run alone is ended"
    );
}

#[test]
fn an_ended_session_is_not_renewed_without_a_password() {
    for status in [401, 403] {
        let mut world = World::new();
        (world.sandbox).change(|settings| settings.unknowns.expired_session = status);
        world.run(["login"]).success();
        let password = world.home.path("password");
        world.home.unset("SWP_PASSWORD_FILE");
        world.sandbox.end_sessions();
        world.sandbox.forget_requests();
        let commands = [
            &["list-roles"][..],
            &["find-role", "Auditor"],
            &["create", "--role", "Auditor"],
            &["create", "--role-id", "2"],
            &["create", "--role-id", "2", "--name", "build"],
        ];
        for command in commands {
            let ran = world.run(command);
            contains(
                ran.failure(4),
                &["has expired", "`swp-keys login`", "admin"],
            );
        }
        assert!(
            !world.calls().contains(&"POST /api/sessions".to_owned()),
            "{:?}",
            world.calls()
        );
        let ran = world.run(["list-roles", "-o", "json"]);
        let error = ran.json_error(4);
        assert_eq!(
            (&error["code"], &error["http"]),
            (&json!("sign-in-refused"), &json!(status))
        );
        // The way out that was named.
        world.home.set("SWP_PASSWORD_FILE", password);
        world.run(["login"]).success();
        world.run(["list-roles"]).success();
        assert_eq!((kept(&world).len(), world.sandbox.live_sessions()), (1, 1));
    }
}

#[test]
fn a_session_that_time_ended_is_an_ended_session() {
    let mut world = World::new();
    world.run(["login"]).success();
    world.home.unset("SWP_PASSWORD_FILE");
    world
        .sandbox
        .advance_clock(Duration::from_secs(25 * 60 * 60));
    contains(
        world.run(["list-roles"]).failure(4),
        &["has expired", "`swp-keys login`"],
    );
}

#[test]
fn a_missing_right_is_not_an_ended_session() {
    let world = World::new();
    world
        .sandbox
        .change(|settings| settings.administrator_role = 2);
    world.run(["login"]).success();
    let ran = world.run(["create", "--role-id", "2"]);
    assert!(!ran.failure(5).contains("has expired"), "{}", ran.stderr);
}

#[test]
fn a_new_login_replaces_the_former_session_and_ends_it() {
    let world = World::new();
    world.run(["login"]).success();
    world.run(["list-roles"]).success();
    let former = sessions(&world);
    world.sandbox.forget_requests();
    world.run(["login"]).success();
    assert_eq!((kept(&world).len(), world.sandbox.live_sessions()), (1, 1));
    world.run(["list-roles"]).success();
    let requests = world.sandbox.requests();
    let routes: Vec<_> = requests.iter().map(Request::route).collect();
    assert_eq!(
        routes,
        ["POST /api/sessions", END_SESSION, "POST /api/roles/search"]
    );
    assert_eq!(session_of(&requests[1]), former.first().cloned());
    assert_ne!(session_of(&requests[2]), former.first().cloned());
}

#[test]
fn a_refused_login_keeps_the_former_session() {
    let world = World::new();
    world.run(["login"]).success();
    let before = std::fs::read(&kept(&world)[0]).expect("the file");
    let wrong = world.home.write_secret("wrong", "wrong");
    let wrong = wrong.to_str().expect("UTF-8");
    world.run(["login", "--password-file", wrong]).failure(4);
    assert_eq!(std::fs::read(&kept(&world)[0]).expect("the file"), before);
    world.run(["list-roles"]).success();
}

#[test]
fn logout_may_be_repeated_and_needs_no_manager_that_answers() {
    let world = World::new();
    contains(&world.run(["logout"]).stderr, &["nothing is kept"]);
    assert_eq!(world.sandbox.connections().tcp, 0);
    world.run(["login"]).success();
    world.run(["logout"]).success();
    let ran = world.run(["logout"]);
    ran.success();
    contains(&ran.stderr, &["nothing is kept"]);
    // Whatever the manager says, the session is forgotten here; and what is said of it is true.
    for action in [
        Action::Drop,
        Action::status(500, "no"),
        Action::status(404, "no"),
    ] {
        world.run(["login"]).success();
        // Both calls that end a session.
        let fault = Fault::new("DELETE", "*", action).times(2);
        world.sandbox.inject(fault);
        let ran = world.run(["logout"]);
        ran.success();
        assert_eq!(kept(&world), [] as [PathBuf; 0]);
        contains(&ran.stderr, &["forgotten"]);
        assert!(!ran.stderr.contains("is ended"), "{}", ran.stderr);
        world.sandbox.clear_faults();
    }
}

#[test]
fn a_session_that_is_not_to_be_ended_is_forgotten_and_not_said_to_be_ended() {
    let world = World::new();
    world.run(["login"]).success();
    world.sandbox.forget_requests();
    let ran = world.run(["logout", "--no-sign-out"]);
    ran.success();
    assert!(!ran.stderr.contains("is ended"), "{}", ran.stderr);
    assert_eq!(kept(&world), [] as [PathBuf; 0]);
    assert!(world.sandbox.requests().is_empty());
    assert_eq!(world.sandbox.live_sessions(), 1);
}

#[test]
fn every_cookie_of_the_sign_in_is_kept() {
    use swp_keys::sandbox::StickyCookie;
    let world = World::new();
    (world.sandbox).change(|settings| settings.unknowns.sticky_cookie = StickyCookie::Needed);
    world.run(["login"]).success();
    world.run(["list-roles"]).success();
    world.run(["logout"]).success();
    assert_eq!(world.sandbox.live_sessions(), 0);
}
