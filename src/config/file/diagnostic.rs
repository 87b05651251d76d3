//! The problems that were found in the settings file, with their positions.

use std::path::Path;

/// A problem in the settings file. Its message does not repeat text from the file.
pub(crate) struct Diagnostic {
    /// The line of the problem, counted from 1.
    pub(crate) line: usize,
    /// The column of the problem, in characters, counted from 1.
    pub(crate) column: usize,
    /// The problem.
    pub(crate) what: String,
    /// The hint that describes how to fix the problem.
    pub(crate) hint: String,
    /// True if the problem is that the file contains a secret at this position.
    pub(crate) secret: bool,
    /// True if the problem is that `default-profile` names no profile of the file.
    pub(crate) missing_profile: bool,
}

impl Diagnostic {
    /// Creates a problem at this byte offset of the text.
    pub(crate) fn at(
        text: &str,
        offset: usize,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let (line, column) = position(text, offset);
        Self {
            line,
            column,
            what: what.into(),
            hint: hint.into(),
            secret: false,
            missing_profile: false,
        }
    }

    /// Formats the problem as `FILE:LINE:COLUMN: MESSAGE`.
    pub(crate) fn with_location(&self, file: &Path) -> String {
        let Self {
            line, column, what, ..
        } = self;
        format!("{}:{line}:{column}: {what}", file.display())
    }
}

fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn lines_and_columns_are_counted_as_editors_do() {
        assert_eq!(position("ab\ncd", 0), (1, 1));
        assert_eq!(position("ab\ncd", 4), (2, 2));
        assert_eq!(position("ü = 1\n", 3), (1, 3));
        assert_eq!(position("ab\n", 99), (2, 1));
    }
}
