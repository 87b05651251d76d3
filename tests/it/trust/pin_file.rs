//! The pin file: invalid content, other owners, locks and folders.

use swp_keys::sandbox::CertificateKind;

use super::fixtures::{file, keep, other_pin, shown, unknown_manager};
use crate::support::snapshot::snapshot;
use crate::support::{contains, set_mode};

#[test]
fn an_invalid_file_is_reported_with_its_line() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    std::fs::create_dir(env.home.path("config")).expect("a folder");
    for text in [
        "[managers.\"a:1\"]\npins = [\"sha256:12\"]\nadded = \"\"\n",
        "[manager]\n",
        "\n\n=",
    ] {
        env.home.write_secret("config/trusted.toml", text);
        for command in [
            &["find-role", "Auditor"][..],
            &["trust", "list"],
            &["trust", "remove"],
        ] {
            let result = env.run(command);
            contains(result.failure(2), &["trusted.toml (SWP_CONFIG_DIR)"]);
            snapshot(&result.stderr);
        }
    }
    assert_eq!(env.sandbox.connections().tcp, 0);
}

#[cfg(unix)]
#[test]
fn a_file_that_other_users_can_write_is_rejected() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    keep(&env, &shown(&env));
    let path = env.home.path("config/trusted.toml");
    for mode in [0o620, 0o602, 0o666] {
        set_mode(&path, mode);
        let result = env.run(["find-role", "Auditor"]);
        contains(result.failure(2), &["chmod go-w"]);
    }
    // Other users may read the file, because it contains no secret.
    set_mode(&path, 0o644);
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    assert_eq!(env.sandbox.requests().len(), 3);
}

#[cfg(unix)]
#[test]
fn a_folder_in_which_other_users_can_replace_the_file_is_rejected() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    keep(&env, &other_pin());
    let folder = env.home.path("config");
    for mode in [0o770, 0o707] {
        set_mode(&folder, mode);
        let result = env.run(["find-role", "Auditor"]);
        contains(result.failure(2), &["go-w"]);
        // The run must not save a pin in a folder where other users can remove files.
        std::fs::remove_file(folder.join("trusted.toml")).expect("the file was saved");
        let result = env.run(["trust", "add", "--tls-pin", &other_pin()]);
        contains(result.failure(2), &["go-w"]);
        set_mode(&folder, 0o700);
        keep(&env, &other_pin());
    }
    // In a folder with the sticky bit, other users cannot replace the file.
    set_mode(&folder, 0o1777);
    snapshot(env.run(["find-role", "Auditor"]).failure(7));
}

#[cfg(unix)]
#[test]
fn the_wait_for_a_lock_has_a_limit() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    keep(&env, &other_pin());
    let folder = std::fs::File::open(env.home.path("config")).expect("the folder");
    folder.lock().expect("a lock");
    let result = env.run(["trust", "remove"]);
    snapshot(result.failure(2));
    contains(&file(&env.home), &[&other_pin()]);
}

#[cfg(unix)]
#[test]
fn without_a_home_folder_no_pin_is_saved() {
    let mut env = unknown_manager(CertificateKind::SelfSigned);
    for name in ["SWP_CONFIG_DIR", "XDG_CONFIG_HOME"] {
        env.home.unset(name);
    }
    env.home.set("HOME", "here");
    let result = env.run(["trust", "add", "--tls-pin", &other_pin()]);
    snapshot(result.failure(2));
}

#[cfg(unix)]
#[test]
fn a_pipe_as_the_pin_file_does_not_block() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    std::fs::create_dir(env.home.path("config")).expect("a folder");
    let status = std::process::Command::new("mkfifo")
        .arg(env.home.path("config/trusted.toml"))
        .status();
    assert!(status.expect("mkfifo runs").success());
    snapshot(env.run(["trust", "list"]).failure(2));
}
