//! Output of the program: data to stdout, everything else to stderr.
//!
//! stdout carries exactly one document or nothing; each JSON line is a document. Secrets are written by `delivery/` and never here.
//! No type of the manager is used here. Text that came from outside is made safe for a terminal by [`safe`] and [`json_text`].

mod deferred;
mod escape;

use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::error::Error;
use crate::text::shorten;
use escape::json_line;
pub(crate) use escape::{is_plain, json_text, safe, without_leading_command};

/// How data is written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// The value alone, or a table.
    #[default]
    Text,
    /// One JSON document: the manager's object, with `meta` added.
    Json,
    /// One JSON document a line.
    Jsonl,
    /// NAME=value, quoted for a POSIX shell if it needs quotes.
    Env,
}

impl Format {
    /// Whether a program reads this, so that errors are JSON as well.
    #[must_use]
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl)
    }

    /// Checks that a list can be written in this format.
    ///
    /// # Errors
    /// Returns a usage error for `env`, since a list has no single value that a variable could hold.
    pub(crate) fn require_list(self) -> Result<(), Error> {
        self.require_not_env("this is a list", "use text, json or jsonl")
    }

    /// Checks that a document of several values can be written in this format.
    ///
    /// # Errors
    /// Returns a usage error for `env`.
    pub(crate) fn require_document(self) -> Result<(), Error> {
        self.require_not_env("this prints several", "use text or json")
    }

    fn require_not_env(self, why: &str, hint: &str) -> Result<(), Error> {
        if self == Self::Env {
            return Err(Error::usage(
                format!("`-o env` is for one value, and {why}"),
                hint,
            ));
        }
        Ok(())
    }
}

/// When colour is used on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the user wants to hear, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
    quiet: bool,
    color: bool,
}

impl Output {
    /// `quiet` leaves notes and warnings out; errors are always printed.
    #[must_use]
    pub(crate) fn new(format: Format, quiet: bool, color: Color) -> Self {
        Self {
            format,
            quiet,
            color: wants_color(color),
        }
    }

    /// The same in another format.
    #[must_use]
    pub(crate) fn with_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// The format of stdout.
    #[must_use]
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Writes the one document of this run to stdout. A reader that has gone away (`| head`) is no error: it has what it wanted.
    ///
    /// # Errors
    /// Where stdout cannot be written for another reason, such as a full disk.
    pub(crate) fn data(&self, document: &str) -> Result<(), Error> {
        self.write(|stdout| stdout.write_all(document.as_bytes()))
            .map(|_| ())
    }

    /// Writes some of many documents, a line each, to stdout; false where the reader has gone away. JSON lines of a long list are the one
    /// thing that is written while more of it is still to come, so a failure may come after them: its exit code says that lines are
    /// missing, and each line there is stands for itself.
    ///
    /// # Errors
    /// Where stdout cannot be written for another reason, such as a full disk.
    pub(crate) fn json_lines(&self, documents: &[impl Serialize]) -> Result<bool, Error> {
        self.write(|stdout| {
            (documents.iter()).try_for_each(|document| json_line(stdout, document, false))
        })
    }

    /// Writes JSON that may be long: it is written as it is made.
    ///
    /// # Errors
    /// Where stdout cannot be written.
    pub(crate) fn json(&self, document: &impl Serialize, pretty: bool) -> Result<(), Error> {
        self.write(|stdout| json_line(stdout, document, pretty))
            .map(|_| ())
    }

    /// False where the reader has gone away.
    fn write(
        &self,
        write: impl FnOnce(&mut BufWriter<StdoutLock<'_>>) -> io::Result<()>,
    ) -> Result<bool, Error> {
        let mut stdout = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
        match write(&mut stdout).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            other => other
                .map(|()| true)
                .map_err(|error| Error::unexpected(format!("stdout cannot be written: {error}"))),
        }
    }

    /// Says something a user may want to know.
    pub(crate) fn note(&self, message: &str) {
        if !self.quiet {
            self.line("note", "36", message);
        }
    }

    /// Says something a user should act on, although the run goes on.
    pub(crate) fn warn(&self, message: &str) {
        if !self.quiet {
            self.line("warning", "33", message);
        }
    }

    /// Warns where silence would be dangerous, so `--quiet` does not count.
    pub(crate) fn insist(&self, message: &str) {
        self.line("warning", "33", message);
    }

