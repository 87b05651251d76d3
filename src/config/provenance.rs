//! What the settings are and where each came from, for people. A secret is never part of it: only where it is read from.

use std::time::Duration;

use super::source::{SecretSource, Source, Sourced};
use crate::process::external_command::ExternalCommand;

/// One setting.
#[derive(Clone)]
pub(crate) struct ResolvedSetting {
    /// Its name: that of its flag, without the dashes.
    pub(crate) name: &'static str,
    /// Its value, or where a secret is read from; none where nothing is said.
    pub(crate) value: Option<String>,
    /// Who says so; none where nobody does, and the default counts.
    pub(crate) source: Option<Source>,
}

impl ResolvedSetting {
    /// Who says so, in words.
    pub(crate) fn by(&self) -> String {
        match &self.source {
            Some(source) => source.to_string().replace('`', ""),
            None if self.value.is_some() => "default".to_owned(),
            None => String::new(),
        }
    }
}

/// Where a secret is read from. Of a command only the program is named, since its arguments may hold anything; but what a profile names
/// stands in a file that holds no secret.
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

/// A span of time as it is typed.
pub(crate) fn span(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}
