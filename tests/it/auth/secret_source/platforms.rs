//! Files with secrets that a platform mounts for a process: which are accepted, and the hint of a rejection.

use std::path::Path;

use rustix::fs::XattrFlags;

use crate::support::contains;
use crate::support::platform::{GROUP, OTHER, Platform, USER};

/// Mounts a small file system at `$HOME/mnt`.
const MEMORY: &str = "mkdir -p \"$HOME/mnt\"; cd \"$HOME/mnt\"; mount -t tmpfs -o mode=755 tmpfs .; cd \"$HOME/mnt\"; ";
/// Makes it read-only.
const READ_ONLY: &str = "; mount -o remount,ro \"$HOME/mnt\"";
/// Mounts an empty `/run`, and creates `/run/secrets`.
const RUN: &str = "mount -t tmpfs -o mode=755 tmpfs /run; mkdir /run/secrets; cd /run/secrets; ";
const FILE: &str = "$HOME/mnt/dsm";
const DOCKER: &str = "/run/secrets/dsm";

#[track_caller]
fn accepted(platform: &Platform, setup: &str, file: &str) {
    assert_eq!(platform.as_user(setup, file).success(), "2", "{setup}");
}

/// Asserts that the file is rejected with a hint that contains these parts.
#[track_caller]
fn rejected(platform: &Platform, setup: &str, file: &str, hint: &[&str]) {
    let before = platform.env.sandbox.connections().tcp;
    let result = platform.as_user(setup, file);
    let stderr = result.failure(2);
    contains(stderr, &["`--password-file`", "other users"]);
    contains(stderr, hint);
    contains(stderr, &["--allow-loose-permissions"]);
    let after = platform.env.sandbox.connections().tcp;
    assert_eq!(after, before, "nothing is sent: {setup}");
}

fn in_memory(steps: &str) -> String {
    format!("{MEMORY}cp \"$PW\" dsm; {steps}")
}

fn in_run(steps: &str) -> String {
    format!("{RUN}cp \"$PW\" dsm; {steps}")
}

/// Replaces the permissions of a file by those of its owner and of these users (the tag 2) and groups (the tag 8), as systemd does with
/// `LoadCredential=`.
fn grant(path: &Path, holders: &[(u16, u32)], permissions: u16) {
    const NONE: u32 = u32::MAX;
    let mut entries = vec![
        (1, permissions, NONE),
        (4, 0, NONE),
        (0x10, permissions, NONE),
        (0x20, 0, NONE),
    ];
    entries.extend(holders.iter().map(|(tag, id)| (*tag, permissions, *id)));
    entries.sort_by_key(|(tag, ..)| *tag);
    // The form in which the kernel stores an ACL, with the version at the start.
    let mut list = vec![2, 0, 0, 0];
    for (tag, permissions, id) in entries {
        list.extend([tag.to_le_bytes(), permissions.to_le_bytes()].concat());
        list.extend(id.to_le_bytes());
    }
    rustix::fs::setxattr(path, "system.posix_acl_access", &list, XattrFlags::empty())
        .expect("the file system supports ACLs");
}

#[test]
fn a_secret_of_kubernetes_is_accepted() {
    let Some(platform) = Platform::new() else {
        return;
    };
    let volume = |owner: &str, mode: &str| {
        format!(
            "{MEMORY}mkdir ..2026; cp \"$PW\" ..2026/dsm; ln -s ..2026 ..data; ln -s ..data/dsm dsm; chown {owner} ..2026/dsm; chmod {mode} ..2026/dsm; chmod 3777 ."
        )
    };
    let with_group = volume(&format!("0:{GROUP}"), "0440");
    accepted(&platform, &format!("{with_group}{READ_ONLY}"), FILE);
    accepted(&platform, &with_group, FILE);
    let without_group = format!("{}{READ_ONLY}", volume("0:0", "0644"));
    accepted(&platform, &without_group, FILE);
    let as_root = platform.as_root(&without_group, FILE);
    assert_eq!(as_root.success(), "2");
}

