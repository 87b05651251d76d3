//! Errors about a file or a value name its position, but never its content: a wrong file may contain a private key or a list of passwords.

use std::path::{Path, PathBuf};

use crate::support::secrets::assert_silent;
use crate::support::{RunResult, TestEnv, contains, set_mode};

/// This text consists of letters only, so that it is valid as a name, as a word, and as base64 without padding.
const CANARY: &str = "QuackingCanaries";

/// Asserts that a run fails with `code` in text and in JSON at the highest log level, and that neither stream contains the canary.
#[track_caller]
fn refused(env: &TestEnv, code: i32, arguments: &[&str], names: &[&str]) {
    for format in ["text", "json"] {
        let more = ["-vv", "-o", format];
        let result = run(env, arguments, &more);
        contains(result.failure(code), names);
        assert_silent(&arguments.join(" "), &result, &[CANARY], None);
    }
}

/// Inserts the flags before `--`.
fn run(env: &TestEnv, arguments: &[&str], more: &[&str]) -> RunResult {
    let end = (arguments.iter().position(|word| *word == "--")).unwrap_or(arguments.len());
    let (flags, rest) = arguments.split_at(end);
    env.run([flags, more, rest].concat())
}

const FIND: [&str; 2] = ["find-role", "Auditor"];

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Each file, and the line of the problem if the message names one.
#[test]
fn certificate_files() {
    let mut env = TestEnv::new();
    let certificate = env.sandbox.certificate_pem().to_owned();
    let first = |text: &str| format!("{certificate}{text}");
    let lines = certificate.lines().count();
    let canary = CANARY;
    for (file, line) in [
        // The lines of a key and a certificate are joined.
        (
            format!(
                "-----BEGIN PRIVATE KEY-----{canary}-----END PRIVATE KEY----------BEGIN CERTIFICATE-----{canary}\n"
            ),
            1,
        ),
        (
            first(&format!("-----BEGIN CERTIFICATE-----{canary}\n")),
            lines + 1,
        ),
        (
            first(&format!("-----BEGIN CERTIFICATE----- {canary}\r\n")),
            lines + 1,
        ),
        // The line of the BEGIN marker.
        (format!("-----BEGIN CERTIFICATE-----\n{canary}\n"), 1),
        (format!("-----BEGIN {canary}-----\n{canary}\n"), 1),
        (
            format!("-----BEGIN CERTIFICATE-----\n{canary}%\n-----END CERTIFICATE-----\n"),
            1,
        ),
        (
            format!("-----BEGIN CERTIFICATE-----\n{canary}\n-----END CERTIFICATE-----\n"),
            1,
        ),
        (
            format!("-----BEGIN CERTIFICATE-----\r\n{canary}%\r\n-----END CERTIFICATE-----\r\n"),
            1,
        ),
    ] {
        let path = env.home.write("ca.pem", &file);
        let place = format!("line {line}");
        let arguments = [&FIND[..], &["--ca-cert", text(&path)]].concat();
        refused(&env, 2, &arguments, &["`--ca-cert`", "ca.pem", &place]);
    }
    // The file contains no certificate.
    let path = env.home.write("ca.pem", canary);
    env.home.set("SWP_CA_CERT", path);
    refused(&env, 2, &FIND, &["`SWP_CA_CERT`", "ca.pem"]);
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}

/// The system's certificates, if a variable names a different file for them.
#[test]
fn files_of_the_systems_certificates() {
    let mut env = TestEnv::new();
    env.home.unset("SWP_CA_CERT");
    let joined = format!("-----BEGIN CERTIFICATE-----{CANARY}-----END CERTIFICATE-----\n");
    let path = env.home.write("roots.pem", &joined);
    env.home.set("SSL_CERT_FILE", path);
    refused(&env, 7, &FIND, &[]);
}

/// Returns a home with all settings in its settings file, and the folder of that file.
fn with_settings() -> (TestEnv, PathBuf) {
    let mut env = TestEnv::new();
    env.home.unset("SWP_URL");
    env.home.unset("SWP_PASSWORD_FILE");
    let folder = env.home.path("config");
    std::fs::create_dir(&folder).expect("a folder");
    env.home.set("SWP_CONFIG_DIR", &folder);
    (env, folder)
}

