//! Formats tables for human readers.

use std::io;

use comfy_table::{ContentArrangement, Table, presets};

use super::escape::{safe, without_leading_command};
use crate::text::shorten;

/// The maximum length of a cell, in characters. The limit is necessary, because every cell is padded to the length of the longest cell in its column.
const MAX_CELL: usize = 300;

/// Returns a table with cells that are shortened and safe for a terminal. The table has no borders, so that tools such as `cut` can split it.
#[must_use]
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let mut table = empty();
    table.set_header(header);
    filled(table, rows)
}

/// Returns a table of names and values, without a header.
#[must_use]
pub(crate) fn pairs(rows: impl Iterator<Item = [String; 2]>) -> String {
    filled(empty(), rows)
}

/// Returns an empty table. On a terminal, it is as wide as the terminal. In a pipe, each row is one line.
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
        table.add_row(row.map(|cell| safe(&shorten(&cell, MAX_CELL))));
    }
    let lines = table.trim_fmt();
    // A cell that is wrapped to fit the terminal may continue at the beginning of a line, where a command of a CI runner must be escaped.
    (lines.lines())
        .map(|line| without_leading_command(line) + "\n")
        .collect()
}

/// Returns the width of the terminal in characters. `None` if stdout is not a terminal.
#[cfg(unix)]
fn terminal_width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}

/// Returns `None`, because the width is unknown on Windows. Each row is one line, which the console wraps.
#[cfg(not(unix))]
fn terminal_width() -> Option<u16> {
    None
}
