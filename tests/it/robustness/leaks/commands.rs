//! Every command with every sign-in method, when it succeeds and when it fails.

use std::path::{Path, PathBuf};

use ring::hmac;
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::secrets::{CODE, PASSWORD, assert_clean, assert_silent};
use crate::support::{RunResult, TestEnv};
use crate::support::{files::files, requests::session_of};

/// Returns the arguments for each command. A new command fails the test until it is added here.
fn arguments(command: &str) -> &'static [&'static [&'static str]] {
    match command {
        "create-key" => &[
            &["--role", "Auditor"],
            &["--role-id", "2", "--expires", "14d", "--name", "named"],
            &["--role", "Auditor", "--out-file", "secret", "--force"],
            &["--role", "Auditor", "--dry-run"],
            &[
                "--role",
                "Auditor",
                "--name",
                "there",
                "--if-exists",
                "skip",
            ],
            &[
                "--role",
                "Auditor",
                "--name",
                "there",
                "--if-exists",
                "rekey",
            ],
            &["--role", "Auditor", "--verify"],
        ],
        "exec" => &[
            &["--role", "Auditor", "--", "true"],
            &["--role-id", "2", "--fd", "9", "--", "true"],
        ],
        "rotate-key" => &[
            &["there"],
            &["1", "--verify", "--out-file", "secret"],
            &["there", "--overlap", "2h", "--dry-run"],
            &["there", "--in-place"],
        ],
        "recover" => &[&["--list"], &["--yes"], &["--yes", "--out-file", "secret"]],
        "find-role" => &[&["Auditor"], &["--like", "A%"]],
        "show-key" => &[&["there"], &["1"]],
        "lock-key" | "unlock-key" => &[&["there"]],
        "list-roles" | "login" | "logout" | "trust show" | "trust list" | "config show"
        | "config path" | "config check" => &[&[]],
        "trust add" => &[&["--tls-accept-new"]],
        "trust remove" => &[&["known.example.com"]],
        "completions" => &[&["bash"]],
        "man" => &[&["--out-dir", "manual"]],
        "show-role" => &[&["Auditor"], &["1", "--diff", "2"]],
        "whoami" => &[&[], &["-v"]],
        "doctor" => &[&[], &["--sign-in"]],
        "verify-key" => &[
            &["--key-file", "key"],
            &["--key-file", "key", "--fail-within", "14d"],
        ],
        "delete-key" => &[&["there", "77", "--yes", "--ignore-missing"]],
        "update-key" => &[&["there", "--role", "Full Access", "--expires", "14d"]],
        "list-keys" => &[&[], &["--stale", "1s", "--role", "Auditor"]],
        // Other tests check the children of this command. This test checks its own output.
        "sandbox" => &[&["--mfa-code", CODE, "--", "true"]],
        new => panic!("say how a leak of `{new}` is to be looked for"),
    }
}

/// The sign-in method of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum SignInMethod {
    Password,
    Key,
    Kept,
}

/// The failure that is injected into a run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Failure {
    Nothing,
    Refused,
    Forbidden,
    Untrusted,
    Unreachable,
    Broken,
    /// The response to the command's own request is truncated.
    Cut,
}

const FAILURES: [Failure; 7] = [
    Failure::Nothing,
    Failure::Refused,
    Failure::Forbidden,
    Failure::Untrusted,
    Failure::Unreachable,
    Failure::Broken,
    Failure::Cut,
];

/// A manager, a home that contains all secrets, and these secrets.
struct Scene {
    env: TestEnv,
    key: String,
    /// Secrets of sessions and keys that were created during the test.
    found: Vec<String>,
}

impl Scene {
    fn new(sign_in_method: SignInMethod, failure_kind: Failure) -> Self {
        let mut env = TestEnv::with(Settings {
            password: PASSWORD.to_owned(),
            mfa_code: Some(CODE.to_owned()),
            ..Settings::default()
        });
        env.sandbox.add_key("there", 2);
        let key = env.sandbox.add_key("existing", 1).secret;
        env.home.set("SWP_MFA_CODE", CODE);
        env.home.set("TMPDIR", env.home.path("tmp"));
        std::fs::create_dir(env.home.path("tmp")).expect("a folder");
        match sign_in_method {
            SignInMethod::Password => {
                env.home.unset("SWP_PASSWORD_FILE");
                env.home.set("SWP_PASSWORD", PASSWORD);
            }
            SignInMethod::Key => {
                env.home.unset("SWP_PASSWORD_FILE");
                env.home.set("SWP_API_KEY", &key);
            }
            SignInMethod::Kept => {
                // Each sign-in needs a new code, because no code is sent twice.
                let set = |code: &str| {
                    (env.sandbox).change(|settings| settings.mfa_code = Some(code.to_owned()));
                };
                set("64820193");
                env.run(["login", "--mfa-code", "64820193"]).success();
                set(CODE);
            }
        }
        let pin = format!("sha256:{}", "ab".repeat(32));
        let known =
            format!("[managers.\"known.example.com:4119\"]\npins = [\"{pin}\"]\nadded = \"\"\n");
        std::fs::create_dir(env.home.path("config")).expect("a folder");
        env.home.write_secret("config/trusted.toml", &known);
        env.home.set("SWP_CONFIG_DIR", env.home.path("config"));
        let mut scene = Self {
            env,
            key,
            found: Vec::new(),
        };
        scene.inject_failure(sign_in_method, failure_kind);
        scene
    }

