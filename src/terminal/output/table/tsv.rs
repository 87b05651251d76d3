//! Formats a table as tab-separated lines. Tabs, line breaks and other control characters in a cell are escaped, so a line break always
//! ends a row, and a tab always ends a cell.

use super::model::{Column, Table};
use crate::terminal::output::escape::safe;

/// Returns the header line. It contains the names of the columns, spelled as in `--columns`.
pub(super) fn header(table: &Table) -> String {
    line(table.columns.iter().map(Column::name))
}

/// Returns one line for each row.
pub(super) fn rows(table: &Table) -> String {
    let rows = table.rows.iter().map(|row| {
        let cells = row.iter();
        line(cells.map(|cell| safe(cell.exact.as_ref().unwrap_or(&cell.shown))))
    });
    rows.collect()
}

/// Returns one line for each pair of a name and a value.
pub(super) fn pairs(rows: &[[String; 2]]) -> String {
    let lines = rows
        .iter()
        .map(|row| line(row.iter().map(|cell| safe(cell))));
    lines.collect()
}

fn line(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().join("\t") + "\n"
}
