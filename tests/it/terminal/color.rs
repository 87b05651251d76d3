//! Color on stderr: on request or on a terminal that supports it.

use crate::support::{TestEnv, contains};

const PLAIN: &str = "error: there is no role named `Nobody`";
const COLOURFUL: &str = "\u{1b}[1;31merror:\u{1b}[0m there is no role named `Nobody`";

#[test]
fn without_a_terminal_color_is_used_only_on_request() {
    let env = TestEnv::new();
    for (more, variable, expected) in [
        (&[][..], None, PLAIN),
        (&["--color", "auto"], None, PLAIN),
        (&["--color", "never"], Some("always"), PLAIN),
        (&["--color", "always"], None, COLOURFUL),
        (&[], Some("always"), COLOURFUL),
    ] {
        let mut command = (env.home).command(["find-role", "Nobody"].iter().chain(more));
        command.envs(variable.map(|value| ("SWP_COLOR", value)));
        let result = crate::support::RunResult::of(&mut command);
        let first = result.failure(3).lines().next();
        assert_eq!(first, Some(expected), "{more:?} {variable:?}");
    }
    let result = env.run(["find-role", "Nobody", "--color", "always"]);
    contains(result.failure(3), &["\n\u{1b}[1;36mhint:\u{1b}[0m "]);
}

#[test]
fn stdout_contains_data_without_color() {
    let env = TestEnv::new();
    let result = env.run(["create", "--role", "Auditor", "--color", "always"]);
    assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
    contains(&result.stderr, &["\u{1b}[1;36mnote:\u{1b}[0m "]);
    let result = env.run(["list-roles", "--color", "always"]);
    assert!(!result.success().contains('\u{1b}'), "{}", result.stdout);
}

#[test]
#[cfg(unix)]
fn a_terminal_gets_color_by_default() {
    let env = TestEnv::new();
    for (more, variable, coloured) in [
        (&[][..], None, true),
        (&[], Some(("NO_COLOR", "1")), false),
        // An empty variable counts as unset (no-color.org).
        (&[], Some(("NO_COLOR", "")), true),
        (&[], Some(("TERM", "dumb")), false),
        (&["--color", "never"], None, false),
        (&["--color", "always"], Some(("NO_COLOR", "1")), true),
    ] {
        let mut command = (env.home).command(["find-role", "Nobody"].iter().chain(more));
        command.env("TERM", "xterm").envs(variable);
        let terminal = rexpect::session::spawn_command(command, Some(30_000));
        let screen = terminal.expect("a terminal").exp_eof().expect("all of it");
        let first = screen.lines().next();
        let expected = if coloured { COLOURFUL } else { PLAIN };
        assert_eq!(first, Some(expected), "{more:?} {variable:?}");
    }
}
