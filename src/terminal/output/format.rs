//! The output formats of stdout, and the use of colour.

use clap::ValueEnum;

use crate::error::Error;

/// The output format of stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Plain text: a value or a table.
    #[default]
    Text,
    /// One JSON document: the manager's object with an additional field `meta`.
    Json,
    /// One JSON document on each line.
    Jsonl,
    /// NAME=value, with the value quoted for a POSIX shell if necessary.
    Env,
    /// A table as tab-separated lines, with a header.
    Tsv,
}

impl Format {
    /// Returns true if the output on stdout is JSON. If it is, errors on stderr are JSON as well.
    #[must_use]
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl)
    }

    /// Checks that this format can represent a list.
    ///
    /// # Errors
    /// Returns a usage error for the format `env`, because an environment variable can contain only one value.
    pub(crate) fn require_list(self) -> Result<(), Error> {
        self.require_not_env("this command prints a list", "use text, tsv, json or jsonl")
    }

    /// Checks that this format can represent a document with several values.
    ///
    /// # Errors
    /// Returns a usage error for the format `env`.
    pub(crate) fn require_document(self) -> Result<(), Error> {
        self.require_not_env(
            "this command prints several values",
            "use text, json or jsonl",
        )
    }

    fn require_not_env(self, why: &str, hint: &str) -> Result<(), Error> {
        if self == Self::Env {
            return Err(Error::usage(
                format!("`-o env` prints a single value, but {why}"),
                hint,
            ));
        }
        Ok(())
    }
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// Use colour on a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always use colour.
    Always,
    /// Never use colour.
    Never,
}
