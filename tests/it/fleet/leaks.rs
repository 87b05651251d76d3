//! `plan` and `apply` show no secret: not in their output, their records, the arguments of a process or the environment of a command.

use std::path::{Path, PathBuf};
use std::time::Duration;

use swp_keys::sandbox::{Action, Fault, When};

use super::apply_kills::mixed;
use crate::support::TestEnv;
use crate::support::files::{files, read};
use crate::support::requests::session_of;
use crate::support::running::Running;
use crate::support::secrets::{assert_clean, assert_silent};

/// The files that contain a secret on purpose.
const DESTINATIONS: [&str; 11] = [
    "a.key", "b.key", "full.key", "d.key", "d2.key", "e.key", "old1.key", "old2.key", "f.env",
    "g.key", "password",
];

/// Adds two keys: one for a dotenv file, and one for a command whose output contains the secret. The commands store what
/// they see.
fn scene() -> TestEnv {
    let env = mixed();
    let see = "for what in cmdline environ; do cat /proc/self/$what /proc/$$/$what; done >> seen; cat /proc/$PPID/cmdline >> seen";
    env.home.write("deliver", &format!("{see}; cat > $1\n"));
    env.home.write(
        "read",
        &format!("{see}; test ! -e $1 || cat $1; cat $1 >&2\n"),
    );
    let manifest = read(env.home.path("keys.toml"));
    let more = "[keys.f]\ndotenv = \"f.env\"\nenv-name = \"KEY\"\n\
        [keys.g]\ndeliver-cmd = \"sh deliver g.key\"\nread-cmd = \"sh read g.key\"\n";
    env.home.write("keys.toml", &format!("{manifest}{more}"));
    env
}

/// The secrets of the keys and the sessions, and the password.
struct Secrets(Vec<String>);

impl Secrets {
    fn of(env: &TestEnv) -> Self {
        let mut secrets = Self(vec![read(env.home.path("password")).trim_end().to_owned()]);
        secrets.add(env);
        secrets
    }

    fn add(&mut self, env: &TestEnv) {
        let keys = env.sandbox.api_keys();
        self.0.extend(keys.into_iter().map(|key| key.secret));
        for (sid, rid) in env.sandbox.requests().iter().filter_map(session_of) {
            self.0.extend([sid, rid]);
        }
        self.0.sort();
        self.0.dedup();
    }

    fn all(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

/// Checks all files except the destinations, also the records in the state folder.
#[track_caller]
fn check_files(env: &TestEnv, secrets: &Secrets) {
    let home = env.home.path("");
    for path in files(&home) {
        let relative: PathBuf = path.strip_prefix(&home).expect("a path in it").to_owned();
        if DESTINATIONS.iter().any(|name| relative == Path::new(name)) {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        assert_clean(&relative.display().to_string(), &bytes, &secrets.all());
    }
}

fn run(env: &TestEnv, secrets: &mut Secrets, command: &str, format: &str) -> i32 {
    let mut words: Vec<&str> = command.split(' ').collect();
    words.extend(["-f", "keys.toml", "-vv", "-o", format]);
    let result = env.run(&words);
    secrets.add(env);
    assert_silent(&format!("{words:?}"), &result, &secrets.all(), None);
    check_files(env, secrets);
    result.code()
}

#[test]
fn in_no_run_of_a_fleet() {
    for (number, format) in ["text", "json", "jsonl"].into_iter().enumerate() {
        let env = scene();
        let mut secrets = Secrets::of(&env);
        run(&env, &mut secrets, "plan", format);
        assert_eq!(
            run(
                &env,
                &mut secrets,
                "apply --prune --prune-used --yes --verify",
                format
            ),
            0
        );
        let seen = read(env.home.path("seen"));
        assert!(
            seen.contains("SWP_URL") && seen.contains("deliver"),
            "{seen}"
        );
        // A dead secret, a missing secret and the secret of another key.
        let dead = format!("{}:dead/secret+A=", env.sandbox.api_keys()[0].id);
        env.home.write_secret("a.key", &dead);
        secrets.0.push(dead);
        std::fs::remove_file(env.home.path("g.key")).expect("the file");
        let other = env.sandbox.add_key("another", 2).secret;
        env.home.write_secret("b.key", &other);
        assert_eq!(
            run(&env, &mut secrets, "plan --verify --exit-code", format),
            13
        );
        // A response with a new secret is lost, and a destination cannot be written.
        std::fs::remove_file(env.home.path("d.key")).expect("the file");
        std::fs::create_dir(env.home.path("d.key")).expect("a folder");
        let cut = Action::Cut(60 + 20 * number);
        env.sandbox
            .inject(Fault::new("POST", "/api/apikeys/*/secretkey", cut).after());
        run(&env, &mut secrets, "apply --verify --yes", format);
        run(&env, &mut secrets, "apply --verify --yes", format);
    }
}

/// The records of a killed run.
#[test]
fn in_no_record() {
    let mut number = 1;
    loop {
        let env = scene();
        let mut secrets = Secrets::of(&env);
        env.sandbox.inject(Fault {
            method: None,
            path: "*".to_owned(),
            nth: number,
            times: u32::MAX,
            when: When::After,
            action: Action::Delay(Duration::from_secs(300)),
        });
        let arrived = env.sandbox.requests().len() + number as usize;
        let command = [
            "apply",
            "-f",
            "keys.toml",
            "--prune",
            "--prune-used",
            "--yes",
            "-vv",
        ];
        let mut running = Running::start(&mut env.home.command(command));
        crate::support::wait_until("the request arrives", || {
            env.sandbox.requests().len() >= arrived || running.has_ended()
        });
        let has_ended = running.has_ended();
        if !has_ended {
            let arguments = std::fs::read(format!("/proc/{}/cmdline", running.id()));
            secrets.add(&env);
            assert_clean("argv", &arguments.expect("the arguments"), &secrets.all());
        }
        env.sandbox.clear_faults();
        if !has_ended {
            running.kill(rustix::process::Signal::KILL);
        }
        let result = running.finish();
        secrets.add(&env);
        assert_silent(
            &format!("killed at {number}"),
            &result,
            &secrets.all(),
            None,
        );
        check_files(&env, &secrets);
        if has_ended {
            assert!(number > 20, "{number}");
            return;
        }
        number += 3;
    }
}
