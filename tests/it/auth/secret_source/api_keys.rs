//! The sources of an existing API key, and the header that carries it.

use swp_keys::sandbox::Settings;

use super::sources::{FIND, env, run, sent};
use crate::support::contains;

#[test]
fn a_key_comes_from_a_file_stdin_or_a_variable_and_needs_no_sign_in() {
    let mut env = env();
    let key = env.sandbox.add_key("existing", 1).secret;
    let file = env.home.write_secret("key", &format!("{key}\n"));
    run(&env, &["--api-key-file", file.to_str().expect("UTF-8")]).success();
    let stdin = [&FIND[..], &["--api-key-file", "-"]].concat();
    env.home
        .run_with_stdin(stdin, &format!("{key}\r\n"))
        .success();
    env.home.set("SWP_API_KEY", &key);
    run(&env, &[]).success();
    // The file takes precedence over the key in a variable, as for passwords.
    env.home.set("SWP_API_KEY", "1:wrong");
    env.home.set("SWP_API_KEY_FILE", &file);
    run(&env, &[]).success();
    assert_eq!(env.calls(), ["POST /api/roles/search"; 4]);
    for request in env.sandbox.requests() {
        assert_eq!(request.header("api-secret-key"), Some(key.as_str()));
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("cookie"), None);
    }
}

#[test]
fn the_header_of_a_key_depends_on_its_form_or_a_flag() {
    let mut env = env();
    env.sandbox.change(|settings| settings.cloud_one = true);
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
        env.home.set("SWP_API_KEY", key);
        env.sandbox.forget_requests();
        run(&env, flags).failure(4);
        let request = sent(&env, |_| true);
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
fn a_password_flag_takes_precedence_over_a_key_variable() {
    let mut env = env();
    env.home.set("SWP_API_KEY", "1:wrong");
    let file = env
        .home
        .write_secret("password", Settings::DEFAULT_PASSWORD);
    run(&env, &["--password-file", file.to_str().expect("UTF-8")]).success();
    assert_eq!(env.calls()[0], "POST /api/sessions");
    assert!(
        env.sandbox
            .requests()
            .iter()
            .all(|request| request.header("api-secret-key").is_none())
    );
}

#[test]
fn a_key_with_invalid_header_characters_is_never_sent() {
    let mut env = env();
    for key in ["8:abc\ndef", "8:abc\r\nHost: evil", "8:\u{1}"] {
        env.home.set("SWP_API_KEY", key);
        let result = run(&env, &[]);
        contains(result.failure(2), &["`SWP_API_KEY`"]);
        assert!(!result.stderr.contains("abc"), "{}", result.stderr);
    }
    assert_eq!(env.calls(), [] as [String; 0]);
}
