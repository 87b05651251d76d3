//! Parses `trusted.toml`. Error messages never quote the file.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::pins::{KnownManager, PinStore};
use crate::manager::Pin;

/// A problem in the file: the offset in the text, and the description.
type ParseProblem = (usize, String);
type SpannedValue<'i> = Spanned<DeValue<'i>>;

/// Parses the file.
///
/// # Errors
/// Returns the first problem in the file.
pub(crate) fn parse(text: &str) -> Result<PinStore, ParseProblem> {
    // The TOML parser's messages do not quote the file.
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        (offset, error.message().to_owned())
    })?;
    let mut store = PinStore::default();
    for (key, value) in table.get_ref() {
        let is_managers = key.get_ref() == "managers";
        let DeValue::Table(managers) = value.get_ref() else {
            return Err(if is_managers {
                problem(value, "`managers` must be a table")
            } else {
                unknown(key.span().start, "field")
            });
        };
        if !is_managers {
            return Err(unknown(key.span().start, "table"));
        }
        for (name, value) in managers {
            let known = known_manager(value)?;
            store.managers.insert(name.get_ref().to_string(), known);
        }
    }
    Ok(store)
}

fn known_manager(value: &SpannedValue<'_>) -> Result<KnownManager, ParseProblem> {
    let DeValue::Table(table) = value.get_ref() else {
        return Err(problem(value, "each entry in `managers` must be a table"));
    };
    let (mut pins, mut added) = (None, None);
    for (key, value) in table {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("pins", DeValue::Array(texts)) => pins = Some(parse_pins(texts, value)?),
            ("pins", _) => return Err(problem(value, "`pins` must be an array of strings")),
            ("added", DeValue::String(text)) => added = Some(text.to_string()),
            ("added", _) => return Err(problem(value, "`added` must be a string")),
            _ => return Err(unknown(key.span().start, "field in an entry of `managers`")),
        }
    }
    match (pins, added) {
        (Some(pins), Some(added)) => Ok(KnownManager { pins, added }),
        _ => Err(problem(value, "the fields `pins` and `added` are required")),
    }
}

fn parse_pins(
    texts: &[SpannedValue<'_>],
    list: &SpannedValue<'_>,
) -> Result<Vec<Pin>, ParseProblem> {
    if texts.is_empty() {
        return Err(problem(list, "`pins` is empty"));
    }
    let pin = |text: &SpannedValue<'_>| match text.get_ref() {
        DeValue::String(words) => {
            (words.parse()).map_err(|reason: &str| problem(text, &format!("invalid pin: {reason}")))
        }
        _ => Err(problem(text, "each pin must be a string")),
    };
    texts.iter().map(pin).collect()
}

fn unknown(offset: usize, what: &str) -> ParseProblem {
    (offset, format!("unknown {what}"))
}

fn problem(value: &SpannedValue<'_>, reason: &str) -> ParseProblem {
    (value.span().start, reason.to_owned())
}
