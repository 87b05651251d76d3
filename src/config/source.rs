//! A value, and where it came from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::secret::Secret;

/// Where a value came from. Whatever is first in this order wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// This flag on the command line.
    Flag(&'static str),
    /// This environment variable.
    Variable(&'static str),
    /// This place in the settings file.
    File(Arc<FileLocation>),
}

impl Source {
    /// Whether it was typed for this very run.
    pub(crate) fn is_flag(&self) -> bool {
        matches!(self, Self::Flag(_))
    }

    /// Whether it comes from the environment.
    pub(crate) fn is_variable(&self) -> bool {
        matches!(self, Self::Variable(_))
    }

    /// Lower wins.
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

/// A value, and where it came from.
#[derive(Clone)]
pub(crate) struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}

impl<T> Sourced<T> {
    /// The same source of another value.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Sourced<U> {
        Sourced {
            value: change(self.value),
            source: self.source,
        }
    }
}

/// Where a secret is to be read from.
#[derive(Clone)]
pub(crate) enum SecretSource {
    /// Standard input, to its end.
    Stdin,
    /// A file.
    File(PathBuf),
    /// The output of a command that is run without a shell.
    Command(String),
    /// Given as it is, in a variable or as a code that lives for seconds.
    Value(Secret),
}

/// Where a value stands in the settings file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileLocation {
    pub(super) file: PathBuf,
    /// None for what stands outside of all profiles.
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
    /// The name of the profile.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The name of the field.
    pub(crate) fn field(&self) -> &'static str {
        self.field
    }

    /// The file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }
}