    /// Says one of several things that are wrong. Only `report.rs` and `config check` call this.
    pub(crate) fn error(&self, message: &str, hint: Option<&str>) {
        self.line("error", "31", message);
        if let Some(hint) = hint {
            self.line("hint", "36", hint);
        }
    }

    /// One line to stderr as it is. Only `report.rs`, `usage.rs`, `bug.rs` and the log call this.
    pub(crate) fn raw_line(line: &str) {
        if !deferred::hold(line) {
            deferred::write(line);
        }
    }

    /// From now on, lines to stderr are held until [`Output::release_lines`]: a line that masks a secret has to come before them.
    pub(crate) fn hold_lines() {
        deferred::begin();
    }

    /// Writes the lines that are held, and holds no more of them.
    pub(crate) fn release_lines() {
        deferred::end();
    }

    fn line(&self, label: &str, color: &str, message: &str) {
        let message = safe(&shorten(message, LONGEST_LINE));
        if self.color {
            Self::raw_line(&format!("\x1b[1;{color}m{label}:\x1b[0m {message}"));
        } else {
            Self::raw_line(&format!("{label}: {message}"));
        }
    }
}

fn wants_color(color: Color) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
            io::stderr().is_terminal() && !set("NO_COLOR") && !dumb
        }
    }
}

/// As much of a line as anybody reads: a name in it may be a foreign one of any length.
pub(crate) const LONGEST_LINE: usize = 4000;
/// The same for a cell of a table, whose longest one all others are filled up to.
const LONGEST_CELL: usize = 300;

/// A table for people, each cell made safe and short; no lines are drawn, so that it can be cut with other tools.
#[must_use]
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let mut table = empty();
    table.set_header(header);
    filled(table, rows)
}

/// Names and values side by side, for people.
#[must_use]
pub(crate) fn pairs(rows: impl Iterator<Item = [String; 2]>) -> String {
    filled(empty(), rows)
}

/// On a terminal a table is as wide as that is; in a pipe a row is a line, however long.
fn empty() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if let Some(width) = terminal_width() {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    table
}

fn filled<const N: usize>(mut table: Table, rows: impl Iterator<Item = [String; N]>) -> String {
    for row in rows {
        table.add_row(row.map(|cell| safe(&shorten(&cell, LONGEST_CELL))));
    }
    let lines = table.trim_fmt();
    // A terminal's width breaks a cell, and what comes then begins a line.
    (lines.lines())
        .map(|line| without_leading_command(line) + "\n")
        .collect()
}

/// How many columns the terminal has that stdout is.
#[cfg(unix)]
fn terminal_width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}

/// Not known here, so that a row is a line, which the console wraps.
#[cfg(not(unix))]
fn terminal_width() -> Option<u16> {
    None
}

/// Whether a value needs no quotes: it consists of characters that have no meaning to a POSIX shell (where `~` and `$` have one), to
/// `docker run --env-file` (which keeps quotes), to make (`$`, `#`, `\`), to systemd's `EnvironmentFile=` (quotes, `\`), and to the
/// libraries that read dotenv files (`$`, `#`, quotes). The manager's secrets consist of them.
#[must_use]
pub(crate) fn is_bare(value: &str) -> bool {
    (value.bytes()).all(|byte| byte.is_ascii_alphanumeric() || b"_./:+=@%,-".contains(&byte))
}

/// `NAME=value` and a line break; the value is quoted for a POSIX shell if it needs quotes. The caller checked the name.
#[must_use]
pub(crate) fn env_line(name: &str, value: &str) -> String {
    let quotes = value.matches('\'').count() * r"'\'".len();
    let mut line = String::with_capacity(name.len() + value.len() + quotes + "=''\n".len());
    line.push_str(name);
    line.push('=');
    if is_bare(value) {
        line.push_str(value);
        line.push('\n');
        return line;
    }
    line.push('\'');
    for (index, part) in value.split('\'').enumerate() {
        if index > 0 {
            line.push_str(r"'\''");
        }
        line.push_str(part);
    }
    line.push_str("'\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        assert_eq!(env_line("KEY", "a'b$c`d\"e"), "KEY='a'\\''b$c`d\"e'\n");
        assert_eq!(env_line("KEY", "a b"), "KEY='a b'\n");
        assert_eq!(env_line("KEY", "~a"), "KEY='~a'\n");
    }

    #[test]
    fn what_no_reader_takes_for_anything_else_needs_no_quotes() {
        let secret = "12:aGVsbG8+d29ybGQ/Zm9v==";
        assert_eq!(env_line("KEY", secret), format!("KEY={secret}\n"));
    }
}
