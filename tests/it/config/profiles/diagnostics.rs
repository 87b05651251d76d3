//! Problems in the settings file: the error names the line and the column, never repeats the value, and the run sends nothing.

use crate::support::profiles::{configure, env_in_a_profile};
use crate::support::snapshot::snapshot;
use crate::support::{TestEnv, contains};

const SECRET: &str = "hunter2";

/// Asserts that this file is rejected before anything is sent.
#[track_caller]
fn refused(text: &str, place: &str, parts: &[&str]) {
    let mut env = TestEnv::new();
    let path = configure(&mut env.home, text);
    let place = format!("{}:{place}: ", path.display());
    for arguments in [
        &["list-roles"][..],
        &["create", "--role", "Auditor"],
        &["config", "show"],
    ] {
        let result = env.run(arguments);
        contains(result.failure(2), &[&place, "hint: "]);
        contains(&result.stderr, parts);
        snapshot(&result.stderr);
        assert!(!result.stderr.contains(SECRET), "{}", result.stderr);
    }
    let result = env.run(["list-roles", "-o", "json"]);
    let error = result.json_error(2);
    assert_eq!(error["code"], "usage");
    assert!(!error.to_string().contains(SECRET), "{error}");
    assert_eq!(env.sandbox.connections().tcp, 0);
}

#[test]
fn an_unknown_field_is_reported_with_the_closest_one() {
    refused(
        "[profiles.p]\nurl = \"dsm\"\n  usrename = \"hunter2\"\n",
        "3:3",
        &["`usrename`", "`username`"],
    );
    refused("url = \"dsm\"\n", "1:1", &["`url`", "[profiles.NAME]"]);
    refused(
        "defaultprofile = \"hunter2\"\n",
        "1:1",
        &["`default-profile`"],
    );
    refused(
        "[profiles.p.create]\nrol = \"hunter2\"\n",
        "2:1",
        &["`rol`", "`role`"],
    );
    // An unknown field name may be a misplaced secret, so it is not repeated either.
    refused("[profiles.p]\nhunter2 = \"x\"\n", "2:1", &[]);
}

#[test]
fn a_secret_is_rejected_with_an_alternative() {
    for (field, instead) in [
        ("password", "`password-command"),
        ("api-key", "`api-key-command"),
        ("secret-key", "`api-key-command"),
        ("secretKey", "`api-key-command"),
        ("mfa-code", "`mfa-command"),
        ("session", "`swp-keys login`"),
    ] {
        let parts = [field, instead];
        refused(
            &format!("[profiles.p]\n{field} = \"hunter2\"\n"),
            "2:1",
            &parts,
        );
        refused(
            &format!("{field} = \"hunter2\"\n[profiles.p]\n"),
            "1:1",
            &parts,
        );
        // Without quotes, the value is not even valid TOML.
        refused(&format!("[profiles.p]\n{field} = hunter2\n"), "2:1", &parts);
    }
    refused(
        "[profiles.p]\nurl = \"https://admin:hunter2@dsm\"\n",
        "2:7",
        &["`url`"],
    );
    refused(
        "[profiles.p]\nproxy = \"http://admin:hunter2@proxy\"\n",
        "2:9",
        &["`proxy`", "HTTPS_PROXY"],
    );
}

#[test]
fn invalid_toml_is_reported_without_its_lines() {
    refused("hunter2", "1:8", &["`=`"]);
    refused("[profiles.p]\nurl = \"hunter2\n", "2:15", &[]);
    refused("[profiles.p\nhunter2 = 1\n", "1:12", &[]);
    refused("[profiles.p]\nurl = \"a\"\nurl = \"hunter2\"\n", "3:1", &[]);
}

