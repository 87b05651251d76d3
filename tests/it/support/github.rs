//! A step of GitHub Actions: its variables and files, and the values that the runner reads from them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Home;
use super::files::read;

/// Sets the variables and creates the files of a step.
pub(crate) fn be_a_step(home: &mut Home) {
    home.set("GITHUB_ACTIONS", "true");
    for variable in ["GITHUB_OUTPUT", "GITHUB_ENV"] {
        let file = home.write(variable, "");
        home.set(variable, file);
    }
}

/// Returns the values that the runner reads from a file, by the grammar of actions/runner: `NAME=VALUE`, or `NAME<<DELIMITER`, lines and the
/// delimiter. Any other line makes the step fail.
#[track_caller]
pub(crate) fn values(file: PathBuf) -> BTreeMap<String, String> {
    let text = read(file);
    let mut lines = text.split('\n');
    let mut values = BTreeMap::new();
    while let Some(line) = lines.next() {
        if let Some((name, value)) = line
            .split_once('=')
            .filter(|(name, _)| !name.contains("<<"))
        {
            values.insert(name.to_owned(), value.to_owned());
        } else if let Some((name, delimiter)) = line.split_once("<<") {
            let value: Vec<&str> = lines
                .by_ref()
                .take_while(|line| *line != delimiter)
                .collect();
            values.insert(name.to_owned(), value.join("\n"));
        } else {
            assert_eq!(line, "", "the runner cannot read this line of: {text}");
        }
    }
    values
}

/// Returns the values that the runner masks, and the rest of the log.
pub(crate) fn masks(log: &str) -> (Vec<&str>, String) {
    let (masks, rest): (Vec<&str>, Vec<&str>) = log
        .lines()
        .partition(|line| line.starts_with("::add-mask::"));
    let masks = masks
        .iter()
        .filter_map(|line| line.strip_prefix("::add-mask::"))
        .collect();
    (masks, rest.join("\n"))
}
