//! A kept session that has ended, and a password at hand: the run signs in with it, and says so.

use swp_keys::sandbox::{Action, Fault, Settings};

use super::session::kept;
use crate::support::{END_SESSION, World, contains, playing};

const TRIAL: &str = "POST /api/policies/search";
const SIGN_IN: &str = "POST /api/sessions";

/// A world with a kept session that has ended, and a password.
fn ended(settings: Settings) -> World {
    let world = World::with(settings);
    world.run(["login"]).success();
    world.sandbox.end_sessions();
    world.sandbox.forget_requests();
    world
}

#[test]
fn a_password_at_hand_signs_in_for_the_run() {
    for status in ["401", "403"] {
        for (command, first) in [
            (&["list-roles"][..], Some("POST /api/roles/search")),
            (
                &["create", "--role", "Auditor"],
                Some("POST /api/roles/search"),
            ),
            // What makes a key is not sent twice.
            (&["create", "--role-id", "2", "--allow-full-access"], None),
        ] {
            let world = ended(playing(&[("expired-session", status)]));
            let before = std::fs::read(&kept(&world)[0]).expect("the file");
            let ran = world.run(command);
            ran.success();
            contains(
                &ran.stderr,
                &[
                    "the kept session of admin has expired",
                    "SWP_PASSWORD_FILE",
                    "`swp-keys login`",
                ],
            );
            let requests = world.sandbox.requests();
            let routes: Vec<_> = requests.iter().map(|request| request.route()).collect();
            let first: Vec<_> = first.into_iter().chain([TRIAL, SIGN_IN]).collect();
            assert_eq!(routes[..first.len()], first);
            assert_eq!(
                world.count("POST /api/apikeys"),
                usize::from(command[0] == "create")
            );
            // The session of the run is ended with it, and what was kept is left alone.
            assert_eq!(world.count(END_SESSION), 1);
            assert_eq!(world.sandbox.live_sessions(), 0);
            assert_eq!(std::fs::read(&kept(&world)[0]).expect("the file"), before);
        }
    }
}

#[test]
fn every_source_of_a_password_will_do() {
    let mut world = ended(Settings::default());
    world.home.unset("SWP_PASSWORD_FILE");
    world.home.unset("SWP_USERNAME");
    world.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
    contains(
        &world.run(["list-roles"]).stderr,
        &["has expired", "SWP_PASSWORD"],
    );
    world.home.unset("SWP_PASSWORD");
    if cfg!(unix) {
        let command = format!("echo '{}'", Settings::DEFAULT_PASSWORD);
        let profile = format!(
            "[profiles.lab]\nurl = \"{}\"\npassword-command = \"{command}\"\n",
            world.sandbox.url()
        );
        world.home.set("SWP_CONFIG_DIR", world.home.path("config"));
        std::fs::create_dir_all(world.home.path("config")).expect("a folder");
        world.home.write_secret("config/config.toml", &profile);
        let ran = world.run(["list-roles", "--profile", "lab"]);
        ran.success();
        contains(&ran.stderr, &["has expired", "lab"]);
    }
    assert_eq!(world.sandbox.live_sessions(), 0);
}

/// A session that lives costs no request more, and one that may not do what is asked is not an ended one.
#[test]
fn a_session_that_lives_is_used() {
    let world = World::new();
    world.run(["login"]).success();
    world.sandbox.forget_requests();
    world.run(["list-roles"]).success();
    assert_eq!(world.calls(), ["POST /api/roles/search"]);
    let world = World::with(playing(&[("session-roles", "401")]));
    world.run(["login"]).success();
    world.sandbox.forget_requests();
    let ran = world.run(["list-roles"]);
    ran.failure(4);
    assert_eq!(world.calls(), ["POST /api/roles/search", TRIAL]);
    assert_eq!(world.sandbox.live_sessions(), 1);
}

#[test]
fn a_password_that_is_refused_is_sent_once_and_is_the_error() {
    let mut world = ended(Settings::default());
    let wrong = world.home.write_secret("wrong", "hunter2");
    world.home.set("SWP_PASSWORD_FILE", wrong);
    let ran = world.run(["list-roles"]);
    contains(
        ran.failure(4),
        &["has expired", "the manager refused the sign-in"],
    );
    assert_eq!(world.count(SIGN_IN), 1);
    // It counts, as any other one does.
    world.run(["list-roles"]).failure(4);
    let error = world.run(["list-roles", "-o", "json"]).json_error(4);
    assert_eq!(error["code"], "sign-in-paused");
    assert_eq!(world.count(SIGN_IN), 2);
    let world = ended(Settings::default());
    let fault = Fault::new("POST", "/api/sessions", Action::status(503, "starting"));
    world.sandbox.inject(fault);
    world.run(["list-roles"]).failure(8);
}
