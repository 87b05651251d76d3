//! From the text of `trusted.toml` to the pins. Nothing of the text is repeated where it is wrong.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{KnownManager, PinStore};
use crate::manager::Pin;

/// Where something is wrong, and what.
type Wrong = (usize, String);
type Value<'i> = Spanned<DeValue<'i>>;

/// Reads the whole file.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn trusted(text: &str) -> Result<PinStore, Wrong> {
    // The messages of the parser are fixed words.
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        (offset, error.message().to_owned())
    })?;
    let mut trusted = PinStore::default();
    for (key, value) in table.get_ref() {
        let DeValue::Table(managers) = value.get_ref() else {
            return Err(match key.get_ref().as_ref() {
                "managers" => wrong(value, "`managers` is a table"),
                _ => (key.span().start, "this is no field of the file".to_owned()),
            });
        };
        if key.get_ref() != "managers" {
            return Err((key.span().start, "this is no table of the file".to_owned()));
        }
        for (name, value) in managers {
            let kept = kept(value)?;
            trusted.managers.insert(name.get_ref().to_string(), kept);
        }
    }
    Ok(trusted)
}

fn kept(value: &Value<'_>) -> Result<KnownManager, Wrong> {
    let DeValue::Table(table) = value.get_ref() else {
        return Err(wrong(value, "a manager is a table"));
    };
    let (mut pins, mut added) = (None, None);
    for (key, value) in table {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("pins", DeValue::Array(texts)) => pins = Some(all(texts, value)?),
            ("pins", _) => return Err(wrong(value, "`pins` is a list of texts in quotes")),
            ("added", DeValue::String(text)) => added = Some(text.to_string()),
            ("added", _) => return Err(wrong(value, "`added` is a text in quotes")),
            _ => {
                return Err((key.span().start, "this is no field of a manager".to_owned()));
            }
        }
    }
    match (pins, added) {
        (Some(pins), Some(added)) => Ok(KnownManager { pins, added }),
        _ => Err(wrong(value, "`pins` and `added` are both needed")),
    }
}

fn all(texts: &[Value<'_>], list: &Value<'_>) -> Result<Vec<Pin>, Wrong> {
    if texts.is_empty() {
        return Err(wrong(list, "no pin is named"));
    }
    let pin = |text: &Value<'_>| match text.get_ref() {
        DeValue::String(words) => {
            (words.parse()).map_err(|reason: &str| wrong(text, &format!("a pin is none: {reason}")))
        }
        _ => Err(wrong(text, "a pin is a text in quotes")),
    };
    texts.iter().map(pin).collect()
}

fn wrong(value: &Value<'_>, reason: &str) -> Wrong {
    (value.span().start, reason.to_owned())
}
