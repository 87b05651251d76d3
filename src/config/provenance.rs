//! The resolved settings as text, with the source of each value. Secrets are not shown.

use std::time::Duration;

use super::source::{SecretSource, Source, Sourced};
use crate::process::external_command::ExternalCommand;
use crate::terminal::output::{Output, Table, TableLayout, safe};

/// A setting with its value and source.
#[derive(Clone)]
pub(crate) struct ResolvedSetting {
    /// The name of the setting, which is its flag without the leading dashes.
    pub(crate) name: &'static str,
    /// The value of the setting, or `None` if the setting is not set. For a secret, the field contains a description of its source instead.
    pub(crate) value: Option<String>,
    /// The source of the value, or `None` if the default applies.
    pub(crate) source: Option<Source>,
}

impl ResolvedSetting {
    /// Returns the source for a terminal. A field of a profile is shown without the path of the settings file.
    fn short_source(&self) -> String {
        match &self.source {
            Some(Source::File(place)) => match place.profile() {
                Some(profile) => format!("profile {profile}"),
                None => "settings file".to_owned(),
            },
            _ => self.by(),
        }
    }

    /// Returns the source as text.
    pub(crate) fn by(&self) -> String {
        match &self.source {
            Some(source) => source.to_string().replace('`', ""),
            None if self.value.is_some() => "default".to_owned(),
            None => String::new(),
        }
    }
}

/// Returns a table of settings and their sources. On a terminal, the path of the settings file is shown only once, below the table.
pub(crate) fn settings_table(rows: &[(&ResolvedSetting, String)], output: &Output) -> String {
    let layout = output.destination();
    let is_terminal = matches!(layout, TableLayout::Terminal { .. });
    let cells = rows.iter().map(|(setting, value)| {
        let source = match is_terminal {
            true => setting.short_source(),
            false => setting.by(),
        };
        [setting.name.to_owned(), value.clone(), source]
    });
    let mut table = Table::plain(["SETTING", "VALUE", "SOURCE"], cells);
    let mut sources = rows
        .iter()
        .filter_map(|(setting, _)| setting.source.as_ref());
    if let Some(Source::File(place)) = sources.find(|source| matches!(source, Source::File(_))) {
        table.summarize(format!(
            "settings file: {}",
            safe(&place.file().display().to_string())
        ));
    }
    table.text(layout)
}

/// Describes where a secret is read from. A command from a flag or an environment variable is shown without its arguments, because they may contain
/// secrets. A command from a profile is shown completely, because the settings file contains no secrets.
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

/// Formats a duration as a user would type it.
pub(crate) fn span(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}
