//! Where a table is printed. The layout of the table depends on it.

use std::io::{self, IsTerminal as _};

use crate::terminal::output::wrap::terminal_width;

/// Where a table is printed: on a terminal, to a pipe, or in the format `tsv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableLayout {
    /// A terminal. The columns of the table are aligned, and cells may be cut to make the table fit.
    Terminal {
        /// The width of the terminal in characters.
        width: usize,
        /// True if cells may have a colour.
        color: bool,
    },
    /// A pipe or a file. Each row is one line, in which the cells are separated by tabs. There is no header.
    Pipe,
    /// The format `tsv`. The layout is the same as [`TableLayout::Pipe`], but with a header.
    Tsv,
}

impl TableLayout {
    /// Returns the layout of a table that is printed to stdout.
    pub(crate) fn of_stdout(color: bool) -> Self {
        if !io::stdout().is_terminal() {
            return Self::Pipe;
        }
        // If the width of the terminal is unknown, no cell is cut, and the terminal wraps long lines.
        let width = terminal_width(io::stdout()).unwrap_or(usize::MAX);
        Self::Terminal { width, color }
    }
}
