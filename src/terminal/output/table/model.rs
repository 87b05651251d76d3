//! The content of a table. The layout of the table is determined elsewhere.

/// A table with a header.
pub(crate) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) summary: Option<String>,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(super) header: &'static str,
    /// The width to which cells may be cut on a narrow terminal. `None` if cells are never cut.
    pub(super) min_width: Option<usize>,
    /// True if text is removed from the middle of a cell that is too wide, so that the end of the cell stays visible.
    pub(super) keeps_end: bool,
    /// The rank of an optional column. `None` if the column is always shown. On a narrow terminal, the optional column with the lowest rank is
    /// left out first.
    pub(super) drop_rank: Option<u8>,
}

/// A cell of a table.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// The text that is shown on a terminal.
    pub(super) shown: String,
    /// The text that is written to a pipe. `None` if it is the same text as on a terminal.
    pub(super) exact: Option<String>,
    pub(super) tint: Option<Tint>,
}

/// The colour of a cell on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tint {
    /// The cell describes something that does not work.
    Red,
    /// The cell describes something that will soon stop working.
    Yellow,
}

impl Table {
    /// Creates a table without rows.
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
            summary: None,
        }
    }

    /// Creates a table whose cells are texts without colour. The texts are never cut.
    pub(crate) fn plain<const N: usize>(
        header: [&'static str; N],
        rows: impl Iterator<Item = [String; N]>,
    ) -> Self {
        let mut table = Self::new(header.map(Column::whole));
        for row in rows {
            table.push(row.map(Cell::from).into());
        }
        table
    }

    /// Appends a row with one cell for each column.
    pub(crate) fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// Sets a line of text that is printed below the table. It is printed only on a terminal.
    pub(crate) fn summarize(&mut self, summary: String) {
        self.summary = Some(summary);
    }
}

impl Column {
    /// Returns a column whose cells are never cut.
    pub(crate) fn whole(header: &'static str) -> Self {
        Self {
            header,
            min_width: None,
            keeps_end: false,
            drop_rank: None,
        }
    }

    /// Returns a column whose cells may be cut on a narrow terminal, but not to less than `min_width`.
    pub(crate) fn cut(header: &'static str, min_width: usize) -> Self {
        Self {
            min_width: Some(min_width),
            ..Self::whole(header)
        }
    }

    /// Returns the name of the column, spelled as in `--columns`.
    pub(super) fn name(&self) -> String {
        self.header.to_lowercase().replace(' ', "-")
    }

    /// In the returned column, a cell that is too wide is cut in the middle. Use this function for a column whose cells differ only at their end.
    pub(crate) fn keeping_end(self) -> Self {
        Self {
            keeps_end: true,
            ..self
        }
    }

    /// Makes the column optional. A narrow terminal shows only some of the optional columns. The column with the lowest rank is left out first.
    pub(crate) fn droppable(self, rank: u8) -> Self {
        Self {
            drop_rank: Some(rank),
            ..self
        }
    }
}

impl Cell {
    /// Returns a cell with two texts: `shown` for a terminal, and `exact` for a pipe.
    pub(crate) fn with_exact(shown: String, exact: String) -> Self {
        Self {
            shown,
            exact: Some(exact),
            tint: None,
        }
    }

    /// Returns the same cell with a colour.
    pub(crate) fn tinted(self, tint: Option<Tint>) -> Self {
        Self { tint, ..self }
    }
}

impl From<String> for Cell {
    fn from(shown: String) -> Self {
        Self {
            shown,
            exact: None,
            tint: None,
        }
    }
}
