//! Writes to stdout and stderr.

use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write};

use serde::Serialize;

use super::deferred;
use super::escape::json_line;
use super::format::{Color, Format};
use super::message::{self, Level};
use super::table::{Table, TableLayout, pairs};
use crate::error::Error;
use crate::terminal::status_line;

/// The output of a run on stdout and stderr, with its settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
    quiet: bool,
    /// True if output on stderr may contain colour.
    color: bool,
    /// True if output on stdout may contain colour.
    color_data: bool,
}

impl Output {
    /// Creates the output of a run. If `quiet` is true, notes and warnings are not printed. Errors are always printed.
    #[must_use]
    pub(crate) fn new(format: Format, quiet: bool, color: Color) -> Self {
        Self {
            format,
            quiet,
            color: wants_color(color, io::stderr().is_terminal()),
            color_data: wants_color(color, io::stdout().is_terminal()),
        }
    }

    /// Returns a copy of this output that uses a different format on stdout.
    #[must_use]
    pub(crate) fn with_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// Returns the format of stdout.
    #[must_use]
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Returns true if progress may be shown on the terminal.
    #[must_use]
    pub(crate) fn wants_progress(&self) -> bool {
        !self.quiet && !self.format.is_json()
    }

    /// Returns true if notes and warnings are suppressed.
    #[must_use]
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Writes the document of this run to stdout. If stdout is a pipe that the reader has closed (`| head`), this is not an error.
    ///
    /// # Errors
    /// Returns an error if writing to stdout fails for a different reason, such as a full disk.
    pub(crate) fn data(&self, document: &str) -> Result<(), Error> {
        self.write(|stdout| stdout.write_all(document.as_bytes()))
            .map(|_| ())
    }

    /// Writes a part of a list to stdout, with one JSON document on each line. Returns false if the reader has closed the pipe. A list is written in
    /// parts only in the format `jsonl`. If the run cannot get the next part, the list on stdout stays incomplete, and the exit code reports the
    /// error.
    ///
    /// # Errors
    /// Returns an error if writing to stdout fails for a different reason, such as a full disk.
    pub(crate) fn json_lines(&self, documents: &[impl Serialize]) -> Result<bool, Error> {
        self.write(|stdout| {
            (documents.iter()).try_for_each(|document| json_line(stdout, document, false))
        })
    }

    /// Writes a JSON document to stdout piece by piece. Its whole text is never in memory at once.
    ///
    /// # Errors
    /// Returns an error if writing to stdout fails.
    pub(crate) fn json(&self, document: &impl Serialize, pretty: bool) -> Result<(), Error> {
        self.write(|stdout| json_line(stdout, document, pretty))
            .map(|_| ())
    }

    /// Writes a table to stdout. On a terminal, the columns are aligned. In a pipe, the cells are separated by tabs. The header is printed
    /// to a pipe only with `-o tsv`.
    ///
    /// # Errors
    /// Returns an error if writing to stdout fails.
    pub(crate) fn table(&self, table: &Table) -> Result<(), Error> {
        self.data(&table.text(self.destination()))
    }

    /// Formats pairs of a name and a value, with one pair on each line.
    #[must_use]
    pub(crate) fn pairs(&self, rows: &[[String; 2]]) -> String {
        pairs(rows, self.destination())
    }

    /// Returns the destination of tables (a terminal, a pipe or `tsv`). The layout of a table depends on it.
    #[must_use]
    pub(crate) fn destination(&self) -> TableLayout {
        match self.format {
            Format::Tsv => TableLayout::Tsv,
            _ => TableLayout::of_stdout(self.color_data),
        }
    }

    /// Writes to stdout. Returns false if stdout is a pipe that the reader has closed.
    fn write(
        &self,
        write: impl FnOnce(&mut BufWriter<StdoutLock<'_>>) -> io::Result<()>,
    ) -> Result<bool, Error> {
        let mut stdout = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
        let written = status_line::write_above(|| write(&mut stdout).and_then(|()| stdout.flush()));
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            other => other
                .map(|()| true)
                .map_err(|error| Error::unexpected(format!("could not write to stdout: {error}"))),
        }
    }

    /// Prints a note.
    pub(crate) fn note(&self, message: &str) {
        if !self.quiet {
            self.line(Level::Note, message);
        }
    }

    /// Prints a blank line, and a note that the next line is the secret. Prints nothing with `--quiet`, or if stdout or stderr is not a terminal.
    pub(crate) fn announce_secret(&self) {
        if !self.quiet && io::stdout().is_terminal() && io::stderr().is_terminal() {
            message::write_line("");
            self.note("the next line is the secret of the key");
        }
    }

    /// Prints a warning. The run continues, but the user should act.
    pub(crate) fn warn(&self, message: &str) {
        if !self.quiet {
            self.line(Level::Warning, message);
        }
    }

    /// Prints a warning even if `--quiet` is set. This function is for a warning that the user must see to avoid harm.
    pub(crate) fn insist(&self, message: &str) {
        self.line(Level::Warning, message);
    }

    /// Prints an error. Only `report.rs` and `config check` call this function.
    pub(crate) fn error(&self, message: &str, hint: Option<&str>) {
        self.line(Level::Error, message);
        if let Some(hint) = hint {
            self.line(Level::Hint, hint);
        }
    }

    /// Selects whether the lines on stderr are JSON objects or plain text. They are JSON objects if the output on stdout is JSON.
    pub(crate) fn choose_message_format(&self) {
        message::use_format(self.format);
    }

    /// Returns true if each line on stderr must be a JSON object.
    pub(crate) fn has_json_messages() -> bool {
        message::is_json()
    }

    /// Writes a line to stderr. The log and the panic hook call this function, because they have no access to the output settings.
    pub(crate) fn plain_line(level: Level, message: &str) {
        message::write(level, message, false);
    }

    /// Writes a line to stderr unchanged. Only `report.rs` and `usage_error.rs` call this function.
    pub(crate) fn raw_line(line: &str) {
        message::write_line(line);
    }

    /// Defers all lines for stderr until [`Output::release_lines`] is called. This is needed in a CI job, because the line that tells the
    /// CI runner to mask a secret must be written first.
    pub(crate) fn hold_lines() {
        deferred::begin();
    }

    /// Writes the deferred lines to stderr. Later lines are no longer deferred.
    pub(crate) fn release_lines() {
        deferred::end();
    }

    /// Returns the text, in colour if stdout may contain colour. `color` is a code of an ANSI escape sequence, such as `31` for red.
    pub(crate) fn colored_data(&self, color: &str, text: &str) -> String {
        if self.color_data {
            format!("\x1b[{color}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn line(&self, level: Level, message: &str) {
        message::write(level, message, self.color);
    }
}

fn wants_color(color: Color, is_terminal: bool) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
            is_terminal && !set("NO_COLOR") && !dumb
        }
    }
}
