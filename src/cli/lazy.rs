//! Flags of a command that are made only where that command is wanted: most runs are of one.
//!
//! The parser's own way to put that off (`Command::defer`) would put the flags of a command behind the global ones in its help.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use clap::{ArgMatches, Args, Command, FromArgMatches};

thread_local! {
    static MADE: RefCell<Flags> = const { RefCell::new(Flags::OfAll) };
}

/// Whose flags are made.
pub(super) enum Flags {
    OfAll,
    OfNone,
    /// Of those that are called so, or by a name that begins with it and a dash: an alias is the first word of the name.
    Of(String),
}

/// From now on, on this thread, the flags of these commands are made.
pub(super) fn make(flags: Flags) {
    MADE.set(flags);
}

/// What a command takes.
pub(crate) struct Lazy<T>(T);

impl<T: Args> Args for Lazy<T> {
    fn augment_args(command: Command) -> Command {
        let wanted = MADE.with_borrow(|made| match made {
            Flags::OfAll => true,
            Flags::OfNone => false,
            Flags::Of(word) => (command.get_name().strip_prefix(word.as_str()))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-')),
        });
        if wanted {
            flags_of::<T>(command)
        } else {
            command
        }
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// By itself, because each flag takes room on the stack while it is made, and the flags of all commands in one function took 50 kB.
#[inline(never)]
fn flags_of<T: Args>(command: Command) -> Command {
    T::augment_args(command)
}

impl<T: FromArgMatches> FromArgMatches for Lazy<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Lazy<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
