//! Collects the problems of a manifest.

use toml::Spanned;
use toml::de::DeString;

use crate::config::file::{Diagnostic, rejection};

/// The minimum similarity at which a known name is suggested for an unknown name.
const NEAR: f64 = 0.8;
const FIELDS_HINT: &str = "see `swp-keys plan --schema` for the fields and their values";

/// The problems of a manifest, and the positions of its lines.
pub(super) struct Problems<'t> {
    text: &'t str,
    /// The offsets at which lines start.
    lines: Vec<usize>,
    found: Vec<Diagnostic>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = ends.map(|(offset, _)| offset + 1);
        Self {
            text,
            lines: std::iter::once(0).chain(starts).collect(),
            found: Vec::new(),
        }
    }

    /// Returns the number of the line that contains this offset, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset)
    }

    /// Adds a problem.
    pub(super) fn add(&mut self, offset: usize, what: impl Into<String>, hint: impl Into<String>) {
        let line = self.line(offset);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        self.found.push(Diagnostic {
            line,
            column: before.chars().count() + 1,
            what: what.into(),
            hint: hint.into(),
            secret: false,
            missing_profile: false,
        });
    }

    /// Adds a problem with the value of a field.
    pub(super) fn invalid(&mut self, offset: usize, field: &str, reason: &str) {
        self.add(offset, format!("`{field}`: {reason}"), FIELDS_HINT);
    }

    /// Adds a problem for an unknown field. The name is repeated only if it is similar to the name of a field, because it may be a misplaced
    /// secret.
    pub(super) fn unknown(&mut self, key: &Spanned<DeString<'_>>, known: &[&str], place: &str) {
        let (name, offset) = (key.get_ref().as_ref(), key.span().start);
        if rejection(name).is_some() {
            let what = format!("`{name}` is not allowed in a manifest");
            let hint = "remove it; a manifest contains no secrets, and profiles of the settings file set how to sign in";
            self.add(offset, what, hint);
            if let Some(problem) = self.found.last_mut() {
                problem.secret = true;
            }
            return;
        }
        let likeness = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), known);
        let nearest = (known.iter())
            .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
            .filter(|nearest| likeness(nearest) >= NEAR);
        let (shown, hint) = match nearest {
            Some(nearest) => (format!("`{name}`"), format!("did you mean `{nearest}`?")),
            None => (
                "this field".to_owned(),
                format!("use one of: {}", known.join(", ")),
            ),
        };
        self.add(offset, format!("{shown} is unknown {place}"), hint);
    }

    /// Adds the errors of the TOML parser. Only their fixed messages are used, because their `Display` quotes the line. An error replaces
    /// the other problems in its line, except for the problem that the line contains a secret.
    pub(super) fn add_broken(&mut self, broken: &[toml::de::Error]) {
        for error in broken {
            let offset = error.span().map_or(0, |span| span.start);
            let line = self.line(offset);
            self.found
                .retain(|other| other.secret || other.line != line);
            if !self.found.iter().any(|other| other.line == line) {
                let hint = "write fields as `name = \"value\"` and tables as `[keys.NAME]`";
                self.add(offset, error.message(), hint);
            }
        }
    }

    /// Returns the problems in the order of the file. A problem of a default is found for each key that inherits it, and is returned once.
    pub(super) fn sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by(|one, other| {
            let of = |problem: &Diagnostic| (problem.line, problem.column);
            of(one)
                .cmp(&of(other))
                .then_with(|| one.what.cmp(&other.what))
        });
        self.found.dedup_by(|one, other| {
            (one.line, one.column, &one.what) == (other.line, other.column, &other.what)
        });
        self.found
    }
}
