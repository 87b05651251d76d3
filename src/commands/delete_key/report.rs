//! What became of each key, and how it is told.
//!
//! Where some of several keys could not be deleted, the document on stdout says which (exit 12): a script must know. With any other
//! failure stdout is empty.

use serde_json::{Value, json};

use crate::context::Context;
use crate::error::{Error, ErrorKind, Signal};
use crate::keys::document::meta;
use crate::manager::ApiKey;
use crate::terminal::output;
use crate::terminal::output::{Format, json_text};

/// What became of one key.
pub(super) struct Fate {
    id: Option<i64>,
    name: Option<String>,
    end: End,
}

enum End {
    Gone,
    /// It was not there any more.
    WasGone,
    Failed(Error),
    NotTried,
}

impl Fate {
    pub(super) fn of(key: &ApiKey, result: Result<(), Error>) -> Self {
        Self {
            id: Some(key.id),
            name: key.name().map(str::to_owned),
            end: result.map_or_else(End::Failed, |()| End::Gone),
        }
    }

    pub(super) fn not_tried(key: &ApiKey) -> Self {
        Self {
            id: Some(key.id),
            name: key.name().map(str::to_owned),
            end: End::NotTried,
        }
    }

    pub(super) fn was_gone(id: Option<i64>, name: Option<String>) -> Self {
        let end = End::WasGone;
        Self { id, name, end }
    }

    fn is_well(&self) -> bool {
        matches!(self.end, End::Gone | End::WasGone)
    }

    fn word(&self) -> &'static str {
        match self.end {
            End::Gone => "gone",
            End::WasGone => "was gone already",
            End::Failed(_) => "failed",
            End::NotTried => "not tried",
        }
    }

    fn object(&self) -> Value {
        let mut object = json!({});
        if let Some(id) = self.id {
            object["ID"] = id.into();
        }
        if let Some(name) = &self.name {
            object["keyName"] = name.clone().into();
        }
        object["meta"] = json!({"result": self.word()});
        if let End::Failed(error) = &self.end {
            let (code, message) = (error.kind().code(), error.to_string());
            object["meta"]["error"] = json!({"code": code, "message": message});
        }
        object
    }

    fn row(&self) -> [String; 3] {
        let result = match &self.end {
            End::Failed(error) => format!("failed: {error}"),
            _ => self.word().to_owned(),
        };
        let id = self.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let name = self.name.clone().unwrap_or_else(|| "-".to_owned());
        [id, name, result]
    }
}

/// Tells what became of each key.
///
/// # Errors
/// The failure of one; of several, that there was any.
pub(super) fn summed_up(fates: Vec<Fate>, context: &Context) -> Result<(), Error> {
    let failed = fates.iter().filter(|fate| !fate.is_well()).count();
    if let (
        [
            Fate {
                end: End::Failed(error),
                ..
            },
        ],
        1,
    ) = (&fates[..], failed)
    {
        return Err(error.clone());
    }
    print(&fates, context)?;
    if failed == 0 {
        return Ok(());
    }
    for fate in &fates {
        if let End::Failed(error) = &fate.end {
            context.output.warn(&error.to_string());
        }
    }
    Err(Error::new(
        ErrorKind::Partial,
        format!("{failed} of {} keys were not deleted", fates.len()),
    )
    .hint("run the same again when the cause is mended: what is gone already counts as deleted"))
}

fn print(fates: &[Fate], context: &Context) -> Result<(), Error> {
    let document = match context.output.format() {
        Format::Text | Format::Env => {
            output::table(["ID", "NAME", "RESULT"], fates.iter().map(Fate::row))
        }
        Format::Json => {
            let keys: Vec<Value> = fates.iter().map(Fate::object).collect();
            let meta = meta(context, json!({}))?;
            json_text(&json!({"apiKeys": keys, "meta": meta}), true) + "\n"
        }
        Format::Jsonl => fates
            .iter()
            .map(|fate| json_text(&fate.object(), false) + "\n")
            .collect(),
    };
    context.output.data(&document)
}

/// A signal came between two keys.
pub(super) fn interrupted(signal: Signal, fates: &[Fate]) -> Error {
    let left = fates.iter().filter(|fate| !fate.is_well());
    let message = format!("interrupted{}; not deleted: {}", done(fates), ids(left));
    Error::new(ErrorKind::Interrupted(signal), message)
        .hint("run the same again to delete the others: what is gone already counts as deleted")
}

/// What was done so far, to be added to a sentence.
pub(super) fn done(fates: &[Fate]) -> String {
    let gone = ids(fates.iter().filter(|fate| matches!(fate.end, End::Gone)));
    if gone.is_empty() {
        String::new()
    } else {
        format!("; deleted before that: {gone}")
    }
}

fn ids<'a>(fates: impl Iterator<Item = &'a Fate>) -> String {
    fates
        .map(|fate| match (&fate.name, fate.id) {
            (Some(name), Some(id)) => format!("`{name}` (ID {id})"),
            (None, Some(id)) => format!("ID {id}"),
            (name, None) => format!("`{}`", name.as_deref().unwrap_or_default()),
        })
        .collect::<Vec<_>>()
        .join(", ")
}