#[test]
fn the_settings_file() {
    let (env, folder) = with_settings();
    let canary = CANARY;
    for (file, line) in [
        (canary.to_owned(), 1),
        (format!("{canary} = 1"), 1),
        (format!("[{canary}"), 1),
        (format!("[{canary}]\nurl = 1"), 1),
        (format!("\n[profiles.p]\n{canary} = 1"), 3),
        (format!("\n[profiles.p.create]\n{canary} = 1"), 3),
        (format!("[profiles]\n{canary} = 1"), 2),
        (format!("[profiles.p]\n\"{canary}\" = 1\n{canary} = 2"), 2),
        (format!("[profiles.p]\npassword = \"{canary}"), 2),
        (format!("[profiles.p]\nurl = {canary}"), 2),
        (
            format!("[profiles.p]\nurl = \"https://{canary}:{canary}\""),
            2,
        ),
        (format!("[profiles.p]\nurl = \"https://[{canary}]\""), 2),
        (format!("[profiles.p]\nproxy = \"http://[{canary}]\""), 2),
        (
            format!("[profiles.p]\nproxy = \"http://{canary}:{canary}\""),
            2,
        ),
        (format!("[profiles.p]\nwait = \"5{canary}\""), 2),
        (format!("[profiles.p]\nretries = \"{canary}\""), 2),
        (format!("[profiles.p]\ntls-pin = \"sha256:{canary}\""), 2),
        (format!("[profiles.p]\npassword-command = \"'{canary}\""), 2),
        (
            format!("[profiles.p]\napi-key-command = \"{canary} > {canary}\""),
            2,
        ),
        (format!("[profiles.p]\noutput = \"{canary}\""), 2),
        (format!("[profiles.p.create]\nlocale = \"{canary}\""), 2),
        (format!("default-profile = \"{canary}\""), 1),
        (format!("x = 1979-05-27T{canary}"), 1),
    ] {
        std::fs::write(folder.join("config.toml"), &file).expect("a file");
        set_mode(&folder.join("config.toml"), 0o600);
        let place = format!("config.toml:{line}:");
        let names = [place.as_str()];
        refused(&env, 2, &["config", "check"], &names);
        refused(&env, 2, &["list-roles"], &names);
    }
}

/// Values that the parser of the settings file accepts, and that a command then rejects.
#[test]
fn defaults_for_new_keys_in_the_settings_file() {
    let (env, folder) = with_settings();
    let canary = CANARY;
    for (field, value) in [
        ("expires", format!("5{canary}")),
        ("expires", canary.to_owned()),
        ("time-zone", format!("Europe/{canary}")),
    ] {
        let file = format!(
            "default-profile = \"p\"\n[profiles.p]\nurl = \"localhost\"\n[profiles.p.create]\nrole-id = 2\n{}{field} = \"{value}\"\n",
            if field == "expires" {
                ""
            } else {
                "expires = \"2050-01-01\"\n"
            },
        );
        std::fs::write(folder.join("config.toml"), &file).expect("a file");
        refused(&env, 2, &["create-key"], &["config.toml", field]);
    }
}

#[test]
fn pin_files() {
    let mut env = TestEnv::new();
    let folder = env.home.path("config");
    std::fs::create_dir(&folder).expect("a folder");
    env.home.set("SWP_CONFIG_DIR", &folder);
    env.home.unset("SWP_CA_CERT");
    let canary = CANARY;
    for (file, line) in [
        (canary.to_owned(), 1),
        (format!("{canary} = 1"), 1),
        (format!("[{canary}.x]"), 1),
        (format!("[managers.\"{canary}\"]\n{canary} = 1"), 2),
        (format!("[managers.a]\npins = [\"{canary}\"]"), 2),
        (format!("[managers.a]\npins = {canary}"), 2),
    ] {
        std::fs::write(folder.join("trusted.toml"), &file).expect("a file");
        set_mode(&folder.join("trusted.toml"), 0o600);
        let place = format!("line {line}");
        refused(&env, 2, &["trust", "list"], &["trusted.toml", &place]);
        refused(&env, 2, &FIND, &["trusted.toml", &place]);
    }
}

#[test]
fn files_in_the_state_folder() {
    let env = TestEnv::new();
    let canary = CANARY;
    env.run(["login"]).success();
    let kept = crate::support::files::files(&env.home.path("state/kept")).remove(0);
    for file in [
        canary.to_owned(),
        format!("\"{canary}\""),
        format!("{{\"{canary}\": 1"),
        format!("{{\"manager\": [\"{canary}\"]}}"),
    ] {
        std::fs::write(&kept, &file).expect("a file");
        refused(&env, 1, &FIND, &["kept"]);
    }
    std::fs::remove_file(&kept).expect("a file");
    let unfinished = env.home.path("state/unfinished");
    std::fs::create_dir_all(&unfinished).expect("a folder");
    set_mode(&unfinished, 0o700);
    let record = unfinished.join("1a2b3c4d.json");
    for file in [
        canary.to_owned(),
        format!("\"{canary}\""),
        format!("{{\"{canary}\": 1}}"),
        format!("{{\n\"work\": \"{canary}\"}}"),
        format!("{{\n\"operation\": [\"{canary}\"]}}"),
    ] {
        std::fs::write(&record, &file).expect("a file");
        set_mode(&record, 0o600);
        for format in ["text", "json"] {
            let result = env.run(["recover", "--list", "-vv", "-o", format]);
            contains(&result.stderr, &["1a2b3c4d.json"]);
            assert_silent("recover", &result, &[canary], None);
        }
        let result = env.run(["find-role", "Auditor", "-vv"]);
        result.success();
        assert_silent("find-role", &result, &[canary], None);
    }
    std::fs::remove_file(&record).expect("a file");
    // The records of the lockout guard.
    env.run(["find-role", "Auditor", "--mfa-code", "123456"]);
    for path in crate::support::files::files(&env.home.path("state/sign-ins")) {
        std::fs::write(&path, format!("{{\"refused\": \"{canary}\"}}")).expect("a file");
    }
    let result = env.run(["find-role", "Auditor", "-vv"]);
    result.success();
    assert_silent("find-role", &result, &[canary], None);
}

