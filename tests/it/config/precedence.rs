//! Flags and variables: which one takes precedence, which values count as unset, and that an error names the source of an invalid value.

use swp_keys::sandbox::Settings;

use crate::support::secrets::MISPLACED;
use crate::support::{TestEnv, contains};

#[test]
fn without_a_manager_the_ways_to_name_one_are_listed() {
    let mut env = TestEnv::new();
    for empty in [false, true] {
        env.home.unset("SWP_URL");
        if empty {
            env.home.set("SWP_URL", "");
        }
        for command in [
            &["create", "--role", "Auditor"][..],
            &["list-roles"],
            &["login"],
            &["logout"],
        ] {
            let result = env.run(command);
            contains(result.failure(2), &["`--url", "SWP_URL", "https://"]);
        }
    }
}

#[test]
fn an_invalid_address_is_rejected_by_source_and_not_repeated() {
    let bad = [
        "https://admin:hunter2@dsm.example.com",
        "https://hunter2@dsm.example.com:4119",
        "https://dsm.example.com/?password=hunter2",
        "https://dsm.example.com/#hunter2",
        "http://dsm.example.com/hunter2",
        "ftp://hunter2.example.com",
        "file:///hunter2",
        "https://",
        "dsm.example.com:hunter2",
        "dsm example hunter2",
        "https://dsm.example.com:99999",
        "::::",
    ];
    let mut env = TestEnv::new();
    for url in bad {
        for source in ["--url", "SWP_URL"] {
            let result = if source == "--url" {
                env.home.unset("SWP_URL");
                env.run(["list-roles", "--url", url])
            } else {
                env.home.set("SWP_URL", url);
                env.run(["list-roles"])
            };
            let source = format!("`{source}`");
            contains(
                result.failure(2),
                &[&source, "hint: ", "https://dsm.example.com"],
            );
            assert!(
                !result.stderr.contains(MISPLACED),
                "{url}: {}",
                result.stderr
            );
        }
    }
}

#[test]
fn durations_are_checked_before_anything_is_sent() {
    let mut env = TestEnv::new();
    let bad = [
        "",
        "0",
        "0s",
        "ten",
        "-5s",
        "5",
        "5 parsecs",
        "1e3s",
        "99999999999999999999s",
        "s",
    ];
    for (flag, variable) in [
        ("--timeout", "SWP_TIMEOUT"),
        ("--connect-timeout", "SWP_CONNECT_TIMEOUT"),
        ("--wait", "SWP_WAIT"),
    ] {
        for value in bad {
            let typed = format!("{flag}={value}");
            // An empty variable and an empty `--wait` count as unset. An empty timeout is an error, because it has no meaning.
            if !(value.is_empty() && flag == "--wait") {
                let result = env.run(["list-roles", &typed]);
                contains(result.failure(2), &[&format!("`{flag}`"), "30s"]);
            }
            if !value.is_empty() {
                env.home.set(variable, value);
                contains(
                    env.run(["list-roles"]).failure(2),
                    &[&format!("`{variable}`")],
                );
                env.home.unset(variable);
            }
        }
    }
    for value in ["-1", "many", "1.5", "99999999999"] {
        let result = env.run(["list-roles", &format!("--retries={value}")]);
        contains(result.failure(2), &["--retries"]);
        env.home.set("SWP_RETRIES", value);
        contains(env.run(["list-roles"]).failure(2), &["SWP_RETRIES"]);
        env.home.unset("SWP_RETRIES");
    }
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}

#[test]
fn a_huge_duration_does_not_panic() {
    let env = TestEnv::new();
    for flag in ["--timeout", "--connect-timeout", "--wait"] {
        for value in [
            "100y",
            "290000000000y",
            "584542046090y",
            "18446744073709551615s",
        ] {
            let result = env.run(["find-role", "Auditor", flag, value]);
            assert!(matches!(result.code(), 0 | 2), "{flag} {value}: {result:?}");
            assert!(
                !result.stderr.contains("panicked"),
                "{flag} {value}: {}",
                result.stderr
            );
        }
    }
}

#[test]
fn empty_variables_count_as_unset() {
    let mut env = TestEnv::new();
    for variable in [
        "SWP_TENANT",
        "SWP_WAIT",
        "SWP_PASSWORD",
        "SWP_PASSWORD_COMMAND",
        "SWP_MFA_CODE",
        "SWP_MFA_COMMAND",
        "SWP_API_KEY",
        "SWP_API_KEY_FILE",
        "SWP_API_KEY_SCHEME",
        "SWP_NO_INPUT",
        "SWP_NO_SIGN_OUT",
        "SWP_INSECURE",
        "SWP_TIMEOUT",
        "SWP_CONNECT_TIMEOUT",
        "SWP_RETRIES",
        "SWP_OUTPUT",
        "SWP_QUIET",
        "SWP_COLOR",
        "XDG_STATE_HOME",
        "NO_COLOR",
    ] {
        env.home.set(variable, "");
    }
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    assert_eq!(env.sandbox.live_sessions(), 0);
    env.home.set("SWP_CA_CERT", "");
    env.run(["find-role", "Auditor"]).failure(7);
    env.home.set("SWP_USERNAME", "");
    env.run(["find-role", "Auditor", "--insecure"]).failure(2);
}

