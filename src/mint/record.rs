//! The record of this run on disk, or that none could be written.

use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};

use crate::context::Context;
use crate::error::Error;
use crate::journal::notice::secret_in_use;
use crate::journal::{self, Entry, Record, Stage, Work};

/// How long a run that does not need the disk any more waits for one that stalls.
const PATIENCE: Duration = Duration::from_secs(1);

/// A record in whose name nothing was asked yet. Dropping it removes it.
pub(crate) struct UnusedRecord(Option<Own>);

impl UnusedRecord {
    /// Writes a record to disk, fsynced, folder included. If that fails, the user is warned that there is none.
    ///
    /// # Errors
    /// Returns a usage error if the record is too long, if one is required, or if what was written of it cannot be removed; or an
    /// interruption by a signal.
    pub(super) async fn write(record: Record, context: &Context) -> Result<Self, Error> {
        if let Some(signal) = context.signals.received() {
            return Err(Error::interrupted(signal));
        }
        let mut writing = Writing::start(record.clone());
        let written = async { Ok(writing.done().await) };
        let written = context.signals.cancel(written).await?;
        written.or_else(|error| {
            warn_unavailable(&error, context)?;
            Ok(Self(Some(Own::Unavailable(record))))
        })
    }

    /// Turns the record into that of the work: it stays from now on until the work is settled. `record` is the same record with what has
    /// become known since it was written.
    ///
    /// # Errors
    /// Returns an interruption if a signal was received. The record is removed then.
    pub(super) fn begin(mut self, record: Record, context: &Context) -> Result<RunRecord, Error> {
        if let Some(signal) = context.signals.received() {
            return Err(Error::interrupted(signal));
        }
        let own = match self.0.take() {
            Some(Own::Written(mut entry)) => {
                entry.begin(record);
                Own::Written(entry)
            }
            _ => Own::Unavailable(record),
        };
        Ok(RunRecord {
            own,
            older: Vec::new(),
        })
    }
}

impl Drop for UnusedRecord {
    fn drop(&mut self) {
        if let Some(Own::Written(entry)) = self.0.take()
            && let Err(error) = entry.remove()
        {
            log::warn!("the record of a run that asked for nothing could not be removed: {error}");
        }
    }
}

/// A record that a thread writes. A thread cannot be stopped, so dropping this waits for it for a second at most and removes the
/// record. A stalled disk may write the record later. That does no harm: `recover` finds no key for it and removes it.
struct Writing {
    thread: JoinHandle<()>,
    written: Receiver<io::Result<UnusedRecord>>,
}

impl Writing {
    fn start(record: Record) -> Self {
        let (sender, written) = channel();
        let thread = spawn_blocking(move || {
            let entry = Entry::write(record);
            // If nothing receives it, it is dropped here, and so removed.
            let _ = sender.send(entry.map(|entry| UnusedRecord(Some(Own::Written(entry)))));
        });
        Self { thread, written }
    }

    async fn done(&mut self) -> io::Result<UnusedRecord> {
        (&mut self.thread).await.map_err(io::Error::other)?;
        self.written.try_recv().map_err(io::Error::other)?
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let _ = self.written.recv_timeout(PATIENCE);
    }
}

fn warn_unavailable(error: &io::Error, context: &Context) -> Result<(), Error> {
    let message = format!(
        "no record of this run can be kept in {} ({}): {error}",
        journal::place(),
        crate::storage::locations::state_variable()
    );
    if journal::is_too_long(error) {
        let hint =
            "give the key a shorter name, or name fewer places for the secret; nothing was created";
        return Err(Error::usage(message, hint));
    }
    let refused = match context.require_journal {
        true => Some(format!("{message}; `--require-journal` requires one")),
        // `recover` would find it, and end the secret that this run delivers.
        false => journal::is_left_on_disk(error).then(|| message.clone()),
    };
    if let Some(refused) = refused {
        let hint = "set SWP_STATE_DIR to a writable folder; nothing was created";
        return Err(Error::usage(refused, hint));
    }
    context.output.insist(&format!(
        "{message}; if this run is killed, check the manager's keys yourself"
    ));
    Ok(())
}

/// The record of the work, and those of earlier runs that it replaces.
pub(crate) struct RunRecord {
    own: Own,
    /// The records of earlier runs about the same key. The secret that is made now settles them too: if they stayed, `recover` would end
    /// that secret.
    older: Vec<Entry>,
}

enum Own {
    /// It is on disk.
    Written(Entry),
    /// It could not be written.
    Unavailable(Record),
}

impl RunRecord {
    /// Takes a record that is on disk.
    pub(crate) fn written(entry: Entry) -> Self {
        Self {
            own: Own::Written(entry),
            older: Vec::new(),
        }
    }

    /// Returns what is known of the work.
    pub(crate) fn record(&self) -> &Record {
        match &self.own {
            Own::Written(entry) => &entry.record,
            Own::Unavailable(record) => record,
        }
    }

    /// Returns whether the record is on disk.
    pub(crate) fn is_written(&self) -> bool {
        matches!(self.own, Own::Written(_))
    }

    fn on_disk(&self) -> Option<&Record> {
        self.is_written().then_some(self.record())
    }

