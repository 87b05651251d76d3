//! Questions and signals of `delete-key`.

use swp_keys::sandbox::Settings;

use super::delete_key::{DELETE, remaining_ids, with_keys};
use crate::support::contains;
use crate::support::requests::count;
use crate::support::wording::FINISHING;

#[cfg(unix)]
mod asked {
    use super::*;
    use crate::support::pty::Pty;

    #[test]
    fn a_terminal_is_asked_and_only_yes_deletes() {
        for (typed, gone) in [
            ("y", true),
            ("YES", true),
            ("n", false),
            ("", false),
            ("yess", false),
        ] {
            let env = with_keys(Settings::default());
            let script = r#""$SWP_KEYS" delete-key a; echo "exit $?""#;
            let mut terminal = Pty::start(&env.home, script);
            terminal.see("`a` (ID 1), role `Auditor`, never used");
            terminal.see("[y/N] ");
            terminal.type_line(typed);
            if typed == "yess" {
                terminal.see("[y/N] ");
                terminal.type_line("no");
            }
            let screen = terminal.end();
            if gone {
                contains(&screen, &["exit 0"]);
                assert_eq!(remaining_ids(&env), [2, 3]);
            } else {
                contains(&screen, &["exit 2"]);
                assert_eq!(remaining_ids(&env), [1, 2, 3]);
            }
            assert_eq!(env.sandbox.live_sessions(), 0);
        }
    }

    #[test]
    fn several_keys_are_listed_before_the_question() {
        let env = with_keys(Settings::default());
        let script = r#""$SWP_KEYS" delete-key -q a c; echo "exit $?""#;
        let mut terminal = Pty::start(&env.home, script);
        terminal.see("`a` (ID 1)");
        terminal.see("`c` (ID 3), role `Auditor`, never used");
        terminal.see("[y/N] ");
        terminal.type_line("y");
        contains(&terminal.end(), &["exit 0"]);
        assert_eq!(remaining_ids(&env), [2]);
    }

    #[test]
    fn ctrl_c_at_the_question_deletes_nothing() {
        let env = with_keys(Settings::default());
        let script = r#""$SWP_KEYS" delete-key a; echo "exit $?""#;
        let mut terminal = Pty::start(&env.home, script);
        terminal.see("[y/N] ");
        terminal.control('c');
        contains(&terminal.end(), &["exit 130"]);
        assert_eq!(remaining_ids(&env), [1, 2, 3]);
    }
}

#[cfg(unix)]
mod interrupted {
    use rustix::process::Signal;

    use super::*;
    use crate::support::held_manager::HeldManager;

    fn held() -> HeldManager {
        let held = HeldManager::new("DELETE /api/apikeys/2");
        for name in ["a", "b", "c"] {
            held.sandbox.add_key(name, 2);
        }
        held
    }

    #[test]
    fn a_signal_lets_the_current_deletion_finish() {
        let held = held();
        let mut running = held.start(["delete-key", "a", "b", "c", "--yes"]);
        held.wait_until_held();
        running.signal(Signal::INT);
        running.wait_for_line(FINISHING);
        held.release();
        let result = running.finish();
        contains(
            result.failure(130),
            &["`a` (ID 1), `b` (ID 2)", "`c` (ID 3)"],
        );
        assert_eq!(held.sandbox.api_keys().len(), 1);
        assert_eq!(held.sandbox.live_sessions(), 0);
    }

    #[test]
    fn a_second_signal_reports_the_unknown_outcome() {
        let held = held();
        let running = held.start(["delete-key", "a", "b", "c", "--yes", "-o", "json"]);
        held.wait_until_held();
        let error = running.signal_until_exit(Signal::TERM).json_error(11);
        let message = error["message"].as_str().expect("a message");
        contains(message, &["`b` (ID 2)", "`a` (ID 1)"]);
        assert_eq!(error["keyID"], 2);
    }

    #[test]
    fn a_signal_before_the_first_deletes_nothing() {
        let held = HeldManager::new("POST /api/apikeys/search");
        held.sandbox.add_key("a", 2);
        let running = held.start(["delete-key", "a", "--yes"]);
        held.wait_until_held();
        running.signal(Signal::HUP);
        running.finish().failure(129);
        assert_eq!(count(&held.sandbox, DELETE), 0);
    }
}
