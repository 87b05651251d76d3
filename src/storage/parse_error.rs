//! Error messages for input that a parser rejects. The messages of the parser itself are not shown, because they quote the input, which may
//! contain a secret.

use serde_json::error::Category;

/// Returns the line number and the kind of a JSON error.
pub(crate) fn json_problem(error: &serde_json::Error) -> String {
    let problem = match error.classify() {
        Category::Syntax => "invalid JSON syntax",
        Category::Eof => "unexpected end of the file",
        Category::Data => "a field is missing, unknown or has the wrong type",
        Category::Io => "it could not be read",
    };
    format!("line {}: {problem}", error.line().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_reported_without_its_text() {
        for (text, problem) in [
            ("", "line 1: unexpected end of the file"),
            ("[1,\n\"hunter2", "line 2: unexpected end of the file"),
            ("\n\nhunter2", "line 3: invalid JSON syntax"),
            (
                "\n\"hunter2\"",
                "line 2: a field is missing, unknown or has the wrong type",
            ),
        ] {
            let error = serde_json::from_str::<Vec<u8>>(text).err();
            let message = error.map(|error| json_problem(&error));
            assert_eq!(message.as_deref(), Some(problem), "{text}");
        }
    }
}
