//! What is said of a panic: that it is a bug, and where. Not its message, because that may quote what was being worked on, as the
//! message of a text that is cut within a character does.

use crate::output::Output;

/// From here on, panics say where they were, and nothing else.
pub(crate) fn hide_panic_messages() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |place| {
            format!(" ({}:{})", place.file(), place.line())
        });
        Output::raw_line(&format!(
            "error: this is a bug in swp-keys{place}; look at what was done on the manager before running this again"
        ));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHILD: &str = "SWP_KEYS_TEST_PANIC";

    /// The hook is the process's own, so the test is run once more in a process of its own, and panics there.
    #[test]
    fn a_panic_says_where_it_was_and_quotes_nothing() -> std::io::Result<()> {
        if let Ok(text) = std::env::var(CHILD) {
            hide_panic_messages();
            assert_ne!(&text[..1], "");
            return Ok(());
        }
        let ran = std::process::Command::new(std::env::current_exe()?)
            .args(["--exact", "--nocapture"])
            .arg("bug::tests::a_panic_says_where_it_was_and_quotes_nothing")
            .env(CHILD, "ä-hunter2")
            .output()?;
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!ran.status.success(), "{said}");
        assert!(said.contains("a bug in swp-keys (src/bug.rs:"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
        Ok(())
    }
}
