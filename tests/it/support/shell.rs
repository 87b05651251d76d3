//! Scripts, as people write them around the binary.

use std::process::{Command, Stdio};

use super::{Home, RunResult, binary};

/// Runs a script in the home folder with the home's environment; `"$SWP_KEYS"` is the binary, and stdin is empty.
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