    fn inject_failure(&mut self, sign_in_method: SignInMethod, failure_kind: Failure) {
        let env = &mut self.env;
        match failure_kind {
            Failure::Nothing => {}
            Failure::Refused => {
                env.sandbox
                    .change(|settings| settings.password = "another".to_owned());
                env.sandbox.end_sessions();
                for key in env.sandbox.api_keys() {
                    env.sandbox.edit_key(key.id, |key| key.active = false);
                }
            }
            Failure::Forbidden => {
                env.sandbox
                    .change(|settings| settings.administrator_role = 2);
                for key in env.sandbox.api_keys() {
                    env.sandbox.edit_key(key.id, |key| key.role_id = 2);
                }
            }
            Failure::Untrusted => env.home.unset("SWP_CA_CERT"),
            Failure::Unreachable => env.home.set("SWP_URL", "https://127.0.0.1:1"),
            Failure::Broken => env.sandbox.inject(Fault {
                method: None,
                ..fault(Action::Drop)
            }),
            Failure::Cut => env.sandbox.inject(
                fault(Action::Cut(40))
                    .after()
                    .nth(1 + u32::from(sign_in_method == SignInMethod::Password)),
            ),
        }
    }

    /// Leaves the record of a run that was interrupted while it reset a key.
    fn leave_record(&self, sign_in_method: SignInMethod) {
        let mut record = serde_json::json!({
            "operation": "0a0b0c0d", "work": "rekey", "manager": self.env.sandbox.url(), "tenant": null,
            "keyName": "there", "roleID": null, "keyID": 1, "existingIDs": [1], "marked": true,
            "unique": true, "sinks": ["stdout"], "started": 0
        });
        if matches!(sign_in_method, SignInMethod::Key) {
            let key = hmac::Key::new(hmac::HMAC_SHA256, b"0a0b0c0d");
            let tag = hmac::sign(&key, self.key.as_bytes());
            let digits = tag.as_ref()[..8].iter().map(|byte| format!("{byte:02x}"));
            record["signer"] = digits.collect::<String>().into();
        }
        let folder = self.env.home.path("state/unfinished");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("0a0b0c0d.json"), record.to_string()).expect("a file");
    }

    /// Returns all secrets so far.
    fn secrets(&mut self) -> Vec<String> {
        for (sid, rid) in self.env.sandbox.requests().iter().filter_map(session_of) {
            self.found.extend([sid, rid]);
        }
        self.found.extend(
            self.env
                .sandbox
                .api_keys()
                .into_iter()
                .map(|key| key.secret),
        );
        let mut secrets = self.found.clone();
        secrets.extend([PASSWORD, CODE, &self.key].map(str::to_owned));
        secrets.sort();
        secrets.dedup();
        secrets
    }

    /// Runs the program, and checks everything that it printed and wrote.
    fn check(&mut self, arguments: &[&str]) -> RunResult {
        let secrets_of_keys = |scene: &Self| -> Vec<String> {
            let keys = scene.env.sandbox.api_keys();
            keys.into_iter().map(|key| key.secret).collect()
        };
        let before = secrets_of_keys(self);
        self.found.extend(before.iter().cloned());
        let result = self.env.run(arguments);
        let fresh = secrets_of_keys(self)
            .into_iter()
            .find(|secret| !before.contains(secret));
        let to_file = arguments.contains(&"--out-file");
        let promised = fresh.as_deref().filter(|_| result.code() == 0 && !to_file);
        let secrets = self.secrets();
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        assert_silent(&format!("{arguments:?}"), &result, &secrets, promised);
        self.check_files(&secrets, fresh.as_deref().filter(|_| to_file));
        result
    }

    fn check_files(&self, secrets: &[&str], in_file: Option<&str>) {
        let home = self.env.home.path("");
        for path in files(&home) {
            let allowed = |secret: &str| match place(&home, &path) {
                Place::Password => secret == PASSWORD,
                Place::Key => secret == self.key,
                Place::OutFile => Some(secret) == in_file,
                // The saved file contains a session or the API key of the sign-in. It contains no other key, no password and no code.
                Place::Kept => {
                    secret == self.key
                        || !secret.contains(':') && secret != PASSWORD && secret != CODE
                }
                Place::Other => false,
            };
            let forbidden: Vec<&str> = secrets
                .iter()
                .copied()
                .filter(|secret| !allowed(secret))
                .collect();
            let bytes = std::fs::read(&path).expect("a file");
            assert_clean(&path.display().to_string(), &bytes, &forbidden);
            let text = String::from_utf8_lossy(&bytes);
            if secrets.iter().any(|secret| text.contains(secret)) {
                assert_private(&path);
            }
        }
    }
}