#[test]
fn an_invalid_value_is_reported() {
    for (line, column) in [
        ("url = \"ftp://hunter2\"", 7),
        ("url = 7", 7),
        ("tenant = \"\"", 10),
        ("timeout = \"hunter2\"", 11),
        ("wait = \"0s\"", 8),
        ("retries = \"hunter2\"", 11),
        ("retries = -1", 11),
        ("output = \"hunter2\"", 10),
        ("api-key-scheme = \"hunter2\"", 18),
        ("tls-pin = [\"hunter2\"]", 11),
        ("password-file = \"-\"", 17),
        ("ca-cert = \"~hunter2/x\"", 11),
        ("password-command = \"'hunter2\"", 20),
        ("require-journal = \"yes\"", 19),
        ("allow-loose-permissions = 1", 27),
        ("create = 1", 10),
    ] {
        let field = line.split(' ').next().unwrap_or_default();
        let text = format!("[profiles.p]\n{line}\n");
        refused(&text, &format!("2:{column}"), &[field]);
    }
    refused("default-profile = \"hunter2\"\n[profiles.p]\n", "1:19", &[]);
    refused("[profiles]\np = 1\n", "2:1", &["[profiles.NAME]"]);
}

#[test]
fn contradictory_settings_are_reported() {
    refused(
        "[profiles.p]\npassword-command = \"a\"\npassword-file = \"b\"\n",
        "2:1",
        &["`password-file`", "`password-command`"],
    );
    refused(
        "[profiles.p]\npassword-command = \"a\"\napi-key-command = \"b\"\n",
        "2:1",
        &["`api-key-command`"],
    );
    refused(
        "[profiles.p.create]\nrole = \"a\"\nrole-id = 2\n",
        "3:1",
        &["`create.role`", "`create.role-id`"],
    );
}

#[test]
fn an_unknown_profile_is_rejected_with_the_existing_ones() {
    let mut env = env_in_a_profile("[profiles.second]\n");
    let listed = ["`none`", "here", "second"];
    let result = env.run(["list-roles", "--profile", "none"]);
    contains(result.failure(2), &listed);
    contains(&result.stderr, &["`--profile`"]);
    env.home.set("SWP_PROFILE", "none");
    let result = env.run(["list-roles"]);
    contains(result.failure(2), &listed);
    contains(&result.stderr, &["`SWP_PROFILE`"]);
    // The folder has no settings file.
    let nowhere = env.home.path("nowhere");
    env.home.set("SWP_CONFIG_DIR", &nowhere);
    let result = env.run(["list-roles"]);
    let file = nowhere.join("config.toml").display().to_string();
    contains(result.failure(2), &["`SWP_PROFILE`", &file]);
}

#[cfg(unix)]
#[test]
fn a_file_that_other_users_can_write_is_rejected() {
    use crate::support::set_mode;
    let env = env_in_a_profile("");
    let path = env.home.path("config/config.toml");
    let folder = env.home.path("config");
    let run = || env.run(["list-roles", "--profile", "here"]);
    for mode in [0o664, 0o646, 0o666] {
        set_mode(&path, mode);
        let fix = format!("chmod go-w {}", path.display());
        contains(run().failure(2), &[&fix]);
        snapshot(env.run(["config", "check"]).failure(2));
    }
    // Other users may read the file, because it contains no secret.
    set_mode(&path, 0o644);
    run().success();
    // A user who may write to the folder could replace the file.
    set_mode(&folder, 0o777);
    let fix = format!("chmod go-w {}", folder.display());
    contains(run().failure(2), &[&fix]);
    set_mode(&folder, 0o1777);
    run().success();
    assert_eq!(env.run(["config", "path"]).code(), 0);
}

#[test]
fn an_unreadable_file_is_reported() {
    let mut env = TestEnv::new();
    configure(&mut env.home, "");
    let path = env.home.path("config/config.toml");
    std::fs::write(&path, b"[profiles.p]\nurl = \"\xff\"\n").expect("a file");
    contains(env.run(["list-roles"]).failure(2), &[":2:8: ", "UTF-8"]);
    std::fs::write(&path, "#".repeat(2 << 20)).expect("a file");
    snapshot(env.run(["list-roles"]).failure(2));
    std::fs::remove_file(&path).expect("a file");
    std::fs::create_dir(&path).expect("a folder");
    contains(env.run(["list-roles"]).failure(2), &["SWP_CONFIG_DIR"]);
}
