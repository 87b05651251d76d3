//! What is wrong in the settings file, and where.

use std::path::Path;

use crate::error::Error;

/// Something wrong in the file. It never repeats what stands there.
pub(crate) struct Diagnostic {
    /// Counted from 1.
    pub(crate) line: usize,
    /// In characters, counted from 1.
    pub(crate) column: usize,
    /// What is wrong.
    pub(crate) what: String,
    /// What would be right.
    pub(crate) hint: String,
    /// A secret stands there.
    pub(crate) secret: bool,
}

impl Diagnostic {
    /// What begins at this byte of the text is wrong.
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
        }
    }

    /// It with its place, as compilers write it.
    pub(crate) fn placed(&self, file: &Path) -> String {
        let Self {
            line, column, what, ..
        } = self;
        format!("{}:{line}:{column}: {what}", file.display())
    }
}

/// Fails with the first of them.
///
/// # Errors
/// Of usage, with how many more there are.
pub(crate) fn first(file: &Path, problems: &[Diagnostic]) -> Result<(), Error> {
    let Some((first, others)) = problems.split_first() else {
        return Ok(());
    };
    let hint = match others.len() {
        0 => first.hint.clone(),
        more => format!(
            "{}; `swp-keys config check` tells {more} more that is wrong there",
            first.hint
        ),
    };
    Err(Error::usage(first.placed(file), hint))
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