#[test]
fn role_key_and_dotenv_files() {
    let env = TestEnv::new();
    let canary = CANARY;
    for file in [
        canary.to_owned(),
        format!("\"{canary}\""),
        format!("[\"{canary}\"]"),
        format!("[{{\"ID\": \"{canary}\"}}]"),
        format!("[{{\"name\": [\"{canary}\"]}}]"),
        format!("{{\"{canary}\": 1}}"),
        format!("[{{\"name\": \"{canary}\""),
    ] {
        let path = env.home.write("roles.json", &file);
        let arguments = ["sandbox", "--roles", text(&path), "--", "true"];
        refused(&env, 2, &arguments, &["role"]);
    }
    for file in [
        canary.to_owned(),
        format!("\"{canary}\""),
        format!("[\"{canary}\"]"),
        format!("[{{\"{canary}\": 1}}]"),
        format!("[{{\"created\": \"{canary}\"}}]"),
        format!("[{{\"secretKey\": \" {canary}\"}}]"),
        format!("[{{\"secretKey\": \"{canary}\"}}, {{\"secretKey\": \"{canary}\"}}]"),
        format!("[{{\"secretKey\": \"{canary}\""),
    ] {
        let path = env.home.write("keys.json", &file);
        let arguments = ["sandbox", "--keys", text(&path), "--", "true"];
        refused(&env, 2, &arguments, &["`--keys`", "keys.json"]);
    }
    for file in [
        format!("SWP_API_KEY={canary}\nSWP_API_KEY={canary}\n"),
        format!("A={canary}\0"),
    ] {
        let path = env.home.write_secret(".env", &file);
        let arguments = ["create-key", "--role", "Auditor", "--dotenv", text(&path)];
        refused(&env, 2, &arguments, &["`--dotenv`", ".env"]);
    }
}

#[test]
fn secret_files_and_variables() {
    let canary = CANARY;
    for content in [
        format!("{canary}\n{canary}\n"),
        format!("{canary}\0"),
        format!("{canary}\r"),
        format!("\u{feff}{canary}"),
    ] {
        let mut env = TestEnv::new();
        let path = env.home.write_secret("secret", &content);
        for flag in ["--password-file", "--api-key-file"] {
            let arguments = [&FIND[..], &[flag, text(&path)]].concat();
            refused(&env, 2, &arguments, &[flag]);
        }
        let command = format!("cat '{}'", text(&path));
        for flag in ["--password-command", "--mfa-command"] {
            let arguments = [&FIND[..], &[flag, &command]].concat();
            refused(&env, 2, &arguments, &[flag]);
        }
        if !content.contains('\0') {
            for variable in ["SWP_PASSWORD", "SWP_API_KEY", "SWP_MFA_CODE"] {
                env.home.unset("SWP_PASSWORD_FILE");
                env.home.set(variable, &content);
                refused(&env, 2, &FIND, &[variable]);
                env.home.unset(variable);
            }
        }
        assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
    }
}

#[test]
fn values_that_a_library_parses() {
    let canary = CANARY;
    for (flag, value) in [
        ("--url", format!("https://[{canary}]")),
        ("--url", format!("https://h:{canary}")),
        ("--wait", format!("5{canary}")),
        ("--timeout", format!("5s 3{canary}")),
        ("--tls-pin", format!("sha256:{canary}")),
        ("--password-command", format!("'{canary}")),
        ("--password-command", format!("{canary} | {canary}")),
        ("--mfa-command", format!("\"{canary}")),
        ("--mfa-code", canary.to_owned()),
        ("--retries", canary.to_owned()),
    ] {
        let env = TestEnv::new();
        let arguments = [&FIND[..], &[flag, &value]].concat();
        refused(&env, 2, &arguments, &[flag]);
        assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
    }
    let env = TestEnv::new();
    let bad = format!("5{canary}");
    let zone = format!("Europe/{canary}");
    let command = format!("'{canary}");
    for arguments in [
        ["list-keys", "--stale", &bad].as_slice(),
        &["list-keys", "--expiring", &bad],
        &["sandbox", "--session-idle", &bad, "--", "true"],
        &["sandbox", "--session-max", &bad, "--", "true"],
        &["create", "--role-id", "2", "--expires", &bad],
        &[
            "create",
            "--role-id",
            "2",
            "--expires",
            "2050-01-01",
            "--time-zone",
            &zone,
        ],
        &["create", "--role-id", "2", "--deliver-cmd", &command],
        &["list-keys", "--role-id", "-770077007700770077"],
    ] {
        let result = run(&env, arguments, &["-o", "json"]);
        result.failure(2);
        assert_silent(
            &arguments.join(" "),
            &result,
            &[canary, "770077007700770077"],
            None,
        );
    }
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}
