//! Runs in a mount namespace of their own, as an ordinary user or as root. Only root can create it. A test that cannot create it prints the reason
//! and checks nothing.

use std::path::Path;
use std::process::Command;

use super::fixed_files::skip;
use super::shell::sh;
use super::{RunResult, TestEnv, set_mode};

/// The ID of the user and of its primary group.
pub(crate) const USER: u32 = 54_321;
/// The supplementary group of the user, as Kubernetes sets it with `fsGroup`.
pub(crate) const GROUP: u32 = 54_322;
/// A different user or group.
pub(crate) const OTHER: u32 = 54_323;

/// The first lines of each script.
const START: &str = "set -eu\numask 022\nmount --make-rprivate /\n";

/// A manager, and the mount namespaces in which its users run.
pub(crate) struct Platform {
    pub(crate) env: TestEnv,
}

impl Platform {
    /// Returns a platform, or `None` if this machine does not permit mount namespaces.
    pub(crate) fn new() -> Option<Self> {
        let words = ["unshare", "--mount", "setpriv", "--clear-groups", "true"];
        let output = Command::new(words[0]).args(&words[1..]).output();
        let why = match output {
            Ok(output) if output.status.success() => String::new(),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        if !why.is_empty() {
            skip::<()>(&words.map(Path::new), &why);
            return None;
        }
        let mut env = TestEnv::new();
        set_mode(&env.home.path(""), 0o755);
        env.home.unset("SWP_PASSWORD_FILE");
        let password = env.home.path("password");
        env.home.set("PW", password);
        let state = env.home.path("users-state");
        std::fs::create_dir(&state).expect("a folder");
        std::os::unix::fs::chown(&state, Some(USER), None).expect("the owner is set");
        env.home.set("SWP_STATE_DIR", state);
        Some(Self { env })
    }

    /// Runs the shell script `setup` as root in a new mount namespace, then `find-role` with the password in `file` as the user.
    pub(crate) fn as_user(&self, setup: &str, file: &str) -> RunResult {
        let groups = format!("--reuid {USER} --regid {USER} --groups {GROUP} --inh-caps=-all");
        self.run(setup, &format!("setpriv {groups} "), file)
    }

    /// Does the same as root.
    pub(crate) fn as_root(&self, setup: &str, file: &str) -> RunResult {
        self.run(setup, "env SWP_STATE_DIR=\"$HOME/state\" ", file)
    }

    fn run(&self, setup: &str, change: &str, file: &str) -> RunResult {
        let run =
            format!("exec {change}\"$SWP_KEYS\" find-role Auditor --password-file \"{file}\"");
        self.script(&format!("{setup}\n{run}\n"))
    }

    /// Runs a shell script as root in a new mount namespace. `$PW` is a file with the password of the manager.
    pub(crate) fn script(&self, script: &str) -> RunResult {
        let home = &self.env.home;
        let file = home.write("script", &format!("{START}{script}"));
        sh(
            home,
            &format!("exec unshare --mount sh '{}'", file.display()),
        )
    }
}
