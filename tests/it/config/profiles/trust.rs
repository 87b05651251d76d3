//! Whom a profile trusts, and what wins over it.

use swp_keys::sandbox::{Sandbox, Settings};

use crate::support::files::read;
use crate::support::profiles::{configure, profile, world_in_a_profile};
use crate::support::{World, contains};

const WRONG: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Makes the profile of this world pin these keys instead of trusting a certificate.
fn pin(world: &mut World, pins: &str) {
    let text = profile(world, "here")
        .replace("ca-cert = \"../manager.pem\"", &format!("tls-pin = {pins}"));
    configure(&mut world.home, &text);
}

fn pinned(pins: &str) -> World {
    let mut world = world_in_a_profile("");
    pin(&mut world, pins);
    world.home.set("SWP_PROFILE", "here");
    world
}

#[test]
fn a_pin_of_a_profile_counts_as_text_and_in_a_list() {
    let mut world = pinned(&format!("\"{WRONG}\""));
    let ran = world.run(["list-roles"]);
    let (_, shown) = ran.failure(7).split_once("it shows ").expect("both prints");
    let right = shown.split(',').next().expect("an end").to_owned();
    for pins in [
        format!("\"{right}\""),
        format!("[\"{WRONG}\", \"{right}\"]"),
    ] {
        pin(&mut world, &pins);
        world.run(["list-roles"]).success();
        // What is given is nearer than the profile.
        world.run(["list-roles", "--tls-pin", WRONG]).failure(7);
    }
}

#[test]
fn certificates_on_the_command_line_win_over_the_pin_of_a_profile() {
    let mut world = pinned(&format!("\"{WRONG}\""));
    world.run(["list-roles"]).failure(7);
    let certificate = world.home.path("manager.pem");
    let certificate = certificate.to_str().expect("UTF-8").to_owned();
    world
        .run(["list-roles", "--ca-cert", &certificate])
        .success();
    world.home.set("SWP_CA_CERT", &certificate);
    world.run(["list-roles"]).success();
}

#[test]
fn the_checks_are_not_switched_off_where_a_profile_pins_nor_by_a_profile() {
    let world = pinned(&format!("\"{WRONG}\""));
    let ran = world.run(["list-roles", "--insecure"]);
    contains(
        ran.failure(2),
        &["`--insecure` is refused", "`tls-pin` of the profile `here`"],
    );
    let ran = world_in_a_profile("insecure = true\n").run(["list-roles", "--profile", "here"]);
    contains(ran.failure(2), &["`insecure`", "`tls-pin`"]);
    // Certificates are no pin: the flag wins, loudly.
    let ran = world_in_a_profile("").run(["list-roles", "--profile", "here", "--insecure"]);
    ran.success();
    contains(&ran.stderr, &["warning: "]);
}

#[test]
fn the_pin_of_a_profile_is_not_taken_for_that_of_another_manager() {
    let mut world = pinned(&format!("\"{WRONG}\""));
    let other = Sandbox::start(Settings::default()).expect("a second manager");
    let add = ["trust", "add", &other.url(), "--tls-accept-new"];
    world.run(add).success();
    let pins = read(world.home.path("config/trusted.toml"));
    assert!(!pins.contains(WRONG), "{pins}");
    contains(&pins, &["sha256:"]);
    // That of its own manager is.
    world.home.set("SWP_CONFIG_DIR", world.home.path("config"));
    world.run(["trust", "add"]).success();
    contains(&read(world.home.path("config/trusted.toml")), &[WRONG]);
}
