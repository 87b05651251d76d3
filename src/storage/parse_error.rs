//! What is wrong with a text that a parser refuses, in fixed words: the messages of parsers quote the text, and that may be a secret.

use serde_json::error::Category;

/// The line at which JSON could not be read, and why.
pub(crate) fn json_problem(error: &serde_json::Error) -> String {
    let problem = match error.classify() {
        Category::Syntax => "it is not JSON",
        Category::Eof => "it ends too early",
        Category::Data => "a field is missing, unknown or has the wrong type",
        Category::Io => "it cannot be read",
    };
    format!("line {}: {problem}", error.line().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_reported_and_nothing_of_the_text() {
        for (text, problem) in [
            ("", "line 1: it ends too early"),
            ("[1,\n\"hunter2", "line 2: it ends too early"),
            ("\n\nhunter2", "line 3: it is not JSON"),
            (
                "\n\"hunter2\"",
                "line 2: a field is missing, unknown or has the wrong type",
            ),
        ] {
            let error = serde_json::from_str::<Vec<u8>>(text).err();
            let said = error.map(|error| json_problem(&error));
            assert_eq!(said.as_deref(), Some(problem), "{text}");
        }
    }
}
