//! The record of the work that is under way, or that there is none, and what follows from it for the user.

use std::io;

use crate::context::Context;
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

    /// The work is over.
    pub(crate) fn settle(self, context: &Context) {
        if let Self::Kept(entry) = self
            && let Err(error) = entry.settle()
        {
            context.output.warn(&format!(
                "the work is done, but its record in {} could not be removed: {error}; `swp-keys recover` would take it for unfinished",
                journal::place()
            ));
        }
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
