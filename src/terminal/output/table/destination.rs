//! The destination of a table, which determines its layout.

use std::io::{self, IsTerminal as _};

/// The destination of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableLayout {
    /// A terminal with this width in characters. The table is aligned, and cells may be cut.
    Terminal {
        /// The width in characters.
        width: usize,
        /// True if cells may have a colour.
        color: bool,
    },
    /// A pipe or a file. Each row is a line with tabs between the cells. There is no header.
    Pipe,
    /// The format `tsv`: the layout of [`TableLayout::Pipe`] with a header.
    Tsv,
}

impl TableLayout {
    /// Returns the destination of a table that is printed to stdout.
    pub(crate) fn of_stdout(color: bool) -> Self {
        if !io::stdout().is_terminal() {
            return Self::Pipe;
        }
        // If the width is unknown, no cell is cut, and the terminal wraps long lines.
        let width = terminal_width().map_or(usize::MAX, usize::from);
        Self::Terminal { width, color }
    }
}

#[cfg(unix)]
fn terminal_width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}

/// Returns `None`, because the width is unknown on Windows.
#[cfg(not(unix))]
fn terminal_width() -> Option<u16> {
    None
}
