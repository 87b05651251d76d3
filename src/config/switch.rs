//! Boolean environment variables, such as SWP_INSECURE.

/// Parses the value of a boolean environment variable. Surrounding whitespace and one pair of quotes are ignored, because Docker and systemd may keep
/// them when they read a file with environment variables.
///
/// # Errors
/// Returns a list of the accepted words if the value is not one of them. A mistyped word must not count as true or false, because it could disable a
/// security check.
pub(crate) fn parse(text: &str) -> Result<bool, &'static str> {
    let text = text.trim();
    let quoted = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    let text = quoted('"').or_else(|| quoted('\'')).unwrap_or(text).trim();
    let is_any = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_any(&["1", "true", "yes", "on"]) {
        Ok(true)
    } else if is_any(&["", "0", "false", "no", "off"]) {
        Ok(false)
    } else {
        Err("expected 1, true, yes or on, or 0, false, no, off or nothing")
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn whitespace_and_one_pair_of_quotes_are_ignored() {
        for on in [
            "1",
            "true",
            "Yes",
            "ON",
            " true\r\n",
            "\"true\"",
            "'1'",
            " \" on \"\r",
        ] {
            assert_eq!(parse(on), Ok(true), "{on:?}");
        }
        for off in [
            "",
            " ",
            "\r",
            "0",
            "false\r",
            "No",
            "OFF",
            "\"false\"",
            "''",
            "\"\"",
            "' '",
        ] {
            assert_eq!(parse(off), Ok(false), "{off:?}");
        }
    }

    #[test]
    fn an_unknown_word_is_rejected() {
        for text in [
            "none",
            "disabled",
            "null",
            "00",
            "2",
            "enabled",
            "\"true",
            "'true\"",
            "\"\"true\"\"",
            "\"",
            "y",
            "-",
            "${X}",
            "true,false",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
