//! Resolves each setting from its flag, its environment variable, the profile or its default, in this order. Each value is recorded with its source,
//! because `config show` prints both.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use clap::parser::ValueSource;

use super::file::Profile;
use super::global_args::Sources;
use super::provenance::{ResolvedSetting, place, span};
use super::source::{SecretSource, Source, Sourced};
use super::values;
use crate::error::Error;

/// The names of a setting: its ID in the parser, its flag, and its environment variable.
pub(crate) type SettingKey = (&'static str, &'static str, &'static str);

/// Resolves settings one by one, and records each value with its source.
pub(crate) struct Resolver<'a> {
    sources: &'a Sources,
    /// The selected profile.
    pub(crate) profile: Option<Profile>,
    resolved: RefCell<Vec<ResolvedSetting>>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            profile: None,
            resolved: RefCell::default(),
        }
    }

    /// Returns the source of a setting: its flag or its environment variable. Must not be called for a value from the profile.
    pub(crate) fn source_of(&self, (id, flag, variable): SettingKey) -> Source {
        match self.sources.get(id) {
            Some(ValueSource::EnvVariable) => Source::Variable(variable),
            _ => Source::Flag(flag),
        }
    }

    /// Returns every setting that was resolved.
    pub(crate) fn into_resolved(self) -> Vec<ResolvedSetting> {
        self.resolved.into_inner()
    }

    /// Records the value of a setting.
    pub(crate) fn record(&self, name: &'static str, value: Option<String>, source: Option<Source>) {
        self.resolved.borrow_mut().push(ResolvedSetting {
            name,
            value,
            source,
        });
    }

    /// Records where a secret is read from.
    pub(crate) fn record_secret(&self, name: &'static str, secret: Option<&Sourced<SecretSource>>) {
        self.record(
            name,
            secret.map(place),
            secret.map(|secret| secret.source.clone()),
        );
    }

    /// Returns the value of the flag or of the environment variable. An empty value counts as unset, because many CI systems cannot unset a variable,
    /// but can set it to an empty value.
    pub(crate) fn given(
        &self,
        names: SettingKey,
        value: Option<String>,
    ) -> Option<Sourced<String>> {
        let value = value.filter(|text| !text.is_empty())?;
        let source = self.source_of(names);
        Some(Sourced { value, source })
    }

    /// Returns the path that the flag or the environment variable contains.
    pub(crate) fn given_path(
        &self,
        names: SettingKey,
        value: Option<PathBuf>,
    ) -> Option<Sourced<PathBuf>> {
        let value = value.filter(|path| !path.as_os_str().is_empty())?;
        let source = self.source_of(names);
        Some(Sourced { value, source })
    }

    /// Returns the value in the profile, or `None` if the flag is on the command line. Even a flag with an empty value overrides the profile.
    pub(crate) fn in_profile(&self, names: SettingKey) -> Option<Sourced<String>> {
        if self.is_typed(names) {
            return None;
        }
        self.profile.as_ref()?.text(field(names))
    }

    fn is_typed(&self, (id, ..): SettingKey) -> bool {
        self.sources.get(id) == Some(ValueSource::CommandLine)
    }

    /// Resolves a text.
    pub(crate) fn text(&self, names: SettingKey, value: Option<String>) -> Option<Sourced<String>> {
        let found = (self.given(names, value)).or_else(|| self.in_profile(names));
        let (value, source) = found
            .clone()
            .map(|found| (found.value, found.source))
            .unzip();
        self.record(field(names), value, source);
        found
    }

    /// Resolves a duration without a default.
    ///
    /// # Errors
    /// Returns a usage error that names the source.
    pub(crate) fn wait(
        &self,
        names: SettingKey,
        value: Option<String>,
    ) -> Result<Option<Duration>, Error> {
        let found = (self.given(names, value)).or_else(|| self.in_profile(names));
        let wait = (found.as_ref())
            .map(|found| values::duration(&found.source, &found.value))
            .transpose()?;
        self.record(
            field(names),
            wait.map(span),
            found.map(|found| found.source),
        );
        Ok(wait)
    }

    /// Resolves a setting with a default, as text. The source is `None` if the default applies.
    fn preset(&self, names: SettingKey, value: String) -> (String, Option<Source>) {
        let is_given = matches!(
            self.sources.get(names.0),
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        );
        if is_given {
            return (value, Some(self.source_of(names)));
        }
        match self.in_profile(names) {
            Some(found) => (found.value, Some(found.source)),
            None => (value, None),
        }
    }

    /// Resolves a setting that has a fixed set of possible values.
    pub(crate) fn word<T: ValueEnum + Clone>(&self, names: SettingKey, value: T) -> T {
        let possible = value.to_possible_value();
        let name = possible.map(|value| value.get_name().to_owned());
        let (found, source) = self.preset(names, name.unwrap_or_default());
        self.record(field(names), Some(found.clone()), source);
        // The value from the profile is valid, because it was checked when the file was read.
        T::from_str(&found, false).unwrap_or(value)
    }

    /// Resolves a duration with a default.
    ///
    /// # Errors
    /// Returns a usage error that names the source.
    pub(crate) fn duration(&self, names: SettingKey, value: String) -> Result<Duration, Error> {
        let (text, source) = self.preset(names, value);
        let by = source.clone().unwrap_or_else(|| self.source_of(names));
        let duration = values::duration(&by, &text)?;
        self.record(field(names), Some(span(duration)), source);
        Ok(duration)
    }

    /// Resolves a number.
    pub(crate) fn number(&self, names: SettingKey, value: u32) -> u32 {
        let (text, source) = self.preset(names, value.to_string());
        let number = text.parse().unwrap_or(value);
        self.record(field(names), Some(number.to_string()), source);
        number
    }

    /// Resolves a boolean setting.
    pub(crate) fn switch(&self, names: SettingKey, value: bool) -> bool {
        let (text, source) = self.preset(names, value.to_string());
        let on = text == "true";
        self.record(field(names), on.then(|| "yes".to_owned()), source);
        on
    }
}

/// Returns the name of the profile's field, which is the flag's name without dashes.
pub(crate) fn field((_, flag, _): SettingKey) -> &'static str {
    flag.trim_start_matches('-')
}
