//! The result for each key, and the output of the results.
//!
//! If only some of the keys were deleted (exit code 12), stdout lists the result for each key. After any other failure, stdout is empty.

use serde_json::{Value, json};

use crate::context::Context;
use crate::error::{Error, ErrorKind, Signal};
use crate::keys::document::meta;
use crate::manager::ApiKey;
use crate::target::Target;
use crate::terminal::output;
use crate::terminal::output::{Format, json_text};

/// The result for one key.
pub(super) struct DeleteResult {
    id: Option<i64>,
    name: Option<String>,
    deletion: Deletion,
}

enum Deletion {
    Deleted,
    /// The key did not exist.
    AlreadyGone,
    Failed(Error),
    NotTried,
}

impl DeleteResult {
    pub(super) fn of(key: &ApiKey, result: Result<(), Error>) -> Self {
        Self {
            id: Some(key.id),
            name: key.name().map(str::to_owned),
            deletion: result.map_or_else(Deletion::Failed, |()| Deletion::Deleted),
        }
    }

    pub(super) fn not_tried(key: &ApiKey) -> Self {
        Self {
            id: Some(key.id),
            name: key.name().map(str::to_owned),
            deletion: Deletion::NotTried,
        }
    }

    pub(super) fn already_gone(id: Option<i64>, name: Option<String>) -> Self {
        let deletion = Deletion::AlreadyGone;
        Self { id, name, deletion }
    }

    fn is_gone(&self) -> bool {
        matches!(self.deletion, Deletion::Deleted | Deletion::AlreadyGone)
    }

    fn word(&self) -> &'static str {
        match self.deletion {
            Deletion::Deleted => "gone",
            Deletion::AlreadyGone => "was gone already",
            Deletion::Failed(_) => "failed",
            Deletion::NotTried => "not tried",
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
        if let Deletion::Failed(error) = &self.deletion {
            let (code, message) = (error.kind().code(), error.to_string());
            object["meta"]["error"] = json!({"code": code, "message": message});
        }
        object
    }

    fn row(&self) -> [String; 3] {
        let result = match &self.deletion {
            Deletion::Failed(error) => format!("failed: {error}"),
            _ => self.word().to_owned(),
        };
        let id = self.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let name = self.name.clone().unwrap_or_else(|| "-".to_owned());
        [id, name, result]
    }
}

/// Prints the result of each key.
///
/// # Errors
/// If there is only one key, returns its error. If there are several, returns a partial failure.
pub(super) fn finish(
    results: Vec<DeleteResult>,
    target: &Target,
    context: &Context,
) -> Result<(), Error> {
    let failed = results.iter().filter(|result| !result.is_gone()).count();
    if let (
        [
            DeleteResult {
                deletion: Deletion::Failed(error),
                ..
            },
        ],
        1,
    ) = (&results[..], failed)
    {
        return Err(error.clone());
    }
    print(&results, target, context)?;
    if failed == 0 {
        return Ok(());
    }
    for result in &results {
        if let Deletion::Failed(error) = &result.deletion {
            context.output.warn(&error.to_string());
        }
    }
    Err(Error::new(
        ErrorKind::Partial,
        format!("{failed} of {} keys were not deleted", results.len()),
    )
    .hint("fix the cause and run the command again; keys that no longer exist count as deleted"))
}

fn print(results: &[DeleteResult], target: &Target, context: &Context) -> Result<(), Error> {
    let document = match context.output.format() {
        Format::Text | Format::Env => output::table(
            ["ID", "NAME", "RESULT"],
            results.iter().map(DeleteResult::row),
        ),
        Format::Json => {
            let keys: Vec<Value> = results.iter().map(DeleteResult::object).collect();
            let meta = meta(target, json!({}));
            json_text(&json!({"apiKeys": keys, "meta": meta}), true) + "\n"
        }
        Format::Jsonl => results
            .iter()
            .map(|result| json_text(&result.object(), false) + "\n")
            .collect(),
    };
    context.output.data(&document)
}

/// Returns the error for a signal that arrived between the deletions of two keys.
pub(super) fn interrupted(signal: Signal, results: &[DeleteResult]) -> Error {
    let remaining = results.iter().filter(|result| !result.is_gone());
    let message = format!(
        "interrupted{}; not deleted: {}",
        deleted_so_far(results),
        ids(remaining)
    );
    Error::new(ErrorKind::Interrupted(signal), message).hint(
        "run the command again to delete the remaining keys; keys that no longer exist count as deleted",
    )
}

/// Returns a list of the keys that were already deleted, to append to a message.
pub(super) fn deleted_so_far(results: &[DeleteResult]) -> String {
    let deleted = ids(results
        .iter()
        .filter(|result| matches!(result.deletion, Deletion::Deleted)));
    if deleted.is_empty() {
        String::new()
    } else {
        format!("; already deleted: {deleted}")
    }
}

fn ids<'a>(results: impl Iterator<Item = &'a DeleteResult>) -> String {
    results
        .map(|result| match (&result.name, result.id) {
            (Some(name), Some(id)) => format!("`{name}` (ID {id})"),
            (None, Some(id)) => format!("ID {id}"),
            (name, None) => format!("`{}`", name.as_deref().unwrap_or_default()),
        })
        .collect::<Vec<_>>()
        .join(", ")
}
