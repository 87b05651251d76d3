//! The file of a saved session: its path, its permissions, its content, and what happens if it is invalid.

use std::path::{Path, PathBuf};

use swp_keys::sandbox::Settings;

use super::session::saved_files;
use crate::support::files::files;
use crate::support::{TestEnv, contains};

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o7777
}

#[cfg(unix)]
#[test]
fn the_file_and_its_folders_are_private_with_any_umask() {
    for umask in ["000", "022", "077"] {
        let env = TestEnv::new();
        let template = env.home.command(["login"]);
        let mut command = std::process::Command::new("sh");
        command
            .env_clear()
            .args(["-c", &format!("umask {umask}; exec \"$0\" login")]);
        command.arg(template.get_program());
        command.envs(
            template
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        crate::support::RunResult::of(&mut command).success();
        let [file] = &saved_files(&env)[..] else {
            panic!("one file is kept: {:?}", saved_files(&env));
        };
        assert_eq!(mode(file), 0o600, "umask {umask}");
        assert_eq!(mode(&env.home.path("state/kept")), 0o700, "umask {umask}");
        assert_eq!(mode(&env.home.path("state")), 0o700, "umask {umask}");
    }
}

#[cfg(unix)]
#[test]
fn existing_folders_and_files_are_made_private() {
    let env = TestEnv::new();
    env.run(["login"]).success();
    let file = saved_files(&env).remove(0);
    for path in [&file, &env.home.path("state/kept"), &env.home.path("state")] {
        crate::support::set_mode(path, 0o755);
    }
    env.run(["login"]).success();
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&env.home.path("state/kept")), 0o700);
    // The folder in SWP_STATE_DIR may contain other files, so its mode is not changed. Our own folders and files in it are private.
    assert_eq!(mode(&env.home.path("state")), 0o755);
}

#[test]
fn no_password_code_or_trace_of_a_write_is_left() {
    let mut env = TestEnv::with(Settings {
        password: "Kept-N0where".to_owned(),
        mfa_code: Some("73910482".to_owned()),
        ..Settings::default()
    });
    env.home.set("SWP_MFA_CODE", "73910482");
    for _ in 0..2 {
        env.run(["login", "--force-login"]).success();
        assert_eq!(saved_files(&env).len(), 1, "{:?}", saved_files(&env));
    }
    for path in files(&env.home.path("")) {
        if path.ends_with("password") {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("Kept-N0where"), "{}: {text}", path.display());
        assert!(!text.contains("73910482"), "{}: {text}", path.display());
    }
}

#[test]
fn the_folder_variables_have_an_order_of_precedence() {
    let mut env = TestEnv::new();
    let (own, xdg, home) = (
        "own/kept",
        "xdg/swp-keys/kept",
        ".local/state/swp-keys/kept",
    );
    let places = |env: &TestEnv| [own, xdg, home].map(|place| files(&env.home.path(place)).len());
    env.home.set("SWP_STATE_DIR", env.home.path("own"));
    env.home.set("XDG_STATE_HOME", env.home.path("xdg"));
    env.run(["login"]).success();
    assert_eq!(places(&env), [1, 0, 0]);
    env.home.set("SWP_STATE_DIR", "");
    env.run(["login"]).success();
    assert_eq!(places(&env), [1, 1, 0]);
    // Relative paths are ignored, as the XDG specification requires.
    if cfg!(unix) {
        for nothing in ["", "relative"] {
            env.home.set("XDG_STATE_HOME", nothing);
            env.run(["login"]).success();
            assert_eq!(places(&env), [1, 1, 1], "{nothing:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_session_that_cannot_be_saved_is_ended_on_the_manager() {
    let mut env = TestEnv::new();
    // No user can create a folder there, not even root.
    env.home.set("SWP_STATE_DIR", "/proc/swp-keys-test");
    let result = env.run(["login"]);
    contains(result.failure(1), &["/proc/swp-keys-test", "SWP_STATE_DIR"]);
    assert_eq!(env.sandbox.live_sessions(), 0);
    // Other commands do not need the folder.
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    env.run(["create", "--role", "Auditor"]).success();
    env.run(["logout"]).success();
}

#[test]
fn a_folder_that_is_a_file_is_reported() {
    let mut env = TestEnv::new();
    let file = env.home.write("file", "");
    env.home.set("SWP_STATE_DIR", &file);
    let result = env.run(["login"]);
    contains(result.failure(1), &[&file.display().to_string()]);
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[test]
fn an_invalid_file_is_reported_and_a_new_login_replaces_it() {
    let env = TestEnv::new();
    env.run(["login"]).success();
    let file = saved_files(&env).remove(0);
    let whole = std::fs::read_to_string(&file).expect("the file");
    let name = file
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let broken: [&[u8]; 7] = [
        b"",
        b"{}",
        b"null",
        b"[1,2]",
        b"\xff\xfe\x00",
        &whole.as_bytes()[..whole.len() / 2],
        &b"[".repeat(200_000),
    ];
    for content in broken {
        std::fs::write(&file, content).expect("the file");
        for command in [
            &["list-roles"][..],
            &["create", "--role-id", "2"],
            &["logout"],
        ] {
            let result = env.run(command);
            contains(result.failure(1), &[&name, "swp-keys login"]);
            assert!(!result.stderr.contains("panicked"), "{}", result.stderr);
        }
        env.run(["login"]).success();
        env.run(["list-roles"]).success();
    }
    assert_eq!(saved_files(&env), [file]);
}

#[test]
fn a_saved_session_with_invalid_characters_is_an_error() {
    let env = TestEnv::new();
    env.run(["login"]).success();
    let file = saved_files(&env).remove(0);
    let whole = std::fs::read_to_string(&file).expect("the file");
    let mut session: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
    for (field, bad) in [
        ("request_id", serde_json::json!("two\r\nlines")),
        ("cookies", serde_json::json!([["sID", "a\nb"]])),
        ("cookies", serde_json::json!([])),
    ] {
        let good = session[field].clone();
        session[field] = bad;
        std::fs::write(&file, session.to_string()).expect("the file");
        env.sandbox.forget_requests();
        let result = env.run(["list-roles"]);
        assert_ne!(result.code(), 0);
        assert!(!result.stderr.contains("panicked"), "{}", result.stderr);
        env.run(["logout"]).success();
        assert!(!file.exists());
        session[field] = good;
    }
}

#[test]
fn other_files_in_the_folder_are_ignored() {
    let env = TestEnv::new();
    env.run(["login"]).success();
    let folder: PathBuf = env.home.path("state/kept");
    std::fs::write(folder.join(".swp-keys-cut-off.tmp"), "{").expect("a file");
    env.run(["list-roles"]).success();
}
