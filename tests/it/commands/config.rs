//! `config path`, `config show` and `config check`.

use serde_json::json;

use crate::support::profiles::{configure, env_in_a_profile};
use crate::support::snapshot::snapshot;
use crate::support::{Home, TestEnv, contains};

#[test]
fn path_prints_the_location_of_the_file() {
    let mut home = Home::new();
    let folder = home.path("config");
    home.set("SWP_CONFIG_DIR", &folder);
    let path = folder.join("config.toml").display().to_string();
    let result = home.run(["config", "path"]);
    assert_eq!(result.success(), path);
    contains(&result.stderr, &["note:"]);
    // The command works although the file is invalid.
    configure(&mut home, "no TOML at all");
    let result = home.run(["config", "path"]);
    assert_eq!(
        (result.success(), result.stderr.as_str()),
        (path.as_str(), "")
    );
    let result = home.run(["config", "path", "-o", "json"]);
    assert_eq!(result.json(), json!({"path": path, "exists": true}));
}

#[test]
fn show_lists_each_setting_and_its_source() {
    let mut env =
        env_in_a_profile("timeout = \"20s\"\n[profiles.here.create]\nrole = \"Auditor\"\n");
    env.home.set("SWP_PROFILE", "here");
    env.home.set("SWP_TENANT", "Acme");
    env.home.set("SWP_MFA_CODE", "123456");
    env.home.set("SWP_API_KEY", "8:secret");
    let arguments = [
        "config",
        "show",
        "--retries",
        "2",
        "--proxy",
        "http://a:hunter2@proxy:8080",
    ];
    let result = env.run(arguments);
    let text = result.success().to_owned();
    let file = env.home.path("config/config.toml").display().to_string();
    let row = |name: &str| {
        let is_it = |line: &&str| line.split_whitespace().next() == Some(name);
        text.lines()
            .find(is_it)
            .unwrap_or_else(|| panic!("no {name} in: {text}"))
    };
    contains(
        row("url"),
        &[&env.sandbox.url(), "url of the profile here in ", &file],
    );
    contains(row("tenant"), &["Acme", "SWP_TENANT"]);
    contains(row("username"), &["admin", "profile here"]);
    contains(
        row("password"),
        &[
            "in the file ",
            "password",
            "password-file of the profile here",
        ],
    );
    contains(row("mfa-code"), &["[masked]", "SWP_MFA_CODE"]);
    contains(row("api-key"), &["[masked]", "SWP_API_KEY"]);
    contains(row("retries"), &["2", "--retries"]);
    contains(row("timeout"), &["20s", "profile here"]);
    contains(row("connect-timeout"), &["10s", "default"]);
    contains(
        row("create.role"),
        &["Auditor", "create.role of the profile here"],
    );
    contains(row("proxy"), &["http://proxy:8080", "--proxy"]);
    contains(&result.stderr, &["note:", "here", "SWP_PROFILE"]);
    for secret in ["123456", "8:secret", "hunter2"] {
        assert!(
            !text.contains(secret) && !result.stderr.contains(secret),
            "{text}"
        );
    }
    assert_eq!(env.sandbox.connections().tcp, 0);
}

#[test]
fn show_as_json_has_each_source_in_parts() {
    let mut env = env_in_a_profile("password-command = \"pass show dsm\"\n");
    let path = env.home.path("config/config.toml");
    let text = crate::support::files::read(&path).replace("password-file = \"../password\"\n", "");
    configure(
        &mut env.home,
        &format!("default-profile = \"here\"\n{text}"),
    );
    env.home.set("SWP_TENANT", "Acme");
    let document = env.run(["config", "show", "-o", "json"]).json();
    let file = path.display().to_string();
    let at = |profile: Option<&str>, name: &str| json!({"kind": "file", "name": name, "profile": profile, "file": file});
    assert_eq!(
        (&document["file"], &document["profile"]),
        (&json!(file), &json!("here"))
    );
    assert_eq!(document["profileSource"], at(None, "default-profile"));
    let settings = &document["settings"];
    assert_eq!(
        settings["password"],
        json!({"value": "from the command pass show dsm", "source": at(Some("here"), "password-command")})
    );
    assert_eq!(
        settings["tenant"],
        json!({"value": "Acme", "source": {"kind": "variable", "name": "SWP_TENANT"}})
    );
    assert_eq!(
        settings["output"],
        json!({"value": "json", "source": {"kind": "flag", "name": "--output"}})
    );
    assert_eq!(settings["retries"], json!({"value": "4", "source": null}));
    assert_eq!(settings["mfa-code"], json!({"value": null, "source": null}));
}

#[test]
fn show_works_without_a_file_or_a_profile() {
    let mut env = TestEnv::new();
    snapshot(&env.run(["config", "show"]).stderr);
    configure(&mut env.home, "[profiles.p]\n");
    let result = env.run(["config", "show"]);
    contains(result.success(), &["SWP_URL"]);
    snapshot(&result.stderr);
}