    /// Returns what the user must do if this work is not settled.
    pub(super) fn next_step(&self) -> String {
        match &self.own {
            // That key must not be deleted.
            Own::Unavailable(Record {
                work: Work::Rekey,
                key_id: Some(id),
                ..
            }) => in_use_unrecorded(*id),
            _ => next_step(self.on_disk()),
        }
    }

    /// Returns what the user must do if the run is aborted while it asks for a new secret.
    pub(super) fn next_step_if_aborted(&self) -> String {
        match self.is_written() {
            true => pending_hint(true),
            false => self.next_step(),
        }
    }

    /// Returns what the user must do if a sink may have the secret of this key.
    pub(super) fn next_step_in_use(&self, id: i64) -> String {
        (self.on_disk()).map_or_else(|| in_use_unrecorded(id), secret_in_use)
    }

    /// Takes over the records of earlier runs.
    pub(super) fn supersede(&mut self, older: Vec<Entry>) {
        self.older = older;
    }

    /// Notes what is known by now, and flushes that.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        match &mut self.own {
            Own::Written(entry) => entry.change(change),
            Own::Unavailable(record) => {
                change(record);
                Ok(())
            }
        }
    }

    /// Notes the ID of the key that a response showed. That is not flushed: after a power cut the key is found by its marker.
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

    /// Notes the ID of a key whose response was lost, and flushes that.
    pub(super) fn note_key_lastingly(&mut self, id: i64) {
        not_vital(self.change(|record| record.key_id = Some(id)));
    }

    /// Notes how far the work has come, in every record about the key.
    ///
    /// # Errors
    /// Returns the error of the first record that cannot be overwritten.
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

    /// Removes the record and those of the runs that it replaces: the work is done.
    pub(crate) fn settle(mut self, context: &Context) -> Flush {
        let older = std::mem::take(&mut self.older);
        older.into_iter().for_each(|entry| remove(entry, context));
        self.withdraw(context)
    }

    /// Removes the record: nothing is left of the work. The records of earlier runs stay as they were.
    pub(super) fn withdraw(self, context: &Context) -> Flush {
        match self.own {
            Own::Written(entry) => {
                remove(entry, context);
                Flush(Some(spawn_blocking(journal::flush)))
            }
            Own::Unavailable(_) => Flush(None),
        }
    }
}

/// The flush of the folder from which a record was removed. It runs on a thread, beside what follows.
#[must_use]
pub(crate) struct Flush(Option<JoinHandle<io::Result<()>>>);

impl Flush {
    /// Returns a flush that is done.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Waits for the flush, but no longer than a second. Without it, a power cut in the next moments may bring the record back, so a
    /// failure is only logged.
    pub(crate) async fn done(self) {
        let Some(flush) = self.0 else { return };
        let problem = match tokio::time::timeout(PATIENCE, flush).await {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the disk does not answer".to_owned(),
        };
        log::info!("could not flush {}: {problem}", journal::place());
    }
}

/// Logs that an ID could not be noted. The marker leads to the key as well.
fn not_vital(noted: io::Result<()>) {
    if let Err(error) = noted {
        log::info!("could not note the ID of the key in the record of this run: {error}");
    }
}

fn remove(entry: Entry, context: &Context) {
    let operation = entry.record.operation.clone();
    let Err(error) = entry.remove() else { return };
    let place = journal::place();
    let what = format!("the record {operation}.json in {place} could not be removed: {error}");
    // This is printed with `--quiet` too: a record that stays is a danger, or in the way.
    context.output.insist(&if journal::is_unmarked(&error) {
        format!(
            "{what}; remove the file yourself: the work is done, but `swp-keys recover` would take it for unfinished"
        )
    } else {
        format!("{what}; the work is done and the record says so, so `swp-keys recover` removes it")
    });
}

/// Returns what the user must do about work that is not settled. `record` is its record, if there is one.
pub(crate) fn next_step(record: Option<&Record>) -> String {
    match record {
        Some(record) if record.progress.stage == Stage::Delivering => secret_in_use(record),
        Some(_) => pending_hint(true),
        None => pending_hint(false),
    }
}

/// Returns what the user must do if a run is aborted before a sink may have the secret. `recorded` says whether its record is on
/// disk.
pub(crate) fn pending_hint(recorded: bool) -> String {
    let hint = if recorded {
        "run `swp-keys recover` to finish it; do not repeat the command before that"
    } else {
        "before running the command again, delete the key on the manager: its secret is lost"
    };
    hint.to_owned()
}

fn in_use_unrecorded(id: i64) -> String {
    format!(
        "check whether the new secret of the key is in use; if it is not, make another one with `swp-keys rotate-key {id} --in-place`"
    )
}

/// Refuses texts that would make a record too long to be read again. `named` are the flags whose values are in it.
///
/// # Errors
/// Returns a usage error that names the longest of them, or the places for the secret.
pub(crate) fn refuse_too_long(
    named: &[(&str, Option<&str>)],
    places: &[String],
) -> Result<(), Error> {
    let texts = || named.iter().filter_map(|(_, text)| *text);
    // The old key of a rotation gets a name that is as long.
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
            format!("`{flag}` is too long, with {} bytes", text.len()),
            "choose a shorter one: the record of a run is limited to 64 KiB",
        ),
        _ => Error::usage(
            format!("the names of the places for the secret are too long, with {all_places} bytes"),
            "name fewer places: the record of a run is limited to 64 KiB",
        ),
    })
}
