//! The record of the work that is under way, or that there is none, and what follows from it for the user.

use std::io;
use std::sync::mpsc::{Receiver, SendError, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::context::Context;
use crate::error::Error;
use crate::journal::notice::secret_in_use;
use crate::journal::{self, Entry, Record, Stage, Work};
use crate::process::disk::Disk;

/// The record of the work, and those of earlier runs that it takes the place of.
pub(crate) struct RunRecord {
    own: Own,
    /// They are about the same key, so that they are settled by the secret that is made now. Left behind, they would have `recover` kill
    /// it.
    older: Vec<Entry>,
}

/// A record on disk, or one that could not be put there.
enum Own {
    Kept(Entry),
    Not(Record),
}

impl RunRecord {
    /// A record that is on disk.
    pub(crate) fn kept(entry: Entry) -> Self {
        Self {
            own: Own::Kept(entry),
            older: Vec::new(),
        }
    }

    /// What was noted, if it is on disk.
    pub(super) fn on_disk(&self) -> Option<&Record> {
        let (record, kept) = self.parts();
        kept.then_some(record)
    }

    /// What was noted, and whether it is on disk.
    pub(crate) fn parts(&self) -> (&Record, bool) {
        match &self.own {
            Own::Kept(entry) => (&entry.record, true),
            Own::Not(record) => (record, false),
        }
    }

    /// What a user is to do if this work is not settled.
    pub(super) fn next_step(&self) -> String {
        match &self.own {
            // That key is not to be deleted.
            Own::Not(Record {
                work: Work::Rekey,
                key_id: Some(id),
                ..
            }) => in_use_unrecorded(*id),
            _ => next_step(self.on_disk()),
        }
    }

    /// The same if a sink may have the secret of this key.
    pub(super) fn next_step_in_use(&self, id: i64) -> String {
        (self.on_disk()).map_or_else(|| in_use_unrecorded(id), secret_in_use)
    }

    /// Takes the place of the records of earlier runs.
    pub(super) fn supersede(&mut self, older: Vec<Entry>) {
        self.older = older;
    }

    /// Notes what is known by now, and flushes that.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        match &mut self.own {
            Own::Kept(entry) => entry.change(change),
            Own::Not(record) => {
                change(record);
                Ok(())
            }
        }
    }

    /// Notes the ID of the key that an answer told. It is not waited for the disk: after a power cut the key is found by its mark.
    pub(super) fn note_key(&mut self, id: i64) {
        let noted = match &mut self.own {
            Own::Kept(entry) => entry.note(|record| record.key_id = Some(id)).map(|_| ()),
            Own::Not(record) => {
                record.key_id = Some(id);
                Ok(())
            }
        };
        not_vital(noted);
    }

    /// The same, flushed, for a key whose answer was lost.
    pub(super) fn note_key_lastingly(&mut self, id: i64) {
        not_vital(self.change(|record| record.key_id = Some(id)));
    }

    /// Notes how far the work has come, in every record that is about the key.
    ///
    /// # Errors
    /// Returns the error of the first record that cannot be overwritten.
    pub(super) fn mark(&mut self, stage: Stage) -> io::Result<()> {
        let own = match &mut self.own {
            Own::Kept(entry) => entry.mark(stage),
            Own::Not(_) => Ok(()),
        };
        let older: Vec<_> = (self.older.iter_mut())
            .map(|entry| entry.mark(stage))
            .collect();
        older.into_iter().fold(own, io::Result::and)
    }

    /// Puts the record on disk. Where that cannot be done, it is said once, or nothing is to be asked at all.
    ///
    /// # Errors
    /// Of usage, with `--require-journal`; of a signal that came before anything was asked.
    pub(super) fn put(record: Record, context: &Context) -> Result<Self, Error> {
        if let Some(signal) = context.signals.received() {
            return Err(Error::interrupted(signal));
        }
        let written = Entry::write(record.clone());
        Self::or_said(written, record, context)
    }

    fn or_said(
        written: io::Result<Entry>,
        record: Record,
        context: &Context,
    ) -> Result<Self, Error> {
        let error = match written {
            Ok(entry) => return Ok(Self::kept(entry)),
            Err(error) => error,
        };
        let message = format!(
            "no record of this run can be kept in {} ({}): {error}",
            journal::place(),
            crate::storage::state_dir::state_variable()
        );
        if journal::is_too_long(&error) {
            let hint = "give the key a shorter name, or name fewer places for the secret; nothing was created";
            return Err(Error::usage(message, hint));
        }
        let refused = match context.settings.require_journal {
            true => Some(format!("{message}; `--require-journal` wants one")),
            // `recover` would find it, and kill the secret that this run delivers.
            false => journal::stays(&error).then(|| message.clone()),
        };
        if let Some(refused) = refused {
            let hint = "name a folder that can be written to in SWP_STATE_DIR; nothing was created";
            return Err(Error::usage(refused, hint));
        }
        context.output.insist(&format!(
            "{message}; if it is killed, look at the manager's keys yourself"
        ));
        Ok(Self {
            own: Own::Not(record),
            older: Vec::new(),
        })
    }

    /// The work is done: nothing is left of it, nor of the runs that it took the place of. That the records are gone is flushed to disk
    /// beside the sign-out: after a power cut in between they are back, as after one a moment earlier.
    pub(crate) fn settle(mut self, context: &Context) {
        let older = std::mem::take(&mut self.older);
        older.into_iter().for_each(|entry| remove(entry, context));
        self.withdraw(context);
    }

    /// The work came to nothing, or to nothing that is left: what earlier runs left is as it was.
    pub(super) fn withdraw(self, context: &Context) {
        let Own::Kept(entry) = self.own else { return };
        remove(entry, context);
        context.flush_records();
    }
}

