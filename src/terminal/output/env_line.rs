//! Formats lines of the form `NAME=value`.

/// Returns true if a value needs no quotes in a `NAME=value` line. A value needs no quotes if none of its characters is special in any of
/// the programs that read these lines: POSIX shells (`~`, `$`), make (`$`, `#`, `\`), systemd's `EnvironmentFile=` (quotes, `\`) and dotenv
/// libraries (`$`, `#`, quotes). Quotes are avoided because docker's `--env-file` treats them as a part of the value. The manager's secrets
/// need no quotes.
#[must_use]
pub(crate) fn is_bare(value: &str) -> bool {
    (value.bytes()).all(|byte| byte.is_ascii_alphanumeric() || b"_./:+=@%,-".contains(&byte))
}

/// Returns `NAME=value` and a line break. If the value needs quotes, it is quoted as in a POSIX shell. The caller must check that the name
/// is valid.
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
