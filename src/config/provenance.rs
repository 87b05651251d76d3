//! The resolved settings with their sources, as text. Of a secret, only the source is shown.

use std::time::Duration;

use super::source::{SecretSource, Source, Sourced};
use crate::process::external_command::ExternalCommand;

/// A setting with its value and source.
#[derive(Clone)]
pub(crate) struct ResolvedSetting {
    /// The name: the flag without its dashes.
    pub(crate) name: &'static str,
    /// The value, or where a secret is read from; `None` if it is not set.
    pub(crate) value: Option<String>,
    /// The source; `None` if the default applies.
    pub(crate) source: Option<Source>,
}

impl ResolvedSetting {
    /// Returns the source as text.
    pub(crate) fn by(&self) -> String {
        match &self.source {
            Some(source) => source.to_string().replace('`', ""),
            None if self.value.is_some() => "default".to_owned(),
            None => String::new(),
        }
    }
}

/// Describes where a secret is read from. Of a command, only the program is shown because its arguments may hold secrets. A command of a
/// profile is shown completely, because the settings file holds no secrets.
pub(crate) fn place(secret: &Sourced<SecretSource>) -> String {
    match (&secret.value, &secret.source) {
        (SecretSource::Stdin, _) => "from stdin".to_owned(),
        (SecretSource::File(path), _) => format!("in the file {}", path.display()),
        (SecretSource::Command(command), Source::File(_)) => format!("from the command {command}"),
        (SecretSource::Command(command), _) => {
            let program = ExternalCommand::parse(command).map(|command| command.program);
            format!("from the command {}", program.unwrap_or_default())
        }
        (SecretSource::Value(_), _) => "[masked]".to_owned(),
    }
}

/// Formats a duration as it is typed.
pub(crate) fn span(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}
