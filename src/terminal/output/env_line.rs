//! Formats lines of the form `NAME=value`.

/// Returns true if a value is safe without quotes, because no program that reads `NAME=value` lines treats its characters specially. These programs
/// are POSIX shells (`~`, `$`), docker's `--env-file` (which does not remove quotes), make (`$`, `#`, `\`), systemd's `EnvironmentFile=` (quotes,
/// `\`) and dotenv libraries (`$`, `#`, quotes). The manager's secrets are safe without quotes.
#[must_use]
pub(crate) fn is_bare(value: &str) -> bool {
    (value.bytes()).all(|byte| byte.is_ascii_alphanumeric() || b"_./:+=@%,-".contains(&byte))
}

/// Returns `NAME=value` and a line break. The value is quoted for a POSIX shell if necessary. The caller must check that the name is valid.
#[must_use]
pub(crate) fn env_line(name: &str, value: &str) -> String {
    let quotes = value.matches('\'').count() * r"'\'".len();
    let mut line = String::with_capacity(name.len() + value.len() + quotes + "=''\n".len());
    line.push_str(name);
    line.push('=');
    if is_bare(value) {
        line.push_str(value);
        line.push('\n');
        return line;
    }
    line.push('\'');
    for (index, part) in value.split('\'').enumerate() {
        if index > 0 {
            line.push_str(r"'\''");
        }
        line.push_str(part);
    }
    line.push_str("'\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_special_characters_is_quoted_for_a_posix_shell() {
        assert_eq!(env_line("KEY", "a'b$c`d\"e"), "KEY='a'\\''b$c`d\"e'\n");
        assert_eq!(env_line("KEY", "a b"), "KEY='a b'\n");
        assert_eq!(env_line("KEY", "~a"), "KEY='~a'\n");
    }

    #[test]
    fn a_value_without_special_characters_is_not_quoted() {
        let secret = "12:aGVsbG8+d29ybGQ/Zm9v==";
        assert_eq!(env_line("KEY", secret), format!("KEY={secret}\n"));
    }
}
