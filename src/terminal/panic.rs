//! The panic hook. It reports a bug with the location in the source code, and exits the process. It does not print the panic message,
//! because the message may contain a secret.
//!
//! A panic on any thread exits the process. The journal record of the run stays on disk, as if the process had been killed, so `recover`
//! can continue the work later. The stack is not unwound, because code with access to a secret should not continue after a bug.

use super::output::Output;
use super::report::report_bug;
use super::{prompt, status_line};
use crate::error::{Error, ErrorKind};

/// Installs a hook that reports the location of a panic, restores the terminal and exits the process.
#[expect(
    clippy::exit,
    reason = "a panic hook cannot return an exit code to `main`, and `abort` would exit with a different code"
)]
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |place| {
            format!(" ({}:{})", source(place.file()), place.line())
        });
        status_line::erase();
        Output::release_lines();
        report_bug(&Error::unexpected(format!(
            "this is a bug in swp-keys{place}; before you run the command again, check whether this run changed anything on the manager"
        )));
        prompt::restore_terminal();
        std::process::exit(ErrorKind::Unexpected.exit_code().into());
    }));
}

/// Returns the path of a source file without the part that depends on the machine that built the program, for example
/// `tokio-1.0.0/src/signal/unix.rs`.
fn source(file: &str) -> String {
    let file = file.replace('\\', "/");
    // `/registry/src/NAME/tokio-1.0.0/src/lib.rs` becomes `tokio-1.0.0/src/lib.rs`. NAME depends on the machine or the compiler.
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
    use crate::terminal::output::{Color, Format};

    #[test]
    fn the_location_of_a_panic_contains_no_folder_of_the_build_machine() {
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

    /// Returns a command that runs this test again in a separate process that panics, because the hook affects a whole process.
    fn child(text: &str) -> std::io::Result<std::process::Command> {
        let mut child = std::process::Command::new(std::env::current_exe()?);
        child
            .args(["--exact", "--nocapture"])
            .arg("terminal::panic::tests::a_panic_reports_its_location_and_quotes_nothing")
            .env(CHILD, text);
        Ok(child)
    }

    #[test]
    fn a_panic_reports_its_location_and_quotes_nothing() -> std::io::Result<()> {
        if let Ok(text) = std::env::var(CHILD) {
            install_panic_hook();
            #[cfg(unix)]
            if text == "ä-asked" {
                prompt_is_open();
            }
            if text == "ä-json" {
                Output::new(Format::Json, false, Color::Never).choose_message_format();
            }
            assert_ne!(&text[..1], "");
            return Ok(());
        }
        let ran = child("ä-hunter2")?.output()?;
        let output = [ran.stdout, ran.stderr].concat();
        let output = String::from_utf8_lossy(&output);
        assert_eq!(ran.status.code(), Some(1), "{output}");
        assert!(
            output.contains("a bug in swp-keys (src/terminal/panic.rs:"),
            "{output}"
        );
        assert!(!output.contains("hunter2"), "{output}");
        Ok(())
    }

    #[test]
    fn with_json_output_a_panic_is_a_json_error() -> Result<(), Box<dyn std::error::Error>> {
        let ran = child("ä-json")?.output()?;
        let stderr = String::from_utf8(ran.stderr)?;
        let last = stderr.lines().last().unwrap_or_default();
        let error: serde_json::Value = serde_json::from_str(last)?;
        assert_eq!(error["level"], "error");
        assert_eq!(error["error"]["code"], "unexpected");
        Ok(())
    }

    #[cfg(unix)]
    fn prompt_is_open() {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        // The test's terminal starts without echo.
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
    fn a_panic_during_a_secret_prompt_restores_the_echo() -> Result<(), Box<dyn std::error::Error>>
    {
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
