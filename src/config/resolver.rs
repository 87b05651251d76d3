//! Looking a setting up: flag > environment > profile > default. Each answer is noted with its source, for `config show`.

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

/// How a setting is called: the parser's ID, the flag, and the variable.
pub(crate) type SettingKey = (&'static str, &'static str, &'static str);

/// Tells flag, variable and profile apart.
pub(crate) struct Resolver<'a> {
    sources: &'a Sources,
    /// The profile that counts.
    pub(crate) profile: Option<Profile>,
    told: RefCell<Vec<ResolvedSetting>>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            profile: None,
            told: RefCell::default(),
        }
    }

    /// Whether flag or variable said it.
    pub(crate) fn of(&self, (id, flag, variable): SettingKey) -> Source {
        match self.sources.get(id) {
            Some(ValueSource::EnvVariable) => Source::Variable(variable),
            _ => Source::Flag(flag),
        }
    }

    /// Everything that was looked up.
    pub(crate) fn told(self) -> Vec<ResolvedSetting> {
        self.told.into_inner()
    }

    /// Notes what a setting comes to.
    pub(crate) fn tell(&self, name: &'static str, value: Option<String>, source: Option<Source>) {
        self.told.borrow_mut().push(ResolvedSetting {
            name,
            value,
            source,
        });
    }

    /// Notes where a secret comes from.
    pub(crate) fn tell_secret(&self, name: &'static str, secret: Option<&Sourced<SecretSource>>) {
        self.tell(
            name,
            secret.map(place),
            secret.map(|secret| secret.source.clone()),
        );
    }

    /// What the command line or the environment says. An empty value counts as none: that is how a variable is switched off in many
    /// a CI system.
    pub(crate) fn given(
        &self,
        names: SettingKey,
        value: Option<String>,
    ) -> Option<Sourced<String>> {
        let value = value.filter(|text| !text.is_empty())?;
        let source = self.of(names);
        Some(Sourced { value, source })
    }

    /// The same for a path.
    pub(crate) fn given_path(
        &self,
        names: SettingKey,
        value: Option<PathBuf>,
    ) -> Option<Sourced<PathBuf>> {
        let value = value.filter(|path| !path.as_os_str().is_empty())?;
        let source = self.of(names);
        Some(Sourced { value, source })
    }

    /// What the profile says, unless an empty flag was typed, which is meant.
    pub(crate) fn in_profile(&self, names: SettingKey) -> Option<Sourced<String>> {
        if self.is_typed(names) {
            return None;
        }
        self.profile.as_ref()?.text(field(names))
    }

    fn is_typed(&self, (id, ..): SettingKey) -> bool {
        self.sources.get(id) == Some(ValueSource::CommandLine)
    }

    /// The text that counts.
    pub(crate) fn text(&self, names: SettingKey, value: Option<String>) -> Option<Sourced<String>> {
        let found = (self.given(names, value)).or_else(|| self.in_profile(names));
        let (value, source) = found
            .clone()
            .map(|found| (found.value, found.source))
            .unzip();
        self.tell(field(names), value, source);
        found
    }

    /// How long to wait for a manager that is starting.
    ///
    /// # Errors
    /// Of usage, naming who says so.
    pub(crate) fn wait(
        &self,
        names: SettingKey,
        value: Option<String>,
    ) -> Result<Option<Duration>, Error> {
        let found = (self.given(names, value)).or_else(|| self.in_profile(names));
        let wait = (found.as_ref())
            .map(|found| values::duration(&found.source, &found.value))
            .transpose()?;
        self.tell(
            field(names),
            wait.map(span),
            found.map(|found| found.source),
        );
        Ok(wait)
    }

    /// The value that counts of a setting that has a default, as text, and who says so where somebody does.
    fn preset(&self, names: SettingKey, value: String) -> (String, Option<Source>) {
        let is_given = matches!(
            self.sources.get(names.0),
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        );
        if is_given {
            return (value, Some(self.of(names)));
        }
        match self.in_profile(names) {
            Some(found) => (found.value, Some(found.source)),
            None => (value, None),
        }
    }

    /// The one of a few words that counts.
    pub(crate) fn word<T: ValueEnum + Clone>(&self, names: SettingKey, value: T) -> T {
        let possible = value.to_possible_value();
        let name = possible.map(|value| value.get_name().to_owned());
        let (found, source) = self.preset(names, name.unwrap_or_default());
        self.tell(field(names), Some(found.clone()), source);
        // The profile was checked when it was read.
        T::from_str(&found, false).unwrap_or(value)
    }

    /// The span of time that counts.
    ///
    /// # Errors
    /// Of usage, naming who says so.
    pub(crate) fn duration(&self, names: SettingKey, value: String) -> Result<Duration, Error> {
        let (text, source) = self.preset(names, value);
        let by = source.clone().unwrap_or_else(|| self.of(names));
        let duration = values::duration(&by, &text)?;
        self.tell(field(names), Some(span(duration)), source);
        Ok(duration)
    }

    /// The number that counts.
    pub(crate) fn number(&self, names: SettingKey, value: u32) -> u32 {
        let (text, source) = self.preset(names, value.to_string());
        let number = text.parse().unwrap_or(value);
        self.tell(field(names), Some(number.to_string()), source);
        number
    }

    /// Whether it is switched on.
    pub(crate) fn switch(&self, names: SettingKey, value: bool) -> bool {
        let (text, source) = self.preset(names, value.to_string());
        let on = text == "true";
        self.tell(field(names), on.then(|| "yes".to_owned()), source);
        on
    }
}

/// The field of a profile is called like the flag.
pub(crate) fn field((_, flag, _): SettingKey) -> &'static str {
    flag.trim_start_matches('-')
}
