//! The files of the guard: they contain no secret, exist only after a rejection, and are not required for a run to succeed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use swp_keys::sandbox::Settings;

use super::guard::{
    FIND, MINUTE, age_records, env_with_wrong_password, give_the_right_password, record, records,
    refused_twice, sign_ins, stopped,
};
use crate::support::files::files;
use crate::support::files::read;
use crate::support::{TestEnv, contains};

const CODE: &str = "48151623";

#[test]
fn only_a_rejected_run_leaves_a_record_and_it_contains_no_names_or_secrets() {
    let mut env = TestEnv::with(Settings {
        username: "Kim-the-administrator".to_owned(),
        tenant: Some("Acme-the-tenant".to_owned()),
        mfa_code: Some(CODE.to_owned()),
        sign_in_attempts: 99,
        ..Settings::default()
    });
    env.home.set("SWP_TENANT", "Acme-the-tenant");
    (env.sandbox).change(|settings| settings.mfa_code = None);
    env.run(["create", "--role", "Auditor"]).success();
    assert!(!env.home.path("state/sign-ins").exists());
    (env.sandbox).change(|settings| settings.mfa_code = Some(CODE.to_owned()));
    let wrong = env.home.write_secret("wrong", "hunter2hunter2");
    env.home.set("SWP_PASSWORD_FILE", wrong);
    let with_code = [&FIND[..], &["--mfa-code", CODE]].concat();
    env.run(&with_code).failure(4);
    assert_eq!(files(&env.home.path("state")).len(), 2, "a key, a record");
    let address = env.sandbox.url();
    let (host, port) = address.rsplit_once(':').expect("a port");
    for path in files(&env.home.path("state")) {
        let text = format!("{} {}", path.display(), read(&path));
        let text = text.split_once("/state/").expect("a path in it").1;
        for word in ["Kim", "Acme", "hunter2", CODE, host, port, "127.0.0.1"] {
            for form in [word.to_owned(), STANDARD.encode(word)] {
                // A few digits can occur in a hash by chance, for example the port.
                let holds = text.to_lowercase().contains(&form.to_lowercase());
                assert!(form == port || !holds, "{form} in {text}");
            }
        }
        // A digest without the guard's key must not occur either, because a table of digests would reveal the code.
        let digest = ring::digest::digest(&ring::digest::SHA256, CODE.as_bytes());
        let digest: String = (digest.as_ref().iter().take(8))
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert!(!text.contains(&digest), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn the_record_is_private() {
    use crate::support::files::mode;
    let env = refused_twice();
    let folder = env.home.path("state/sign-ins");
    assert_eq!(mode(&folder), 0o700);
    for path in files(&folder) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn the_key_is_random_and_created_once() {
    let (one, other) = (refused_twice(), refused_twice());
    let key = |env: &TestEnv| read(env.home.path("state/sign-ins/key"));
    assert_eq!(key(&one).len(), 64);
    assert_ne!(key(&one), key(&other));
    let before = key(&one);
    one.run([&FIND[..], &["--force-login"]].concat()).failure(4);
    assert_eq!(key(&one), before);
}

#[test]
fn expired_records_are_removed_with_the_next_one() {
    let mut env = refused_twice();
    age_records(&env, 15 * MINUTE);
    env.home.set("SWP_USERNAME", "kim");
    env.run(FIND).failure(4);
    assert_eq!(records(&env).len(), 1, "{:?}", records(&env));
}

#[test]
fn an_invalid_record_is_ignored_and_replaced() {
    let mut env = refused_twice();
    let [path] = &records(&env)[..] else {
        panic!("one record is there");
    };
    let broken: [&[u8]; 8] = [
        b"",
        b"null",
        b"[1,2]",
        b"\xff\xfe\x00",
        br#"{"refused":["x","y"]}"#,
        br#"{"refused":[1e300,1e300]}"#,
        br#"{"refused":[1,2"#,
        &b"[".repeat(200_000),
    ];
    for content in broken {
        std::fs::write(path, content).expect("a file");
        let quiet = env.run(FIND);
        quiet.failure(4);
        assert!(
            !quiet.stderr.contains(&path.display().to_string()),
            "{}",
            quiet.stderr
        );
        assert_eq!(record(&env)["refused"].as_array().map(Vec::len), Some(1));
        std::fs::write(path, content).expect("a file");
        let result = env.run([&FIND[..], &["-v"]].concat());
        contains(result.failure(4), &["info: ", &path.display().to_string()]);
    }
    // Impossible times are ignored, and so are fields of later versions.
    let odd = format!(r#"{{"refused":[{},{}],"more":1}}"#, i64::MIN, i64::MAX);
    std::fs::write(path, odd).expect("a file");
    give_the_right_password(&mut env);
    env.run(FIND).success();
    assert!(!path.exists());
}

#[test]
fn an_invalid_key_is_replaced() {
    for content in ["", "short", &"x".repeat(64)] {
        let env = env_with_wrong_password();
        let folder = env.home.path("state/sign-ins");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("key"), content).expect("a file");
        for _ in 0..2 {
            env.run(FIND).failure(4);
        }
        stopped(&env, || env.run(FIND));
        assert_eq!(read(folder.join("key")).len(), 64);
    }
}

#[test]
fn a_clock_that_jumped_back_does_not_pause_sign_ins_for_long() {
    let mut env = refused_twice();
    age_records(&env, -20 * MINUTE);
    give_the_right_password(&mut env);
    env.run(FIND).success();
}

/// A file in place of the folder makes it unwritable for every user, including root.
#[test]
fn a_run_works_without_a_writable_state_folder() {
    let mut places = vec!["state"];
    if cfg!(target_os = "linux") {
        places.push("/proc/swp-keys-test");
    }
    for place in places {
        let mut env = env_with_wrong_password();
        env.home.set("SWP_STATE_DIR", env.home.path(place));
        std::fs::create_dir(env.home.path("state")).expect("a folder");
        env.home.write("state/sign-ins", "");
        for _ in 0..3 {
            let result = env.run(FIND);
            result.failure(4);
            assert!(!result.stderr.contains("info: "), "{}", result.stderr);
        }
        let output = env.run([&FIND[..], &["-v"]].concat());
        contains(output.failure(4), &["info:", "sign-ins"]);
        assert_eq!(sign_ins(&env), 4);
        give_the_right_password(&mut env);
        env.run(FIND).success();
    }
}

/// If the records are read-only, the guard still stops sign-ins but records nothing new. Root can write to every file.
#[cfg(unix)]
#[test]
fn a_read_only_record_still_pauses_sign_ins() {
    let mut env = refused_twice();
    let folder = env.home.path("state/sign-ins");
    crate::support::set_mode(&folder, 0o500);
    stopped(&env, || env.run(FIND));
    give_the_right_password(&mut env);
    env.run([&FIND[..], &["--force-login"]].concat()).success();
    crate::support::set_mode(&folder, 0o700);
}