#[test]
fn check_reports_every_problem_in_all_profiles() {
    let mut home = Home::new();
    let text = "default-profile = \"q\"\n[profiles.p]\nurl = 1\npassword = \"hunter2\"\nnonsense = 1\ntenant = Acme\n[profiles.r]\nwait = \"5\"\n";
    let path = configure(&mut home, text).display().to_string();
    let result = home.run(["config", "check"]);
    let stderr = result.failure(2);
    for place in ["1:19", "3:7", "4:1", "5:1", "6:10", "8:8"] {
        contains(stderr, &[path.as_str(), place]);
    }
    contains(stderr, &[path.as_str()]);
    let result = home.run(["config", "check", "-o", "json"]);
    let error = result.json_error(2);
    let message = error["message"].as_str().unwrap_or_default();
    for place in ["1:19", "3:7", "4:1", "5:1", "6:10", "8:8"] {
        contains(message, &[&format!("{path}:{place}: ")]);
    }
    assert!(!stderr.contains("hunter2") && !message.contains("hunter2"));
    let problems = error["problems"].as_array().expect("a list of problems");
    assert_eq!(problems.len(), 6);
    contains(
        problems[0]["hint"].as_str().unwrap_or_default(),
        &["use one of: p, r"],
    );
    // Other commands report the first problem only, and suggest `config check`.
    let result = home.run(["list-roles"]);
    contains(result.failure(2), &[":1:19: ", "`swp-keys config check`"]);
}

#[test]
fn check_accepts_a_valid_file() {
    let mut home = Home::new();
    let result = home.run(["config", "check"]);
    assert_eq!(result.success(), "");
    snapshot(&result.stderr);
    let path = configure(&mut home, "[profiles.a]\n[profiles.b]\n")
        .display()
        .to_string();
    let result = home.run(["config", "check"]);
    assert_eq!(result.success(), "");
    snapshot(&result.stderr);
    let result = home.run(["config", "check", "-o", "json"]);
    assert_eq!(result.json(), json!({"file": path, "profiles": ["a", "b"]}));
    // The file must contain the profile that `--profile` names.
    let result = home.run(["config", "check", "--profile", "c"]);
    contains(result.failure(2), &["`--profile`", "a, b"]);
    home.run(["config"]).failure(2);
    contains(
        home.run(["config", "show", "-o", "env"]).failure(2),
        &["-o env"],
    );
}

#[test]
fn check_rejects_every_value_that_other_commands_reject() {
    for (line, part) in [
        ("url = \"http://dsm.example.com\"", "`url`"),
        ("url = \"'https://dsm.example.com'\"", "`url`"),
        ("url = \"https://${DSM}:4119\"", "`url`"),
        (
            "url = \"https://accounts.cloudone.trendmicro.com\"",
            "Cloud One",
        ),
        ("proxy = \"socks5://proxy:1080\"", "SOCKS"),
        ("proxy = \"htpp://proxy:3128\"", "`proxy`"),
        ("wait = \"5 parsecs\"", "`wait`"),
        ("timeout = \"0s\"", "`timeout`"),
        ("tenant = \"a\\u0000b\"", "`tenant`"),
        ("username = \"admin\\r\"", "`username`"),
        ("tls-pin = \"sha256:00\"", "`tls-pin`"),
        (
            "password-command = \"pass show dsm | head -1\"",
            "`password-command`",
        ),
        ("ca-cert = \"missing.pem\"", "`ca-cert`"),
        ("password-file = \"missing\"", "`password-file`"),
        ("api-key-file = \"missing/key\"", "`api-key-file`"),
        ("user = \"admin\"", "`username`"),
        ("ca-cert = \"config.toml\"", "`ca-cert`"),
        ("create.expires = \"1 fortnight\"", "`create.expires`"),
        ("create.expires = \"2020-01-31\"", "`create.expires`"),
        ("create.expires = \"0d\"", "`create.expires`"),
        ("create.time-zone = \"Mars/Phobos\"", "IANA"),
        ("create.locale = \"de-DE\"", "en-US"),
        ("create.role-id = 0", "`create.role-id`"),
    ] {
        let mut home = Home::new();
        configure(&mut home, &format!("[profiles.p]\n{line}\n"));
        let result = home.run(["config", "check"]);
        contains(result.failure(2), &["config.toml", part, "hint: "]);
        snapshot(&result.stderr);
        let error = home.run(["config", "check", "-o", "json"]).json_error(2);
        contains(
            error["message"].as_str().unwrap_or_default(),
            &["config.toml"],
        );
    }
    let mut home = Home::new();
    let text = "[profiles.p]\nurl = \"dsm\"\nproxy = \"http://proxy:3128\"\ncreate.expires = \"2099-01-31\"\ncreate.time-zone = \"Europe/Berlin\"\n";
    configure(&mut home, text);
    home.run(["config", "check"]).success();
    // A variable applies to this command as to every other one.
    home.set("HTTPS_PROXY", "socks5://proxy:1080");
    home.set("SWP_URL", "https://dsm.invalid");
    contains(
        home.run(["config", "check"]).failure(2),
        &["`HTTPS_PROXY`", "SOCKS"],
    );
}
