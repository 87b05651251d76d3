//! What a parser says of a text, without the text: it quotes values, and a value that stands in a wrong place may be a secret.

/// As much of it as a message can bear.
const LIMIT: usize = 200;

/// The words of serde and its parsers, which begin alike whatever the format. Names of fields may be told; values may not.
pub(crate) fn without_values(said: &str) -> String {
    let quotes = [
        "invalid type",
        "invalid value",
        "invalid length",
        "unknown variant",
    ];
    let said = match said.rsplit_once(", expected ") {
        Some((quoting, expected)) if quotes.iter().any(|words| quoting.starts_with(words)) => {
            format!("a value is wrong, expected {expected}")
        }
        _ => said.to_owned(),
    };
    match said.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}...", &said[..end]),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_not_repeated_and_a_name_is() {
        for (said, told) in [
            (
                "invalid type: string \"hunter2, expected \", expected a sequence",
                "a value is wrong, expected a sequence",
            ),
            (
                "unknown variant `hunter2`, expected `create` or `rekey` at line 1 column 9",
                "a value is wrong, expected `create` or `rekey` at line 1 column 9",
            ),
            (
                "unknown field `pin`, expected `pins`",
                "unknown field `pin`, expected `pins`",
            ),
        ] {
            assert_eq!(without_values(said), told);
        }
        assert_eq!(without_values(&"ü".repeat(5000)).chars().count(), LIMIT + 3);
    }
}
