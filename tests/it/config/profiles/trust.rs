//! The trust settings of a profile, and what takes precedence over them.

use swp_keys::sandbox::{Sandbox, Settings};

use crate::support::files::read;
use crate::support::pins::other_pin;
use crate::support::profiles::{configure, env_in_a_profile, profile};
use crate::support::{TestEnv, contains};

const WRONG: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Makes the profile of this environment pin these keys instead of trusting a certificate.
fn pin(env: &mut TestEnv, pins: &str) {
    let text =
        profile(env, "here").replace("ca-cert = \"../manager.pem\"", &format!("tls-pin = {pins}"));
    configure(&mut env.home, &text);
}

fn pinned(pins: &str) -> TestEnv {
    let mut env = env_in_a_profile("");
    pin(&mut env, pins);
    env.home.set("SWP_PROFILE", "here");
    env
}

#[test]
fn a_profile_can_contain_one_pin_or_a_list() {
    let mut env = pinned(&format!("\"{WRONG}\""));
    let result = env.run(["list-roles"]);
    let right = other_pin(result.failure(7), WRONG);
    for pins in [
        format!("\"{right}\""),
        format!("[\"{WRONG}\", \"{right}\"]"),
    ] {
        pin(&mut env, &pins);
        env.run(["list-roles"]).success();
        // A flag takes precedence over the profile.
        env.run(["list-roles", "--tls-pin", WRONG]).failure(7);
    }
}

#[test]
fn a_certificate_flag_takes_precedence_over_the_pin_of_a_profile() {
    let mut env = pinned(&format!("\"{WRONG}\""));
    env.run(["list-roles"]).failure(7);
    let certificate = env.home.path("manager.pem");
    let certificate = certificate.to_str().expect("UTF-8").to_owned();
    env.run(["list-roles", "--ca-cert", &certificate]).success();
    env.home.set("SWP_CA_CERT", &certificate);
    env.run(["list-roles"]).success();
}

#[test]
fn neither_a_profile_nor_a_flag_disables_verification_of_a_pinned_manager() {
    let env = pinned(&format!("\"{WRONG}\""));
    let result = env.run(["list-roles", "--insecure"]);
    contains(result.failure(2), &["--insecure", "tls-pin", "here"]);
    let result = env_in_a_profile("insecure = true\n").run(["list-roles", "--profile", "here"]);
    contains(result.failure(2), &["`insecure`", "`tls-pin`"]);
    // The profile has a certificate but no pin, so the flag takes precedence and prints a warning.
    let result = env_in_a_profile("").run(["list-roles", "--profile", "here", "--insecure"]);
    result.success();
    contains(&result.stderr, &["warning: "]);
}

#[test]
fn the_pin_of_a_profile_applies_only_to_its_manager() {
    let mut env = pinned(&format!("\"{WRONG}\""));
    let other = Sandbox::start(Settings::default()).expect("a second manager");
    let add = ["trust", "add", &other.url(), "--tls-accept-new"];
    env.run(add).success();
    let pins = read(env.home.path("config/trusted.toml"));
    assert!(!pins.contains(WRONG), "{pins}");
    contains(&pins, &["sha256:"]);
    // A saved pin applies to its own manager only.
    env.home.set("SWP_CONFIG_DIR", env.home.path("config"));
    env.run(["trust", "add"]).success();
    contains(&read(env.home.path("config/trusted.toml")), &[WRONG]);
}
