//! The record of the work that is under way, or that there is none, and what follows from it for the user.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::context::Context;
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
        context.flush_later();
        if let Err(error) = entry.remove() {
            context.output.warn(&format!(
                "the work is done, but its record in {} could not be removed: {error}; `swp-keys recover` would take it for unfinished",
                journal::place()
            ));
        }
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
    place: Arc<Place>,
    ended: oneshot::Receiver<()>,
    is_done: bool,
}

/// Where the thread leaves what it wrote.
struct Place {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Default)]
struct Written {
    entry: Option<io::Result<Entry>>,
    /// Nobody wants it any more.
    given_up: bool,
}

/// How long whoever gives up waits for the disk: a second signal, or a refusal, is not to hang on one that stalls. What such a disk
/// keeps of the record after all does no harm: `recover` finds no key for it.
const PATIENCE: Duration = Duration::from_secs(1);

impl Place {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From the thread.
    fn put(&self, entry: io::Result<Entry>) {
        let mut written = self.written();
        if written.given_up {
            taken_back(entry);
        } else {
            written.entry = Some(entry);
            self.changed.notify_all();
        }
    }
}

impl Writing {
    /// Begins to, beside whatever the run does meanwhile.
    pub(crate) fn begin(record: Record) -> Self {
        let (sender, ended) = oneshot::channel();
        let place = Arc::new(Place {
            written: Mutex::default(),
            changed: Condvar::new(),
        });
        let (copy, there) = (record.clone(), place.clone());
        let write = move || {
            there.put(Entry::write(copy));
            // Nobody waits who has given up.
            let _ = sender.send(());
        };
        if std::thread::Builder::new().spawn(write).is_err() {
            // The system has no thread to give, and there is time.
            place.put(Entry::write(record.clone()));
        }
        Self {
            record,
            place,
            ended,
            is_done: false,
        }
    }

    async fn done(mut self) -> io::Result<Entry> {
        let _ = (&mut self.ended).await;
        self.is_done = true;
        let written = self.place.written().entry.take();
        written.unwrap_or_else(|| Err(io::Error::other("writing broke down")))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let is_missing = |written: &mut Written| written.entry.is_none();
        let (mut written, _) = (self.place.changed)
            .wait_timeout_while(self.place.written(), PATIENCE, is_missing)
            .unwrap_or_else(PoisonError::into_inner);
        written.given_up = true;
        if let Some(entry) = written.entry.take() {
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