/// Asserts that other users can neither read nor write a file that contains a secret.
#[cfg(unix)]
#[track_caller]
fn assert_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).expect("a file");
    let mode = metadata.permissions().mode() & 0o777;
    assert_eq!(mode & 0o077, 0, "{} has the mode {mode:o}", path.display());
}

#[cfg(not(unix))]
fn assert_private(_path: &Path) {}

/// Returns a fault for all requests except the sign-out.
fn fault(action: Action) -> Fault {
    Fault::new("POST", "/api/*", action).times(9)
}

enum Place {
    Password,
    Key,
    OutFile,
    Kept,
    Other,
}

fn place(home: &Path, path: &Path) -> Place {
    let relative: PathBuf = path.strip_prefix(home).expect("a path in it").to_owned();
    match relative.to_str() {
        Some("password") => Place::Password,
        Some("key") => Place::Key,
        Some("secret") => Place::OutFile,
        Some(name) if name.starts_with("state/kept/") && !name.contains("/.") => Place::Kept,
        _ => Place::Other,
    }
}

/// Returns all commands of the parser without subcommands, for example `find-role` and `trust show`.
fn leaves(command: &clap::Command, above: &str) -> Vec<String> {
    let mut found = Vec::new();
    for below in command
        .get_subcommands()
        .filter(|one| one.get_name() != "help")
    {
        let name = format!("{above} {}", below.get_name()).trim().to_owned();
        match leaves(below, &name) {
            none if none.is_empty() => found.push(name),
            some => found.extend(some),
        }
    }
    found
}

/// Runs all commands with one sign-in method.
fn walk(sign_in_method: SignInMethod) {
    let commands = leaves(&swp_keys::command_line(), "");
    assert!(commands.len() >= 10, "{commands:?}");
    for failure_kind in FAILURES {
        for (index, command) in commands.iter().enumerate() {
            for (number, more) in arguments(command).iter().enumerate() {
                let mut scene = Scene::new(sign_in_method, failure_kind);
                if command == "recover" {
                    scene.leave_record(sign_in_method);
                }
                if command == "verify-key" {
                    scene.env.home.write_secret("key", &scene.key);
                }
                let format = ["text", "json", "jsonl"][(index + number) % 3];
                let mut words: Vec<&str> = command.split(' ').collect();
                words.extend(["-vv", "--retries", "0", "-o", format]);
                words.extend(["--settle-timeout", "100ms"]);
                words.extend(*more);
                let result = scene.check(&words);
                if failure_kind == Failure::Nothing {
                    assert_eq!(
                        result.code(),
                        0,
                        "{sign_in_method:?} {words:?}: {}",
                        result.stderr
                    );
                }
            }
        }
    }
}

#[test]
fn with_a_password_and_a_code() {
    walk(SignInMethod::Password);
}

#[test]
fn with_an_existing_key() {
    walk(SignInMethod::Key);
}

#[test]
fn with_a_saved_session() {
    walk(SignInMethod::Kept);
}

#[test]
fn an_undelivered_secret_is_not_printed() {
    let mut scene = Scene::new(SignInMethod::Password, Failure::Nothing);
    let sandbox = &scene.env.sandbox;
    // The deletion fails, so the key still exists and its secret is known to the test.
    let refuse = Action::status(500, "not now");
    sandbox.inject(Fault::new("DELETE", "/api/apikeys/*", refuse).times(9));
    for path in ["/api/apikeys", "/api/apikeys/*/secretkey"] {
        sandbox.inject(Fault::new("POST", path, Action::Cut(60)).after().times(99));
    }
    let settle = ["--settle-timeout", "500ms"];
    let words = [
        &["create", "-vv", "--retries", "0", "--role", "Auditor"][..],
        &settle,
    ]
    .concat();
    let result = scene.check(&words);
    assert_eq!(result.code(), 11, "{}", result.stderr);
}