/// The mark leads to the key as well.
fn not_vital(noted: io::Result<()>) {
    if let Err(error) = noted {
        log::info!("the ID of the key could not be noted in the record of this run: {error}");
    }
}

fn remove(entry: Entry, context: &Context) {
    let operation = entry.record.operation.clone();
    let Err(error) = entry.remove() else { return };
    let place = journal::place();
    let what = format!("the record {operation}.json in {place} could not be removed: {error}");
    // `--quiet` does not count: a record that stays is a danger, or at least in the way.
    context.output.insist(&if journal::is_unmarked(&error) {
        format!(
            "{what}; the work is done, and `swp-keys recover` would take it for unfinished: remove the file yourself"
        )
    } else {
        format!("{what}; the work is done, which the record says, and `swp-keys recover` drops it")
    });
}

/// A record that was put on disk before all that it is for was known: beside signing in and a search on the manager, since a disk takes
/// longer to flush than many a network to answer. Nothing was asked yet, so it goes away with whoever holds it.
pub(crate) struct Ahead<'a> {
    recorded: Option<RunRecord>,
    context: &'a Context,
}

impl<'a> Ahead<'a> {
    /// Waits until the record is on disk.
    ///
    /// # Errors
    /// As where it is put there at once.
    pub(crate) async fn put(writing: Writing, context: &'a Context) -> Result<Self, Error> {
        let record = writing.record.clone();
        let written = writing.done().await;
        let recorded = RunRecord::or_said(written, record, context)?;
        Ok(Self {
            recorded: Some(recorded),
            context,
        })
    }

    /// What it is for begins: its time counts from now, and it is this, of which less was known before.
    ///
    /// # Errors
    /// Of a signal that came before anything was asked.
    pub(super) fn begin(mut self, record: Record) -> Result<RunRecord, Error> {
        if let Some(signal) = self.context.signals.received() {
            return Err(Error::interrupted(signal));
        }
        let recorded = self.recorded.take();
        let recorded = recorded.ok_or_else(|| Error::unexpected("a record was begun twice"))?;
        Ok(match recorded.own {
            Own::Kept(mut entry) => {
                entry.begin(record);
                RunRecord::kept(entry)
            }
            Own::Not(_) => RunRecord {
                own: Own::Not(record),
                older: Vec::new(),
            },
        })
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        if let Some(recorded) = self.recorded.take() {
            recorded.withdraw(self.context);
        }
    }
}

