//! Finds the flag or environment variable that contains an invalid value.

use super::super::command_line::parser;

/// Returns the first environment variable whose value must be text but is not UTF-8. A variable with a path is not checked, because a path may
/// contain any bytes.
pub(super) fn unreadable_variable() -> Option<String> {
    let command = parser();
    let unreadable = |argument: &&clap::Arg| {
        let path = std::any::TypeId::of::<std::path::PathBuf>();
        let variable = argument.get_env().and_then(std::env::var_os);
        argument.get_value_parser().type_id() != path
            && variable.is_some_and(|value| value.to_str().is_none())
            && !is_typed(argument)
    };
    let found = command.get_arguments().find(unreadable)?.get_env()?;
    Some(found.to_string_lossy().into_owned())
}

/// Returns true if this flag was typed. clap does not read the environment variable of a typed flag.
fn is_typed(argument: &clap::Arg) -> bool {
    let long = argument.get_long().map(|long| format!("--{long}"));
    let short = argument.get_short().map(|short| format!("-{short}"));
    std::env::args_os().any(|word| {
        let word = word.to_string_lossy();
        long.as_ref().is_some_and(|long| word.starts_with(long))
            || (short.as_ref())
                .is_some_and(|short| word.starts_with(short) && !word.starts_with("--"))
    })
}

/// Returns the name of the flag that was typed. If the flag was not typed, returns the name of its environment variable.
pub(super) fn origin(invalid: &str) -> String {
    let flag = invalid.split_whitespace().next().unwrap_or_default();
    let command = parser();
    let argument = command.get_arguments().find(|argument| {
        argument
            .get_long()
            .is_some_and(|long| flag.strip_prefix("--") == Some(long))
    });
    match argument.and_then(clap::Arg::get_env) {
        Some(variable) if !argument.is_some_and(is_typed) => {
            format!("`{}`", variable.to_string_lossy())
        }
        _ => format!("`{flag}`"),
    }
}
