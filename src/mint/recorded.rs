//! The record of the work that is under way, or that there is none, and what follows from it for the user.

use std::io;
use std::sync::mpsc::{Receiver, SendError, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::context::Context;
use crate::disk::Disk;
use crate::error::Error;
use crate::journal::{self, Entry, Record};

/// A record on disk, or one that could not be put there.
pub(crate) enum Recorded {
    Kept(Entry),
    Not(Record),
}

impl Recorded {
    /// What was noted, and whether it is on disk.
    pub(crate) fn parts(&self) -> (&Record, bool) {
        match self {
            Self::Kept(entry) => (&entry.record, true),
            Self::Not(record) => (record, false),
        }
    }

    /// Notes how far the work has come.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        match self {
            Self::Kept(entry) => entry.change(change),
            Self::Not(record) => {
                change(record);
                Ok(())
            }
        }
    }

    /// Notes the ID of the key that an answer told. It is not waited for the disk: after a power cut the key is found by its mark.
    pub(super) fn note_key(&mut self, id: i64) {
        let noted = match self {
            Self::Kept(entry) => entry.note(|record| record.key_id = Some(id)),
            Self::Not(record) => {
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

    /// Puts the record on disk. Where that cannot be done, it is said once, or nothing is to be asked at all.
    ///
    /// # Errors
    /// Of usage, with `--require-journal`; of a signal that came before anything was asked.
    pub(super) fn put(record: Record, context: &Context) -> Result<Self, Error> {
        if let Some(signal) = context.interrupt.asked() {
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
            Ok(entry) => return Ok(Self::Kept(entry)),
            Err(error) => error,
        };
        let message = format!(
            "no record of this run can be kept in {}: {error}",
            journal::place()
        );
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
        Ok(Self::Not(record))
    }

    /// The work is over. That the record is gone is flushed to disk beside the farewell to the manager: after a power cut in between it
    /// is back, as after one a moment earlier.
    pub(crate) fn settle(self, context: &Context) {
        let Self::Kept(entry) = self else { return };
        if let Err(error) = entry.remove() {
            context.output.warn(&format!(
                "the work is done, but its record in {} could not be removed: {error}; `swp-keys recover` would take it for unfinished",
                journal::place()
            ));
        }
        context.flush_records();
    }
}

/// The mark leads to the key as well.
fn not_vital(noted: io::Result<()>) {
    if let Err(error) = noted {
        log::info!("the ID of the key could not be noted in the record of this run: {error}");
    }
}

/// A record that was put on disk before all that it is for was known: beside signing in and a search on the manager, since a disk takes
/// longer to flush than many a network to answer. Nothing was asked yet, so it goes away with whoever holds it.
pub(crate) struct Ahead<'a> {
    recorded: Option<Recorded>,
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
        let recorded = Recorded::or_said(written, record, context)?;
        Ok(Self {
            recorded: Some(recorded),
            context,
        })
    }

    /// What it is for begins: its time counts from now, and it is this, of which less was known before.
    ///
    /// # Errors
    /// Of a signal that came before anything was asked.
    pub(super) fn begin(mut self, record: Record) -> Result<Recorded, Error> {
        if let Some(signal) = self.context.interrupt.asked() {
            return Err(Error::interrupted(signal));
        }
        let recorded = self.recorded.take();
        let recorded = recorded.ok_or_else(|| Error::unexpected("a record was begun twice"))?;
        Ok(match recorded {
            Recorded::Kept(mut entry) => {
                journal::asked_again(&entry.record);
                entry.record = record;
                Recorded::Kept(entry)
            }
            Recorded::Not(_) => Recorded::Not(record),
        })
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        if let Some(recorded) = self.recorded.take() {
            recorded.settle(self.context);
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

/// What a user is to do about work that was not settled.
pub(crate) fn next_step(recorded: bool) -> &'static str {
    if recorded {
        "run `swp-keys recover`, which finishes it; do not repeat the command before that"
    } else {
        "look for the key on the manager before running this again, and delete it there: its secret is lost"
    }
}
