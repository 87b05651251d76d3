//! The file that a session is kept in: where it is, who may read it, what is not in it, and what becomes of a broken one.

use std::path::{Path, PathBuf};

use swp_keys::sandbox::Settings;

use super::session::kept;
use crate::support::files::files;
use crate::support::{World, contains};

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
fn the_file_is_private_in_private_folders_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let world = World::new();
        let template = world.home.command(["login"]);
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
        crate::support::Ran::of(&mut command).success();
        let [file] = &kept(&world)[..] else {
            panic!("one file is kept: {:?}", kept(&world));
        };
        assert_eq!(mode(file), 0o600, "umask {umask}");
        assert_eq!(mode(&world.home.path("state/kept")), 0o700, "umask {umask}");
        assert_eq!(mode(&world.home.path("state")), 0o700, "umask {umask}");
    }
}

#[cfg(unix)]
#[test]
fn folders_and_files_that_were_looser_are_made_private() {
    let world = World::new();
    world.run(["login"]).success();
    let file = kept(&world).remove(0);
    for path in [
        &file,
        &world.home.path("state/kept"),
        &world.home.path("state"),
    ] {
        crate::support::set_mode(path, 0o755);
    }
    world.run(["login"]).success();
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&world.home.path("state/kept")), 0o700);
    // The folder that SWP_STATE_DIR names may hold other things; what is ours in it is private.
    assert_eq!(mode(&world.home.path("state")), 0o755);
}

#[test]
fn no_password_code_or_trace_of_a_write_is_left() {
    let mut world = World::with(Settings {
        password: "Kept-N0where".to_owned(),
        mfa_code: Some("73910482".to_owned()),
        ..Settings::default()
    });
    world.home.set("SWP_MFA_CODE", "73910482");
    for _ in 0..2 {
        world.run(["login", "--force-login"]).success();
        assert_eq!(kept(&world).len(), 1, "{:?}", kept(&world));
    }
    for path in files(&world.home.path("")) {
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
fn the_folder_is_found_by_its_variables_in_their_order() {
    let mut world = World::new();
    let (own, xdg, home) = (
        "own/kept",
        "xdg/swp-keys/kept",
        ".local/state/swp-keys/kept",
    );
    let places = |world: &World| [own, xdg, home].map(|place| files(&world.home.path(place)).len());
    world.home.set("SWP_STATE_DIR", world.home.path("own"));
    world.home.set("XDG_STATE_HOME", world.home.path("xdg"));
    world.run(["login"]).success();
    assert_eq!(places(&world), [1, 0, 0]);
    world.home.set("SWP_STATE_DIR", "");
    world.run(["login"]).success();
    assert_eq!(places(&world), [1, 1, 0]);
    // Relative ones are ignored, as the XDG specification wants.
    if cfg!(unix) {
        for nothing in ["", "relative"] {
            world.home.set("XDG_STATE_HOME", nothing);
            world.run(["login"]).success();
            assert_eq!(places(&world), [1, 1, 1], "{nothing:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_session_that_cannot_be_kept_is_not_left_on_the_manager() {
    let mut world = World::new();
    // Nobody can make a folder there, not even root.
    world.home.set("SWP_STATE_DIR", "/proc/swp-keys-test");
    let ran = world.run(["login"]);
    contains(
        ran.failure(1),
        &["cannot be kept", "/proc/swp-keys-test", "SWP_STATE_DIR"],
    );
    assert_eq!(world.sandbox.live_sessions(), 0);
    // Nothing else needs the folder.
    assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
    world.run(["create", "--role", "Auditor"]).success();
    world.run(["logout"]).success();
}

#[test]
fn a_folder_that_is_a_file_is_said_to_be_wrong() {
    let mut world = World::new();
    let file = world.home.write("file", "");
    world.home.set("SWP_STATE_DIR", &file);
    let ran = world.run(["login"]);
    contains(ran.failure(1), &[&file.display().to_string()]);
    assert_eq!(world.sandbox.live_sessions(), 0);
}

#[test]
fn a_broken_file_is_named_and_a_new_login_mends_it() {
    let world = World::new();
    world.run(["login"]).success();
    let file = kept(&world).remove(0);
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
            let ran = world.run(command);
            contains(ran.failure(1), &[&name, "swp-keys login"]);
            assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        }
        world.run(["login"]).success();
        world.run(["list-roles"]).success();
    }
    assert_eq!(kept(&world), [file]);
}

#[test]
fn a_file_with_a_session_that_cannot_be_sent_is_an_error_and_no_panic() {
    let world = World::new();
    world.run(["login"]).success();
    let file = kept(&world).remove(0);
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
        world.sandbox.forget_requests();
        let ran = world.run(["list-roles"]);
        assert_ne!(ran.code(), 0);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        world.run(["logout"]).success();
        assert!(!file.exists());
        session[field] = good;
    }
}

#[test]
fn files_of_others_in_the_folder_do_not_matter() {
    let world = World::new();
    world.run(["login"]).success();
    let folder: PathBuf = world.home.path("state/kept");
    std::fs::write(folder.join(".swp-keys-cut-off.tmp"), "{").expect("a file");
    world.run(["list-roles"]).success();
}
