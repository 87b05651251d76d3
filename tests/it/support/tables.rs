//! Tables in the output of the program.

/// Returns the cells of each row, which the program separates by tabs.
pub(crate) fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .map(|line| line.split('\t').collect())
        .collect()
}

/// Returns `text` with each run of spaces replaced by a single space.
pub(crate) fn squeezed(text: &str) -> String {
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(|text| line(text) + "\n").collect()
}