#[test]
fn a_secret_in_run_secrets_is_accepted() {
    let Some(platform) = Platform::new() else {
        return;
    };
    let readme = include_str!("../../../../README.md");
    contains(readme, &[&format!("SWP_PASSWORD_FILE={DOCKER}")]);
    accepted(&platform, &in_run("chmod 444 dsm"), DOCKER);
    let single = "mkdir /run/m; mount -t tmpfs tmpfs /run/m; mv dsm /run/m; chmod 444 /run/m/dsm; touch dsm; mount -o bind,ro /run/m/dsm dsm";
    accepted(&platform, &in_run(single), DOCKER);
}

#[test]
fn a_credential_of_systemd_is_accepted() {
    let Some(mut platform) = Platform::new() else {
        return;
    };
    let folder = platform.env.home.path("credentials");
    std::fs::create_dir(&folder).expect("a folder");
    let file = folder.join("dsm");
    std::fs::copy(platform.env.home.path("password"), &file).expect("a file");
    let path = "$HOME/credentials/dsm";
    grant(&folder, &[(2, USER)], 5);
    grant(&file, &[(2, USER)], 4);
    assert_eq!(crate::support::files::mode(&file), 0o440);
    accepted(&platform, "", path);
    platform.env.home.set("CREDENTIALS_DIRECTORY", &folder);
    accepted(&platform, "", path);
    // No other user can enter the folder, so the mode of the file has no effect.
    accepted(&platform, "chmod 444 \"$HOME/credentials/dsm\"", path);
    rejected(
        &platform,
        "chmod 555 \"$HOME/credentials\"",
        path,
        &["chown"],
    );
    platform.env.home.unset("CREDENTIALS_DIRECTORY");
    rejected(
        &platform,
        "chmod 555 \"$HOME/credentials\"",
        path,
        &["chown"],
    );
}

#[test]
fn a_credentials_directory_protects_only_the_files_in_it() {
    let Some(mut platform) = Platform::new() else {
        return;
    };
    let folder = platform.env.home.path("credentials");
    std::fs::create_dir(&folder).expect("a folder");
    grant(&folder, &[(2, USER)], 5);
    platform.env.home.set("CREDENTIALS_DIRECTORY", &folder);
    let link = "$HOME/credentials/dsm";
    let outside = in_memory("chmod 444 dsm; ln -sf \"$PWD/dsm\" \"$HOME/credentials/dsm\"");
    rejected(&platform, &outside, link, &["chown"]);
    rejected(&platform, &outside, FILE, &["chown"]);
    // A file of a different user, who can change it.
    let other = format!("cp \"$PW\" \"{link}\"; chmod 444 \"{link}\"; chown {OTHER} \"{link}\"");
    rejected(
        &platform,
        &format!("rm -f \"{link}\"; {other}"),
        link,
        &["chown"],
    );
}

#[test]
fn only_the_user_and_groups_of_root_may_be_in_an_access_list() {
    let Some(platform) = Platform::new() else {
        return;
    };
    let file = platform.env.home.path("listed");
    std::fs::copy(platform.env.home.path("password"), &file).expect("a file");
    let path = "$HOME/listed";
    grant(&file, &[(8, GROUP)], 4);
    accepted(&platform, "", path);
    grant(&file, &[(8, GROUP)], 6);
    rejected(&platform, "", path, &["chown"]);
    for other in [(2, OTHER), (8, OTHER)] {
        grant(&file, &[(2, USER), other], 4);
        rejected(&platform, "", path, &["chown"]);
    }
    // The owner of the file can read it, too.
    grant(&file, &[(2, USER)], 4);
    std::os::unix::fs::chown(&file, Some(OTHER), None).expect("the owner is set");
    rejected(&platform, "", path, &["chown"]);
    std::os::unix::fs::chown(&file, Some(USER), None).expect("the owner is set");
    for (tag, id) in [(2, OTHER), (8, GROUP)] {
        grant(&file, &[(tag, id)], 4);
        rejected(&platform, "", path, &["`chmod 600 "]);
    }
    grant(&file, &[(2, USER)], 4);
    accepted(&platform, "", path);
}

