//! What is said of a panic: that it is a bug, and where. Not its message, because that may quote what was being worked on, as the
//! message of a text that is cut within a character does.
//!
//! And it is the end of the process, on whatever thread it comes: what a run leaves then is what it leaves when it is killed, which the
//! record on disk is for. Nothing is unwound: code that goes on after a bug, with a secret in its hands, is trusted with too much, and
//! what unwinding needs was an eighth of the binary, and of the time of `create`.

use super::output::Output;
use super::prompt;
use crate::error::ErrorKind;

/// From here on, a panic says where it was, and nothing else, gives the terminal its echo back, and ends the process.
#[expect(
    clippy::exit,
    reason = "no way leads from a panic back to the one place that gives exit codes, and an abort would have another"
)]
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |place| {
            format!(" ({}:{})", source(place.file()), place.line())
        });
        Output::release_lines();
        Output::raw_line(&format!(
            "error: this is a bug in swp-keys{place}; look at what was done on the manager before running this again"
        ));
        prompt::restore_terminal();
        std::process::exit(ErrorKind::Unexpected.exit_code().into());
    }));
}

/// A source file without the folders of the machine that built the program: `tokio-1.0.0/src/signal/unix.rs` for one of a library.
fn source(file: &str) -> String {
    let file = file.replace('\\', "/");
    // Behind each of these is a folder whose name depends on the machine or the compiler.
    for folder in ["/registry/src/", "/git/checkouts/", "/rustc/"] {
        if let Some((_, rest)) = file.split_once(folder)
            && let Some((_, rest)) = rest.split_once('/')
        {
            return rest.to_owned();
        }
    }
    let is_relative = !file.starts_with('/') && !file.contains(':') && !file.starts_with("..");
    match file.rsplit_once('/') {
        Some((_, name)) if !is_relative => name.to_owned(),
        _ => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_sources_holds_no_folder_of_the_machine_that_built_them() {
        for (file, wanted) in [
            ("src/mint/deliver.rs", "src/mint/deliver.rs"),
            (
                "/home/kim/.cargo/registry/src/index-0a1b/tokio-1.54.1/src/signal/unix.rs",
                "tokio-1.54.1/src/signal/unix.rs",
            ),
            (
                r"C:\Users\kim\.cargo\registry\src\index-0a1b\url-2.5.0\src\lib.rs",
                "url-2.5.0/src/lib.rs",
            ),
            (
                "/home/kim/.cargo/git/checkouts/x-0a1b/1234567/src/lib.rs",
                "1234567/src/lib.rs",
            ),
            (
                "/rustc/0a1b2c/library/core/src/str/mod.rs",
                "library/core/src/str/mod.rs",
            ),
            ("/home/kim/swp-keys/src/main.rs", "main.rs"),
            (r"C:\kim\src\main.rs", "main.rs"),
            ("../kim/src/main.rs", "main.rs"),
        ] {
            assert_eq!(source(file), wanted);
        }
    }

    const CHILD: &str = "SWP_KEYS_TEST_PANIC";

    /// The hook is the process's own, so the test is run once more in a process of its own, and panics there.
    fn child(text: &str) -> std::io::Result<std::process::Command> {
        let mut child = std::process::Command::new(std::env::current_exe()?);
        child
            .args(["--exact", "--nocapture"])
            .arg("terminal::panic::tests::a_panic_says_where_it_was_and_quotes_nothing")
            .env(CHILD, text);
        Ok(child)
    }

    #[test]
    fn a_panic_says_where_it_was_and_quotes_nothing() -> std::io::Result<()> {
        if let Ok(text) = std::env::var(CHILD) {
            install_panic_hook();
            #[cfg(unix)]
            if text == "ä-asked" {
                asked();
            }
            assert_ne!(&text[..1], "");
            return Ok(());
        }
        let ran = child("ä-hunter2")?.output()?;
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(ran.status.code(), Some(1), "{said}");
        assert!(
            said.contains("a bug in swp-keys (src/terminal/panic.rs:"),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
        Ok(())
    }

    #[cfg(unix)]
    fn asked() {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        // The terminal of the test comes without.
        let mut state = tcgetattr(std::io::stdin()).expect("a terminal");
        state.local_modes |= LocalModes::ECHO;
        tcsetattr(std::io::stdin(), OptionalActions::Now, &state).expect("a terminal");
        crate::terminal::prompt::tests::begin_to_ask();
        let mut line = String::new();
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"asked\n");
        let _ = std::io::stdin().read_line(&mut line);
    }

    #[cfg(unix)]
    #[test]
    fn a_panic_while_a_secret_is_typed_gives_the_terminal_its_echo_back()
    -> Result<(), Box<dyn std::error::Error>> {
        use rustix::termios::{LocalModes, tcgetattr};
        let mut session = rexpect::session::spawn_command(child("ä-asked")?, Some(30_000))?;
        session.exp_string("asked")?;
        let terminal = session.process().get_file_handle()?;
        let echoes = || -> rustix::io::Result<bool> {
            Ok(tcgetattr(&terminal)?.local_modes.contains(LocalModes::ECHO))
        };
        assert!(!echoes()?);
        session.send_line("")?;
        session.exp_string("a bug in swp-keys")?;
        session.exp_eof()?;
        assert!(echoes()?);
        Ok(())
    }
}
