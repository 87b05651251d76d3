//! Chooses the layout of a table.

use super::destination::TableLayout;
use super::model::Table;
use super::{layout, tsv};

impl Table {
    /// Returns the text of the table in the layout for this destination. Characters that are unsafe in a terminal are escaped.
    pub(crate) fn text(&self, destination: TableLayout) -> String {
        match destination {
            TableLayout::Terminal { width, color } => layout::table(self, width, color),
            TableLayout::Pipe => tsv::rows(self),
            TableLayout::Tsv => tsv::header(self) + &tsv::rows(self),
        }
    }
}

/// Formats pairs of a name and a value, with one pair on each line.
pub(crate) fn pairs(rows: &[[String; 2]], destination: TableLayout) -> String {
    match destination {
        TableLayout::Terminal { .. } => layout::pairs(rows),
        TableLayout::Pipe | TableLayout::Tsv => tsv::pairs(rows),
    }
}