#[test]
fn a_group_is_accepted_only_for_a_file_of_root_that_it_cannot_change() {
    let Some(platform) = Platform::new() else {
        return;
    };
    let with =
        |owner: u32, mode: &str| in_memory(&format!("chown {owner}:{GROUP} dsm; chmod {mode} dsm"));
    accepted(&platform, &with(0, "0640"), FILE);
    for mode in ["0660", "0650", "0644", "0641"] {
        rejected(
            &platform,
            &with(0, mode),
            FILE,
            &["`chown 54321 ", "as root"],
        );
    }
    rejected(&platform, &with(USER, "0640"), FILE, &["`chmod 600 "]);
    rejected(&platform, &with(OTHER, "0440"), FILE, &["`chown 54321 "]);
    // The group `root` is a group of root, but root can restrict its own files.
    let own = in_memory("chmod 0640 dsm");
    contains(platform.as_root(&own, FILE).failure(2), &["`chmod 600 "]);
}

#[test]
fn a_file_in_run_secrets_must_belong_to_root() {
    let Some(platform) = Platform::new() else {
        return;
    };
    for change in [
        format!("chmod 444 dsm; chown {OTHER} dsm"),
        format!("chmod 444 dsm; chown {OTHER} ."),
        "chmod 444 dsm; chmod 777 .".to_owned(),
        "chmod 464 dsm".to_owned(),
        "chmod 446 dsm".to_owned(),
        "chmod 444 dsm; mv dsm /run/; ln -s ../dsm dsm".to_owned(),
    ] {
        rejected(&platform, &in_run(&change), DOCKER, &["chown"]);
    }
    let own = in_run(&format!("chmod 444 dsm; chown {USER} dsm"));
    rejected(&platform, &own, DOCKER, &["`chmod 600 "]);
}

#[test]
fn a_read_only_mount_must_contain_files_of_root_and_no_software() {
    let Some(platform) = Platform::new() else {
        return;
    };
    let docker = "mkdir \"$HOME/source\" \"$HOME/mnt\"; cp \"$PW\" \"$HOME/source/dsm\"; chmod 644 \"$HOME/source/dsm\"; mount -o bind,ro \"$HOME/source\" \"$HOME/mnt\"";
    accepted(&platform, docker, FILE);
    rejected(&platform, &in_memory("chmod 444 dsm"), FILE, &["as root"]);
    for change in [
        format!("chmod 444 dsm; chown {OTHER} dsm"),
        format!("chmod 444 dsm; chown {USER} dsm"),
        "chmod 466 dsm".to_owned(),
    ] {
        let setup = format!("{}{READ_ONLY}", in_memory(&change));
        let hint = ["54321", "0400", "read-only mount"];
        rejected(&platform, &setup, FILE, &hint);
    }
    let software = format!("{}{READ_ONLY}", in_memory("chmod 444 dsm"));
    let software = software.replace("$HOME/mnt", "/usr/local");
    rejected(
        &platform,
        &software,
        "/usr/local/dsm",
        &["only you can read"],
    );
    let on_root_mount = platform.script("test \"$(stat -c %m \"$HOME\")\" = /");
    if on_root_mount.code() == 0 {
        let system =
            "cp \"$PW\" \"$HOME/dsm\"; chmod 444 \"$HOME/dsm\"; mount -o remount,ro,bind /";
        rejected(&platform, system, "$HOME/dsm", &["only you can read"]);
    }
}

#[test]
fn the_checks_of_files_accept_the_secret_of_a_platform() {
    let Some(mut platform) = Platform::new() else {
        return;
    };
    let folder = platform.env.home.path("config");
    std::fs::create_dir(&folder).expect("a folder");
    let profile =
        "[profiles.p]\nurl = \"https://dsm.example.com\"\npassword-file = \"/run/secrets/dsm\"\n";
    platform.env.home.write("config/config.toml", profile);
    platform.env.home.set("SWP_CONFIG_DIR", &folder);
    let check = "\"$SWP_KEYS\" config check";
    let result = platform.script(&in_run(&format!("chmod 444 dsm; {check}")));
    result.success();
    let result = platform.script(&in_run(&format!("chmod 666 dsm; {check}")));
    contains(result.failure(2), &["`password-file`", "chmod 600"]);
}