/// A record that a thread puts on disk. Whoever gives up waiting for it takes it back: a thread cannot be stopped, and what it writes
/// would be taken for the record of a run that was killed.
pub(crate) struct Writing {
    record: Record,
    /// Tells when the thread has something to hand over.
    ended: oneshot::Receiver<()>,
    /// A hand takes what another gives, or it stays in the thread's: nothing lies in between. None once it was taken.
    written: Option<Receiver<io::Result<Entry>>>,
}

/// How long whoever gives up waits for the disk: a second signal, or a refusal, is not to hang on one that stalls. What such a disk
/// keeps of the record after all does no harm: `recover` finds no key for it.
const PATIENCE: Duration = Duration::from_secs(1);

impl Writing {
    /// Begins to, beside whatever the run does meanwhile.
    pub(crate) fn begin(record: Record, disk: &Disk) -> Self {
        let (tell, ended) = oneshot::channel();
        let (hand_over, written) = sync_channel(0);
        let copy = record.clone();
        disk.beside(move || {
            let entry = Entry::write(copy);
            let _ = tell.send(());
            if let Err(SendError(entry)) = hand_over.send(entry) {
                taken_back(entry);
            }
        });
        Self {
            record,
            ended,
            written: Some(written),
        }
    }

    async fn done(mut self) -> io::Result<Entry> {
        let _ = (&mut self.ended).await;
        let written = self.written.take();
        (written.and_then(|written| written.recv().ok()))
            .unwrap_or_else(|| Entry::write(self.record.clone()))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(written) = self.written.take()
            && let Ok(entry) = written.recv_timeout(PATIENCE)
        {
            taken_back(entry);
        }
    }
}

/// Removes a record in the name of which nothing was asked.
fn taken_back(entry: io::Result<Entry>) {
    if let Ok(entry) = entry
        && let Err(error) = entry.remove()
    {
        log::warn!("the record of a run that asked for nothing could not be removed: {error}");
    }
}

/// What a user is to do about work that was not settled, of which there is this record, if there is one.
pub(crate) fn next_step(record: Option<&Record>) -> String {
    match record {
        Some(record) if record.progress.stage == Stage::Delivering => secret_in_use(record),
        Some(_) => pending_hint(true),
        None => pending_hint(false),
    }
}

/// The next step if a run is aborted before a sink may have the secret; `recorded` tells whether a record of it is on disk.
pub(crate) fn pending_hint(recorded: bool) -> String {
    let hint = if recorded {
        "run `swp-keys recover`, which finishes it; do not repeat the command before that"
    } else {
        "look for the key on the manager before running this again, and delete it there: its secret is lost"
    };
    hint.to_owned()
}

fn in_use_unrecorded(id: i64) -> String {
    format!(
        "check whether the new secret of the key is in use; if it is not, run `swp-keys rotate-key {id} --in-place`, which makes another one"
    )
}

/// Refuses what would make a record that cannot be read again, before anything is asked. `named` are the flags that stand in it.
///
/// # Errors
/// Returns a usage error that names the longest of them, or the places for the secret.
pub(crate) fn refuse_too_long(
    named: &[(&str, Option<&str>)],
    places: &[String],
) -> Result<(), Error> {
    let texts = || named.iter().filter_map(|(_, text)| *text);
    // The old key of a rotation is given a name that is as long.
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
            "choose a shorter one; the record of a run has 64 KiB",
        ),
        _ => Error::usage(
            format!(
                "the places for the secret have names of {all_places} bytes, which is too long"
            ),
            "name fewer places; the record of a run has 64 KiB",
        ),
    })
}
