//! Where an existing API key comes from, and which header it goes into.

use swp_keys::sandbox::Settings;

use super::sources::{FIND, run, sent, world};
use crate::support::contains;

#[test]
fn a_key_comes_from_a_file_stdin_or_a_variable_and_needs_no_sign_in() {
    let mut world = world();
    let key = world.sandbox.add_key("existing", 1).secret;
    let file = world.home.write_secret("key", &format!("{key}\n"));
    run(&world, &["--api-key-file", file.to_str().expect("UTF-8")]).success();
    let stdin = [&FIND[..], &["--api-key-file", "-"]].concat();
    world
        .home
        .run_with_stdin(stdin, &format!("{key}\r\n"))
        .success();
    world.home.set("SWP_API_KEY", &key);
    run(&world, &[]).success();
    // The file goes before the key itself, as it does for passwords.
    world.home.set("SWP_API_KEY", "1:wrong");
    world.home.set("SWP_API_KEY_FILE", &file);
    run(&world, &[]).success();
    assert_eq!(world.calls(), ["POST /api/roles/search"; 4]);
    for request in world.sandbox.requests() {
        assert_eq!(request.header("api-secret-key"), Some(key.as_str()));
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("cookie"), None);
    }
}

#[test]
fn the_header_of_a_key_is_chosen_by_its_look_or_by_hand() {
    let mut world = world();
    world.sandbox.change(|settings| settings.cloud_one = true);
    let tmc = "tmc12Abc:Zm9v+/=";
    let plain = "8:QUJD+/=";
    let account = format!("{}:{}", "1tB".repeat(9), "aB3".repeat(22));
    let cases: [(&str, &[&str], &str, String); 6] = [
        (&account, &[], "authorization", format!("ApiKey {account}")),
        (
            &account,
            &["--api-key-scheme", "api-secret-key"],
            "api-secret-key",
            account.clone(),
        ),
        (tmc, &[], "authorization", format!("ApiKey {tmc}")),
        (plain, &[], "api-secret-key", plain.to_owned()),
        (
            tmc,
            &["--api-key-scheme", "api-secret-key"],
            "api-secret-key",
            tmc.to_owned(),
        ),
        (
            plain,
            &["--api-key-scheme", "cloud-one"],
            "authorization",
            format!("ApiKey {plain}"),
        ),
    ];
    for (key, flags, header, value) in cases {
        world.home.set("SWP_API_KEY", key);
        world.sandbox.forget_requests();
        run(&world, flags).failure(4);
        let request = sent(&world, |_| true);
        assert_eq!(
            request.header(header),
            Some(value.as_str()),
            "{key} {flags:?}"
        );
        let other = ["authorization", "api-secret-key"]
            .into_iter()
            .find(|name| *name != header);
        assert_eq!(
            request.header(other.unwrap_or_default()),
            None,
            "{key} {flags:?}"
        );
    }
}

#[test]
fn a_password_on_the_command_line_goes_before_a_key_in_the_environment() {
    let mut world = world();
    world.home.set("SWP_API_KEY", "1:wrong");
    let file = world
        .home
        .write_secret("password", Settings::DEFAULT_PASSWORD);
    run(&world, &["--password-file", file.to_str().expect("UTF-8")]).success();
    assert_eq!(world.calls()[0], "POST /api/sessions");
    assert!(
        world
            .sandbox
            .requests()
            .iter()
            .all(|request| request.header("api-secret-key").is_none())
    );
}

#[test]
fn a_key_that_cannot_stand_in_a_header_is_never_sent() {
    let mut world = world();
    for key in ["8:abc\ndef", "8:abc\r\nHost: evil", "8:\u{1}"] {
        world.home.set("SWP_API_KEY", key);
        let ran = run(&world, &[]);
        contains(ran.failure(2), &["`SWP_API_KEY`"]);
        assert!(!ran.stderr.contains("abc"), "{}", ran.stderr);
    }
    assert_eq!(world.calls(), [] as [String; 0]);
}
