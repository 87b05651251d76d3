//! The record of this run in the journal. If the record cannot be written to disk, its content is stored only in memory.

use std::io;

use crate::context::Context;
use crate::error::Error;
use crate::journal::notice::{APPLY_AGAIN, secret_in_use};
use crate::journal::{self, Entry, Record, Stage, Work};

/// The record of this run, and the records of interrupted runs that this run replaces.
pub(crate) struct RunRecord {
    own: Own,
    /// The records of interrupted runs for the same key. They are removed together with this run's record. If they stayed on disk, `recover` would
    /// continue the interrupted runs and invalidate the new secret.
    older: Vec<Entry>,
}

/// Where the record of this run is stored.
pub(super) enum Own {
    /// The record is on disk.
    Written(Entry),
    /// The record could not be written to disk.
    Unavailable(Record),
}

impl RunRecord {
    /// Returns the record of this run. The record is already on disk as `entry`.
    pub(crate) fn written(entry: Entry) -> Self {
        Self::new(Own::Written(entry))
    }

    /// Stores the record of this run, with an empty list `older`: this run replaces no records of interrupted runs.
    pub(super) fn new(own: Own) -> Self {
        Self {
            own,
            older: Vec::new(),
        }
    }

    /// Returns the content of the record.
    pub(crate) fn record(&self) -> &Record {
        match &self.own {
            Own::Written(entry) => &entry.record,
            Own::Unavailable(record) => record,
        }
    }

    /// Returns true if the record is on disk.
    pub(crate) fn is_written(&self) -> bool {
        matches!(self.own, Own::Written(_))
    }

    fn on_disk(&self) -> Option<&Record> {
        self.is_written().then_some(self.record())
    }

    /// Returns the hint for a run that failed.
    pub(super) fn next_step(&self, context: &Context) -> String {
        match &self.own {
            // This run did not create the key, so the hint must not suggest deleting the key.
            Own::Unavailable(Record {
                work: Work::Rekey,
                key_id: Some(id),
                ..
            }) => in_use_unrecorded(*id),
            Own::Unavailable(Record {
                fleet: Some(_),
                key_name,
                ..
            }) => look_and_apply(key_name),
            _ => next_step(self.on_disk(), context),
        }
    }

    /// Returns the hint for a run that is aborted during its request for a new secret.
    pub(super) fn next_step_if_aborted(&self, context: &Context) -> String {
        match self.is_written() {
            true => self.abort_hint(),
            false => self.next_step(context),
        }
    }

    /// Returns the hint for a run that is aborted before the delivery of the secret.
    pub(super) fn abort_hint(&self) -> String {
        match (self.is_written(), &self.record().fleet) {
            (true, Some(_)) => APPLY_AGAIN.to_owned(),
            (false, Some(_)) => look_and_apply(&self.record().key_name),
            (is_written, _) => pending_hint(is_written),
        }
    }

    /// Returns the hint for a run whose secret may have been delivered.
    pub(super) fn next_step_in_use(&self, id: i64, context: &Context) -> String {
        match self.on_disk() {
            Some(record) if record.fleet.is_some() => APPLY_AGAIN.to_owned(),
            Some(record) => secret_in_use(record, context.yes_flag()),
            None => in_use_unrecorded(id),
        }
    }

    /// Stores `older`, the records of earlier interrupted runs. This run's record replaces these records.
    pub(super) fn supersede(&mut self, older: Vec<Entry>) {
        self.older = older;
    }

    /// Changes the record, and fsyncs it.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        match &mut self.own {
            Own::Written(entry) => entry.change(change),
            Own::Unavailable(record) => {
                change(record);
                Ok(())
            }
        }
    }

    /// Writes the key's ID to the record, without an fsync. If a power failure loses the ID, `recover` finds the key by its marker.
    pub(super) fn note_key(&mut self, id: i64) {
        let noted = match &mut self.own {
            Own::Written(entry) => entry.note(|record| record.key_id = Some(id)).map(|_| ()),
            Own::Unavailable(record) => {
                record.key_id = Some(id);
                Ok(())
            }
        };
        not_vital(noted);
    }

    /// Writes the key's ID to the record and fsyncs the record. Used for a key whose create response was lost.
    pub(super) fn note_key_lastingly(&mut self, id: i64) {
        not_vital(self.change(|record| record.key_id = Some(id)));
    }

    /// Writes the stage to this run's record and to the records that this run replaces.
    ///
    /// # Errors
    /// Returns the error of the first record that could not be written.
    pub(super) fn mark(&mut self, stage: Stage) -> io::Result<()> {
        let own = match &mut self.own {
            Own::Written(entry) => entry.mark(stage),
            Own::Unavailable(_) => Ok(()),
        };
        let older: Vec<_> = (self.older.iter_mut())
            .map(|entry| entry.mark(stage))
            .collect();
        older.into_iter().fold(own, io::Result::and)
    }

    /// Removes this run's record and the records that this run replaces, because the work is done. The removal is flushed to disk before the run
    /// ends.
    pub(crate) fn settle(self, context: &Context) {
        Self::settle_all(vec![self], context);
    }

    /// Removes the records of several keys like [`Self::settle`], with one flush.
    pub(crate) fn settle_all(records: Vec<Self>, context: &Context) {
        let mut is_removed = false;
        for record in records {
            let own = match record.own {
                Own::Written(entry) => Some(entry),
                Own::Unavailable(_) => None,
            };
            for entry in record.older.into_iter().chain(own) {
                remove(entry, context);
                is_removed = true;
            }
        }
        if is_removed {
            context.flushes.start();
        }
    }

    /// Removes this run's record, because the work was rolled back. The records of interrupted runs are not removed.
    pub(super) fn withdraw(self, context: &Context) {
        if let Own::Written(entry) = self.own {
            remove(entry, context);
            context.flushes.start();
        }
    }
}

