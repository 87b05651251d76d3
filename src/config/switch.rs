//! Boolean variables, such as SWP_INSECURE.

/// Reads the value of a boolean variable. Files of variables (docker, systemd) deliver quotes and line ends as part of the value, so
/// blanks around it and one pair of quotes do not count.
///
/// # Errors
/// Returns the words that are accepted if the value is neither on nor off: a check must not be switched off by a typing error.
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
        Err(
            "write 1, true, yes or on to switch it on; 0, false, no, off or nothing to switch it off",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn blanks_and_one_pair_of_quotes_do_not_count() {
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
    fn what_is_neither_on_nor_off_is_refused() {
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
