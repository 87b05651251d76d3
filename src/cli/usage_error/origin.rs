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

/// The setting that contains an invalid value.
pub(super) enum Origin {
    /// A flag of one command.
    Flag(String),
    /// A flag that every command accepts.
    GlobalFlag(String),
    /// An environment variable.
    Variable(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Flag(name) | Self::GlobalFlag(name) | Self::Variable(name)) = self;
        write!(formatter, "`{name}`")
    }
}

/// Returns the flag that was typed. If the flag was not typed, returns its environment variable.
pub(super) fn origin(invalid: &str) -> Origin {
    let flag = invalid.split_whitespace().next().unwrap_or_default();
    let command = parser();
    let argument = command.get_arguments().find(|argument| {
        argument
            .get_long()
            .is_some_and(|long| flag.strip_prefix("--") == Some(long))
    });
    let Some(argument) = argument else {
        return Origin::Flag(flag.to_owned());
    };
    match argument.get_env() {
        Some(variable) if !is_typed(argument) => {
            Origin::Variable(variable.to_string_lossy().into_owned())
        }
        _ => Origin::GlobalFlag(flag.to_owned()),
    }
}
