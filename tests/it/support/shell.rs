//! Shell scripts that run the binary.

use std::process::{Command, Stdio};

use super::{Home, RunResult, binary};

/// Runs a script in the home folder with the environment of the home and an empty stdin. `"$SWP_KEYS"` is the binary.
pub(crate) fn sh(home: &Home, script: &str) -> RunResult {
    let run = home.command(["--version"]);
    let variables = run
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script])
        .env_clear()
        .envs(variables)
        .env("SWP_KEYS", binary())
        .current_dir(home.path(""))
        .stdin(Stdio::null());
    RunResult::of(&mut shell)
}
