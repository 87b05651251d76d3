//! Describes where a value comes from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::secret::Secret;

/// Where a value comes from. The variants are in order of precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A flag of the command line.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// A field of the settings file.
    File(Arc<FileLocation>),
}

impl Source {
    /// Returns true if the value was typed on the command line.
    pub(crate) fn is_flag(&self) -> bool {
        matches!(self, Self::Flag(_))
    }

    /// Returns true if the value comes from an environment variable.
    pub(crate) fn is_variable(&self) -> bool {
        matches!(self, Self::Variable(_))
    }

    /// Returns the rank of the source. The source with the lowest rank takes precedence.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Flag(_) => 0,
            Self::Variable(_) => 1,
            Self::File(_) => 2,
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => write!(formatter, "`{name}`"),
            Self::File(spot) => spot.fmt(formatter),
        }
    }
}

/// A value with its source.
#[derive(Clone)]
pub(crate) struct Sourced<T> {
    /// The value.
    pub value: T,
    /// The source of the value.
    pub source: Source,
}

impl<T> Sourced<T> {
    /// Changes the value, but not the source.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Sourced<U> {
        Sourced {
            value: change(self.value),
            source: self.source,
        }
    }
}

/// The input from which a secret will be read.
#[derive(Clone)]
pub(crate) enum SecretSource {
    /// stdin, read to its end.
    Stdin,
    /// A file.
    File(PathBuf),
    /// The output of a command, run without a shell.
    Command(String),
    /// The secret itself: the value of an environment variable, or an MFA code from the command line.
    Value(Secret),
}

/// The position of a value in the settings file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileLocation {
    pub(super) file: PathBuf,
    /// The name of the profile, or `None` for a field outside the profiles.
    pub(super) profile: Option<String>,
    pub(super) field: &'static str,
}

impl std::fmt::Display for FileLocation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            file,
            profile,
            field,
        } = self;
        write!(formatter, "`{field}`")?;
        if let Some(profile) = profile {
            write!(formatter, " of the profile `{profile}`")?;
        }
        write!(formatter, " in {}", file.display())
    }
}

impl FileLocation {
    /// Returns the name of the profile.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Returns the name of the field.
    pub(crate) fn field(&self) -> &'static str {
        self.field
    }

    /// Returns the path of the file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }
}
