//! The commands, in the order of a key's life, and what the parser is told of each.
//!
//! A table of ours and not what the parser derives from an enum: that makes all commands in each run, and a run is of one.

use clap::error::ErrorKind;
use clap::{ArgMatches, Args as _, FromArgMatches as _};

use crate::commands;

/// What the parser is told of a command.
pub(super) struct Entry {
    name: &'static str,
    alias: Option<&'static str>,
    about: &'static str,
    flags: fn(clap::Command) -> clap::Command,
    read: fn(&mut ArgMatches) -> Result<Command, clap::Error>,
}

impl Entry {
    /// For the parser, with the flags of its own or without.
    pub(super) fn command(&self, with_flags: bool) -> clap::Command {
        let mut command = clap::Command::new(self.name);
        if with_flags {
            command = (self.flags)(command);
        }
        // What flags bring as a description is their own.
        (command.about(self.about.trim_start()))
            .long_about(None::<&str>)
            .visible_aliases(self.alias)
    }
}

/// The command that has this name.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    let mut commands = COMMANDS.iter();
    commands.find(|entry| entry.name == name || entry.alias == Some(name))
}

macro_rules! commands {
    ($($(#[cfg($gate:meta)])? #[doc = $about:literal] $name:literal $(| $alias:literal)? => $variant:ident($args:ty),)*) => {
        /// What to do.
        pub(crate) enum Command {
            $($(#[cfg($gate)])? #[doc = $about] $variant(Box<$args>),)*
        }

        /// All of them.
        pub(super) const COMMANDS: &[Entry] = &[
            $($(#[cfg($gate)])? Entry {
                name: $name,
                alias: [$($alias)?].first().copied(),
                about: $about,
                flags: <$args>::augment_args,
                read: |matches| {
                    let args = <$args>::from_arg_matches_mut(matches)?;
                    Ok(Command::$variant(Box::new(args)))
                },
            },)*
        ];
    };
}

commands! {
    /// Sign in, resolve the role, create the key, and deliver its secret
    "create-key" | "create" => CreateKey(commands::create_key::Args),
    /// Print the ID of the role with this name
    "find-role" => FindRole(commands::find_role::Args),
    /// List the keys: which are stale, which end soon, which are locked
    "list-keys" | "list" => ListKeys(commands::list_keys::Args),
    /// Show one key
    "show-key" | "show" => ShowKey(commands::show_key::Args),
    /// Change a key: its role, name, description, end, locale, time zone
    "update-key" => UpdateKey(commands::update_key::Args),
    /// Lock a key: it cannot sign in until it is unlocked
    "lock-key" => LockKey(commands::lock_key::Args),
    /// Unlock a key
    "unlock-key" => UnlockKey(commands::unlock_key::Args),
    /// Delete keys for good, and look whether they are gone
    "delete-key" | "delete" => DeleteKey(commands::delete_key::Args),
    /// Put a new key in the place of an old one, which retires by itself
    "rotate-key" | "rotate" => RotateKey(commands::rotate_key::Args),
    /// Run a command with a key that lives as long as it does
    "exec" => Exec(commands::exec::Args),
    /// List the roles
    "list-roles" => ListRoles(commands::list_roles::Args),
    /// Show what a role may do, or what another one may that it may not
    "show-role" => ShowRole(commands::show_role::Args),
    /// Keep a session for later commands
    "login" => Login(commands::login::Args),
    /// End the kept session on the manager, and forget it
    "logout" => Logout(commands::logout::Args),
    /// Look at the manager's certificate, pin its key, and forget it
    "trust" => Trust(commands::trust::Args),
    /// Say who this is, on which manager, and where each setting came from
    "whoami" => Whoami(commands::whoami::Args),
    /// Say whether a secret works, whose it is, and until when
    "verify-key" => VerifyKey(commands::verify_key::Args),
    /// Finish or undo what an interrupted run left
    "recover" => Recover(commands::recover::Args),
    /// Show the settings and where each comes from, and check the settings file
    "config" => Config(commands::config::Args),
    /// Print what makes a shell complete commands, flags, roles and keys
    "completions" => Completions(commands::completions::Args),
    /// Write the manual, a page for each command
    "man" => Man(commands::man::Args),
    #[cfg(feature = "sandbox")]
    /// Run a simulated manager on loopback, alone or for a command
    "sandbox" => Sandbox(commands::sandbox::Args),
}

impl Command {
    /// Reads what was typed behind the name of a command.
    pub(super) fn read(name: &str, matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        let entry = find(name).ok_or_else(|| clap::Error::new(ErrorKind::InvalidSubcommand))?;
        (entry.read)(matches)
    }

    /// Whether the settings file has a say in it.
    pub(crate) fn uses_profiles(&self) -> bool {
        match self {
            Self::Config(args) => args.uses_profiles(),
            Self::Completions(_) | Self::Man(_) => false,
            #[cfg(feature = "sandbox")]
            Self::Sandbox(_) => false,
            _ => true,
        }
    }

    /// Whether the log gets a line that masks a secret.
    pub(crate) fn masks_a_secret(&self) -> bool {
        match self {
            Self::CreateKey(args) => args.sinks.mask(),
            Self::RotateKey(args) => args.sinks.mask(),
            Self::Recover(args) => args.sinks.mask(),
            _ => false,
        }
    }
}