/// Logs that a key's ID could not be recorded. The run does not fail, because `recover` can also find the key by its marker.
fn not_vital(noted: io::Result<()>) {
    if let Err(error) = noted {
        log::info!("could not write the key's ID to the record of this run: {error}");
    }
}

/// Removes a record from the disk. If it cannot be removed, prints a warning.
pub(super) fn remove(entry: Entry, context: &Context) {
    let operation = entry.record.operation.clone();
    let error = match entry.remove() {
        Ok(file) => {
            if let Some(file) = file {
                context.flushes.close_later(file);
            }
            return;
        }
        Err(error) => error,
    };
    let place = journal::place();
    let what = format!("the record {operation}.json in {place} could not be removed: {error}");
    // `--quiet` does not suppress this warning, because a later run may treat the record as unfinished work.
    context.output.insist(&if journal::is_unmarked(&error) {
        format!(
            "{what}; delete the record: if it stays, `swp-keys recover` treats the finished work as unfinished"
        )
    } else {
        format!("{what}; the work is finished; run `swp-keys recover` to remove the record")
    });
}

/// Returns the hint for an unfinished operation. `record` is `None` if there is no record on disk.
pub(crate) fn next_step(record: Option<&Record>, context: &Context) -> String {
    match record {
        Some(record) if record.fleet.is_some() => APPLY_AGAIN.to_owned(),
        Some(record) if record.progress.stage == Stage::Delivering => {
            secret_in_use(record, context.yes_flag())
        }
        Some(_) => pending_hint(true),
        None => pending_hint(false),
    }
}

/// Returns the hint for a run that was aborted before the delivery. `recorded` is true if the run's record is on disk.
pub(crate) fn pending_hint(recorded: bool) -> String {
    let hint = if recorded {
        "run `swp-keys recover` to finish the interrupted work, then repeat the command if necessary"
    } else {
        "delete the key on the manager before you repeat the command, because the key's secret is lost"
    };
    hint.to_owned()
}

/// Returns the hint for a key of a fleet that may exist without a record on disk.
fn look_and_apply(name: &str) -> String {
    let name = shell_words::quote(name);
    format!(
        "run `swp-keys list-keys --name {name}` to see whether the key exists, then {APPLY_AGAIN}"
    )
}

fn in_use_unrecorded(id: i64) -> String {
    format!(
        "check whether the key's new secret is in use; if it is not, run `swp-keys rotate-key {id} --in-place` to create another secret"
    )
}

/// Checks that this run's record will not be too long. `named` contains the flags that are written to the record, with their values.
///
/// # Errors
/// Returns a usage error. The error names the flag with the longest value. If the destinations of the secret are longer than that value, the error
/// names the destinations instead.
pub(crate) fn refuse_too_long(
    named: &[(&str, Option<&str>)],
    places: &[String],
) -> Result<(), Error> {
    let texts = || named.iter().filter_map(|(_, text)| *text);
    // Each value is counted twice, because a record may contain a value twice. A rotation's record contains `--name` as the name of the new key, and
    // in the changed name of the old key.
    let all = texts()
        .chain(texts())
        .chain(places.iter().map(String::as_str));
    if journal::has_room(all) {
        return Ok(());
    }
    let longest = named
        .iter()
        .max_by_key(|(_, text)| text.map_or(0, str::len));
    let all_places = places.iter().map(String::len).sum();
    Err(match longest {
        Some((flag, Some(text))) if text.len() > all_places => Error::usage(
            format!("`{flag}` is too long ({} bytes)", text.len()),
            "use a shorter value: the record of a run must not exceed 64 KiB",
        ),
        _ => Error::usage(
            format!("the names of the targets for the secret are too long ({all_places} bytes)"),
            "use fewer targets for the secret: the record of a run must not exceed 64 KiB",
        ),
    })
}
