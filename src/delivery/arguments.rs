//! The flags that say where a secret goes, for every command that makes one.

use std::path::PathBuf;

use super::{FileSink, Sink, StdoutSink};
use crate::error::Error;
use crate::output::Format;

/// Where the secret goes.
#[derive(clap::Args)]
pub(crate) struct SinkArgs {
    /// Write the secret to this file (0600); stdout then carries the key without it
    #[arg(long, value_name = "FILE", help_heading = "Where the secret goes")]
    out_file: Vec<PathBuf>,

    /// Replace an existing file
    #[arg(long, requires = "out_file", help_heading = "Where the secret goes")]
    force: bool,

    /// The variable's name with -o env
    #[arg(long, value_name = "NAME", default_value = "SWP_API_KEY", value_parser = variable_name, help_heading = "Where the secret goes")]
    env_name: String,
}

impl SinkArgs {
    /// Whether the secret goes to stdout, because nothing else is named.
    pub(crate) fn only_stdout(&self) -> bool {
        self.out_file.is_empty()
    }

    /// Prepares them all. Files first: what is on stdout cannot be taken back. Two sinks on one file would be one too many.
    pub(crate) fn prepare(&self, format: Format) -> Result<Vec<Box<dyn Sink>>, Error> {
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        for (index, path) in self.out_file.iter().enumerate() {
            if self.out_file[..index].contains(path) {
                return Err(Error::usage(
                    format!("`--out-file` {} is given twice", path.display()),
                    "name each file once",
                ));
            }
            sinks.push(Box::new(FileSink::prepare(path, self.force)?));
        }
        if sinks.is_empty() {
            sinks.push(Box::new(StdoutSink::prepare(format, &self.env_name)?));
        }
        Ok(sinks)
    }
}

fn variable_name(text: &str) -> Result<String, &'static str> {
    let mut characters = text.chars();
    let good_start = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if good_start && characters.all(|other| other.is_ascii_alphanumeric() || other == '_') {
        Ok(text.to_owned())
    } else {
        Err("a variable's name is made of letters, digits and underscores")
    }
}
