//! What a child of a run can see: its arguments, its environment, and the arguments of the run itself.
#![cfg(target_os = "linux")]

use crate::support::secrets::{CODE, KEY, PASSWORD, assert_clean, assert_silent};
use crate::support::{Ran, World};
use swp_keys::sandbox::Settings;

/// A script for `sh` that writes down all it can see, and prints `output`.
fn spy(world: &World, name: &str, output: &str) -> String {
    let secret = world.home.write_secret(&format!("{name}.output"), output);
    let script = format!(
        "for what in cmdline environ; do cat /proc/self/$what /proc/$$/$what; done > {name}.seen\n\
         cat /proc/$PPID/cmdline >> {name}.seen\ncat '{}'\n",
        secret.display()
    );
    let path = world.home.write(name, &script);
    path.to_str().expect("UTF-8").to_owned()
}

#[track_caller]
fn assert_blind(world: &World, name: &str) {
    let seen = std::fs::read(world.home.path(&format!("{name}.seen"))).expect("the child ran");
    assert!(
        String::from_utf8_lossy(&seen).contains("SWP_URL"),
        "it could look"
    );
    assert_clean(name, &seen, &[PASSWORD, CODE, KEY]);
}

#[test]
fn of_a_command_that_gives_a_secret() {
    let mut world = World::with(Settings {
        password: PASSWORD.to_owned(),
        mfa_code: Some(CODE.to_owned()),
        ..Settings::default()
    });
    world.home.unset("SWP_PASSWORD_FILE");
    for (variable, secret) in [
        ("SWP_PASSWORD", PASSWORD),
        ("SWP_MFA_CODE", CODE),
        ("SWP_API_KEY", KEY),
    ] {
        world.home.set(variable, secret);
    }
    let password = format!("sh {}", spy(&world, "password-spy", PASSWORD));
    let code = format!("sh {}", spy(&world, "code-spy", CODE));
    let ran = world.run([
        "create",
        "--role",
        "Auditor",
        "-vv",
        "--password-command",
        &password,
        "--mfa-command",
        &code,
    ]);
    let secret = ran.success().to_owned();
    assert_silent(
        "create",
        &ran,
        &[PASSWORD, CODE, KEY, &secret],
        Some(&secret),
    );
    assert_blind(&world, "password-spy");
    assert_blind(&world, "code-spy");
}

#[test]
fn of_a_command_in_a_sandbox() {
    let mut world = World::new();
    for (variable, secret) in [
        ("SWP_PASSWORD", PASSWORD),
        ("SWP_MFA_CODE", CODE),
        ("SWP_API_KEY", KEY),
    ] {
        world.home.set(variable, secret);
    }
    let child = spy(&world, "child", "done");
    let ran: Ran = world.run(["sandbox", "-vv", "--", "sh", &child]);
    assert_eq!(ran.success(), "done");
    assert_silent("sandbox", &ran, &[PASSWORD, CODE, KEY], None);
    assert_blind(&world, "child");
}