#[test]
fn a_flag_takes_precedence_over_its_variable() {
    let mut env = TestEnv::new();
    for (variable, value) in [
        ("SWP_URL", "https://127.0.0.1:1"),
        ("SWP_USERNAME", "nobody"),
        ("SWP_TENANT", "nowhere"),
        ("SWP_CA_CERT", "missing.pem"),
        ("SWP_TIMEOUT", "1ms"),
        ("SWP_OUTPUT", "env"),
        ("SWP_COLOR", "always"),
    ] {
        env.home.set(variable, value);
    }
    env.sandbox
        .change(|settings| settings.tenant = Some("Acme".to_owned()));
    let url = env.sandbox.url();
    let certificate = env.home.path("manager.pem");
    let result = env.run([
        "find-role",
        "Auditor",
        "-o",
        "json",
        "--url",
        &url,
        "--username",
        "admin",
        "--tenant",
        "Acme",
        "--timeout",
        "30s",
        "--color",
        "never",
        "--ca-cert",
        certificate.to_str().expect("UTF-8"),
    ]);
    assert_eq!(result.json()["ID"], 2);
    assert_eq!(result.json()["meta"]["manager"], url);
}

#[test]
fn switches_can_be_turned_on_and_off_by_variable() {
    for (value, on) in [
        (Some("1"), true),
        (Some("true"), true),
        (Some("yes"), true),
        (Some("TRUE"), true),
        (Some("0"), false),
        (Some("false"), false),
        (Some("FALSE"), false),
        (Some("no"), false),
        (Some("off"), false),
        (Some(""), false),
        (None, false),
    ] {
        let mut env = TestEnv::new();
        if let Some(value) = value {
            env.home.set("SWP_NO_SIGN_OUT", value);
            env.home.set("SWP_QUIET", value);
        }
        let result = env.run(["create", "--role", "Auditor"]);
        result.success();
        assert_eq!(
            env.sandbox.live_sessions(),
            usize::from(on),
            "SWP_NO_SIGN_OUT={value:?}"
        );
        assert_eq!(
            result.stderr.is_empty(),
            on,
            "SWP_QUIET={value:?}: {}",
            result.stderr
        );
        let insecure = value.map(|value| {
            env.home.set("SWP_CA_CERT", "");
            env.home.set("SWP_INSECURE", value);
            env.run(["find-role", "Auditor"]).code()
        });
        assert!(
            insecure.is_none_or(|code| code == if on { 0 } else { 7 }),
            "SWP_INSECURE={value:?}"
        );
    }
}

#[test]
fn a_quiet_variable_does_not_conflict_with_verbose() {
    let mut env = TestEnv::new();
    for value in ["0", "1"] {
        env.home.set("SWP_QUIET", value);
        let result = env.run(["find-role", "Auditor", "-v"]);
        result.success();
    }
}

#[test]
fn an_invalid_certificate_file_is_named_with_its_source() {
    let mut env = TestEnv::new();
    let empty = env.home.write("empty.pem", "");
    let wrong = env.home.write(
        "wrong.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    for path in [env.home.path("missing.pem"), empty, wrong] {
        let path = path.to_str().expect("UTF-8").to_owned();
        let result = env.run(["list-roles", "--ca-cert", &path]);
        contains(result.failure(2), &["`--ca-cert`", &path]);
        env.home.set("SWP_CA_CERT", &path);
        contains(
            env.run(["list-roles"]).failure(2),
            &["`SWP_CA_CERT`", &path],
        );
    }
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}

#[test]
fn an_invalid_proxy_is_rejected_and_not_repeated() {
    let env = TestEnv::new();
    for proxy in [
        "http://user:hunter2@",
        "hunter2 hunter2",
        "http://user:hunter2@pro xy:1",
    ] {
        let result = env.run(["list-roles", "--proxy", proxy]);
        assert!(!result.failure(2).contains(MISPLACED), "{}", result.stderr);
        contains(&result.stderr, &["--proxy"]);
    }
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}

#[test]
fn color_is_for_terminals_or_on_request() {
    let mut env = TestEnv::new();
    let wrong = env.home.write_secret("wrong", "wrong");
    let wrong = wrong.to_str().expect("UTF-8").to_owned();
    let run = |env: &TestEnv, more: &[&str]| {
        let arguments = ["list-roles", "--password-file", &wrong];
        let result = env.run(arguments.iter().chain(more));
        result.failure(4).contains('\u{1b}')
    };
    env.sandbox
        .change(|settings| settings.sign_in_attempts = 99);
    assert_ne!(Settings::DEFAULT_PASSWORD, "wrong");
    assert!(!run(&env, &[]));
    assert!(run(&env, &["--color", "always"]));
    assert!(!run(&env, &["--color", "never"]));
    env.home.set("SWP_COLOR", "always");
    assert!(run(&env, &[]));
    assert!(!run(&env, &["--color", "auto"]));
}
