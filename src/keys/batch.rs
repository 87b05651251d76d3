//! The results of a command that changes several keys.
//!
//! If only some of the keys were changed (exit code 12), stdout lists the result for each key. After any other failure, stdout is empty.

use serde_json::{Map, Value, json};

use super::document::meta;
use super::key_meta::KeyMeta;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Signal};
use crate::manager::ApiKey;
use crate::target::Target;
use crate::terminal::output::{Cell, Column, Format, Table, json_text};

/// The result for one key.
pub(crate) struct KeyResult {
    id: Option<i64>,
    name: Option<String>,
    /// The fields of the key for JSON output, if the key still exists.
    fields: Option<Map<String, Value>>,
    /// The value of the field `meta` in the JSON output for the key. It is null if the key no longer exists.
    meta: Value,
    outcome: KeyOutcome,
}

/// What happened to a key.
enum KeyOutcome {
    /// This run changed the key. The value is a word for the new state, such as `deleted`.
    Changed(&'static str),
    /// The key already had the requested state. The value is a word for this state.
    Unchanged(&'static str),
    /// A dry run found that the key would be changed. The value is a few words for this, such as `would be deleted`.
    Planned(&'static str),
    Failed(Error),
    NotTried,
}

impl KeyResult {
    /// Returns the result for a key that this run changed.
    pub(crate) fn changed(key: &ApiKey, word: &'static str) -> Self {
        Self::of(key, KeyOutcome::Changed(word))
    }

    /// Returns the result for a key that already had the requested state.
    pub(crate) fn unchanged(key: &ApiKey, word: &'static str) -> Self {
        Self::of(key, KeyOutcome::Unchanged(word))
    }

    /// Returns the result of a dry run for a key that would be changed.
    pub(crate) fn planned(key: &ApiKey, word: &'static str) -> Self {
        Self::of(key, KeyOutcome::Planned(word))
    }

    /// Returns the result for a key that could not be changed.
    fn failed(key: &ApiKey, error: Error) -> Self {
        Self::of(key, KeyOutcome::Failed(error))
    }

    /// Returns the result for a key that was not processed because the batch stopped.
    fn not_tried(key: &ApiKey) -> Self {
        Self::of(key, KeyOutcome::NotTried)
    }

    /// Returns the result for a key that does not exist on the manager.
    pub(crate) fn missing(id: Option<i64>, name: Option<String>, word: &'static str) -> Self {
        Self {
            id,
            name,
            fields: None,
            meta: Value::Null,
            outcome: KeyOutcome::Unchanged(word),
        }
    }

    /// Adds the key's fields and its `meta` object to the result, for JSON output.
    pub(crate) fn with_fields(self, key: &ApiKey, meta: &KeyMeta<'_>) -> Self {
        Self {
            fields: Some(key.fields()),
            meta: json!(meta),
            ..self
        }
    }

    fn of(key: &ApiKey, outcome: KeyOutcome) -> Self {
        Self {
            id: Some(key.id),
            name: key.name().map(str::to_owned),
            fields: None,
            meta: Value::Null,
            outcome,
        }
    }

    fn succeeded(&self) -> bool {
        !matches!(self.outcome, KeyOutcome::Failed(_) | KeyOutcome::NotTried)
    }

    fn is_planned(&self) -> bool {
        matches!(self.outcome, KeyOutcome::Planned(_))
    }

    /// Returns true if the key was changed, or if a dry run found that it would be changed.
    fn is_change(&self) -> bool {
        self.is_planned() || matches!(self.outcome, KeyOutcome::Changed(_))
    }

    fn error(&self) -> Option<&Error> {
        match &self.outcome {
            KeyOutcome::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the result in one or a few words.
    pub(crate) fn word(&self) -> &'static str {
        match self.outcome {
            KeyOutcome::Changed(word) | KeyOutcome::Unchanged(word) | KeyOutcome::Planned(word) => {
                word
            }
            KeyOutcome::Failed(_) => "failed",
            KeyOutcome::NotTried => "not tried",
        }
    }

    /// Returns the JSON object of the result.
    pub(crate) fn object(&self) -> Value {
        let mut object = Value::Object(self.fields.clone().unwrap_or_default());
        if let Some(id) = self.id {
            object["ID"] = id.into();
        }
        if let Some(name) = &self.name {
            object["keyName"] = name.clone().into();
        }
        object["meta"] = json!({"result": self.word(), "changed": self.is_change()});
        if self.is_planned() {
            object["meta"]["dryRun"] = true.into();
        }
        if let (Some(meta), Value::Object(added)) = (object["meta"].as_object_mut(), &self.meta) {
            meta.extend(added.clone());
        }
        if let Some(error) = self.error() {
            let (code, message) = (error.kind().code(), error.to_string());
            object["meta"]["error"] = json!({"code": code, "message": message});
        }
        object
    }

    fn row(&self) -> [String; 3] {
        let result = match self.error() {
            Some(error) => format!("failed: {error}"),
            None => self.word().to_owned(),
        };
        let id = self.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let name = self.name.clone().unwrap_or_else(|| "-".to_owned());
        [id, name, result]
    }

    /// Returns the error of a key that could not be changed, with the name and the ID of the key.
    fn failure(&self, verb: &str) -> Option<String> {
        let (text, key) = (self.error()?.to_string(), self.description());
        if text.contains(&key) {
            return Some(text);
        }
        let known = ["could not delete the key: ", "could not change the key: "];
        let reason = known.iter().find_map(|start| text.strip_prefix(start));
        let reason = reason.unwrap_or(&text);
        Some(format!("could not {verb} the key {key}: {reason}"))
    }

    fn description(&self) -> String {
        match (&self.name, self.id) {
            (Some(name), Some(id)) => format!("`{name}` (ID {id})"),
            (None, Some(id)) => format!("ID {id}"),
            (name, None) => format!("`{}`", name.as_deref().unwrap_or_default()),
        }
    }
}

/// The verb of a command, in the forms that messages need.
#[derive(Clone, Copy)]
pub(crate) struct BatchWords {
    /// The infinitive of the verb, such as `delete` for the command `delete-key`.
    pub(crate) verb: &'static str,
    /// The past participle of the verb, such as `deleted`.
    pub(crate) done: &'static str,
}

/// The results of one command, in the order in which the keys were processed.
pub(crate) struct Batch {
    words: BatchWords,
    /// The flags of this run that a hint must repeat. Each flag follows a space.
    flags: String,
    results: Vec<KeyResult>,
}

impl Batch {
    /// Returns a batch without results. `flags` are the flags that a hint must repeat, such as ` --force`.
    pub(crate) fn new(words: BatchWords, flags: String) -> Self {
        let results = Vec::new();
        Self {
            words,
            flags,
            results,
        }
    }

    /// Adds a result.
    pub(crate) fn push(&mut self, result: KeyResult) {
        self.results.push(result);
    }

    /// Inserts a result at the index `place`.
    pub(crate) fn insert(&mut self, place: usize, result: KeyResult) {
        self.results.insert(place.min(self.results.len()), result);
    }

    /// Adds a flag that a hint must repeat. The flag begins with a space.
    pub(crate) fn add_flag(&mut self, flag: &str) {
        if !self.flags.contains(flag) {
            self.flags += flag;
        }
    }

    /// Adds the result for a key that could not be changed. Returns true if the batch must stop, because the error concerns the requests
    /// for all keys. For example, if the manager rejected the API key that authenticates this run, more rejections could lock that API key.
    #[must_use]
    pub(crate) fn fail(&mut self, key: &ApiKey, error: Error) -> bool {
        let stop = error.concerns_all_requests();
        self.push(KeyResult::failed(key, error));
        stop
    }

    /// Adds a result for each key that was not processed because the batch stopped.
    pub(crate) fn skip<'a>(&mut self, keys: impl IntoIterator<Item = &'a ApiKey>) {
        let skipped = keys.into_iter().map(KeyResult::not_tried);
        self.results.extend(skipped);
    }

    /// Returns the error for a signal that arrived between the changes of two keys.
    pub(crate) fn interrupted(&self, signal: Signal) -> Error {
        let not_tried = |result: &&KeyResult| matches!(result.outcome, KeyOutcome::NotTried);
        let remaining = self.results.iter().filter(not_tried);
        let BatchWords { verb, done } = self.words;
        let mut message = format!(
            "interrupted{}; not {done}: {}",
            self.done_so_far(),
            list(remaining)
        );
        for failure in self.failures() {
            message.push_str(&format!("; {failure}"));
        }
        Error::new(ErrorKind::Interrupted(signal), message).hint(format!(
            "run `{}` to {verb} the remaining keys",
            self.command_for_the_rest()
        ))
    }

    /// Returns the errors of the keys that could not be changed.
    fn failures(&self) -> impl Iterator<Item = String> {
        let verb = self.words.verb;
        (self.results.iter()).filter_map(move |result| result.failure(verb))
    }

    /// Returns the command for the keys that this run has not changed, such as `swp-keys lock-key 12 15`.
    fn command_for_the_rest(&self) -> String {
        let mut command = format!("swp-keys {}-key", self.words.verb);
        let rest = self.results.iter().filter(|result| !result.succeeded());
        for id in rest.filter_map(|result| result.id) {
            command.push_str(&format!(" {id}"));
        }
        command + &self.flags
    }

    /// Returns a list of the keys that this run has already changed, to be appended to a message. The list begins with `; already`. If no
    /// key was changed, the returned text is empty.
    pub(crate) fn done_so_far(&self) -> String {
        let changed = |result: &&KeyResult| matches!(result.outcome, KeyOutcome::Changed(_));
        let changed = list(self.results.iter().filter(changed));
        if changed.is_empty() {
            return String::new();
        }
        format!("; already {}: {changed}", self.words.done)
    }

    /// Prints the result of each key.
    ///
    /// # Errors
    /// Returns an error if a key could not be changed. If the batch has only this key, returns the key's error. If the batch has several
    /// keys, returns a partial failure.
    pub(crate) fn finish(self, target: &Target, context: &Context) -> Result<(), Error> {
        if let [only] = &self.results[..]
            && let Some(error) = only.error()
        {
            return Err(error.clone());
        }
        let printed = self.print(target, context);
        let failed = self.results.iter().filter(|result| !result.succeeded());
        let failed = failed.count();
        for failure in self.failures() {
            context.output.warn(&failure);
        }
        if let Err(error) = printed {
            let message = format!("{error}{}", self.done_so_far());
            return Err(Error::new(error.kind(), message));
        }
        if failed == 0 {
            return Ok(());
        }
        let (total, done) = (self.results.len(), self.words.done);
        let message = format!("{failed} of {total} keys were not {done}");
        let command = self.command_for_the_rest();
        Err(Error::new(ErrorKind::Partial, message)
            .hint(format!("fix the cause, then run `{command}`")))
    }

    fn print(&self, target: &Target, context: &Context) -> Result<(), Error> {
        let results = &self.results;
        let document = match context.output.format() {
            Format::Text | Format::Env | Format::Tsv => {
                let mut table = Table::new([
                    Column::whole("ID"),
                    Column::cut("NAME", 18),
                    Column::whole("RESULT"),
                ]);
                for result in results {
                    table.push(result.row().map(Cell::from).into());
                }
                return context.output.table(&table);
            }
            Format::Json => {
                let keys: Vec<Value> = results.iter().map(KeyResult::object).collect();
                let changed = results.iter().any(KeyResult::is_change);
                let meta = meta(target, json!({"changed": changed}));
                json_text(&json!({"apiKeys": keys, "meta": meta}), true) + "\n"
            }
            Format::Jsonl => results
                .iter()
                .map(|result| json_text(&result.object(), false) + "\n")
                .collect(),
        };
        context.output.data(&document)
    }
}

fn list<'a>(results: impl Iterator<Item = &'a KeyResult>) -> String {
    let descriptions: Vec<String> = results.map(KeyResult::description).collect();
    descriptions.join(", ")
}

/// Returns the error for a lookup that failed before any key was changed. `done` is a past participle such as `deleted`.
pub(crate) fn nothing_changed(error: &Error, done: &str) -> Error {
    let hint = error.next_step().unwrap_or_default().to_owned();
    let message = format!("{error}; nothing was {done}");
    let error = Error::new(error.kind(), message).http(error.http_status());
    if hint.is_empty() {
        error
    } else {
        error.hint(hint)
    }
}
