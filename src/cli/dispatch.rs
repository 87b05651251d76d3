//! Runs the command of the parsed command line.

use super::command_line::Command;
use super::manual;
use crate::commands;
use crate::config::{ProfileUse, Settings, Source};
use crate::context::{Context, Outcome};
use crate::error::Error;
use crate::terminal::output::Format;

impl Command {
    /// Returns whether this command requires, inspects or ignores the settings file.
    pub(crate) fn profile_use(&self) -> ProfileUse {
        match self {
            Self::Config(args) if args.uses_profiles() => ProfileUse::Required,
            Self::Config(_) | Self::Completions(_) | Self::Man(_) => ProfileUse::Ignored,
            #[cfg(feature = "sandbox")]
            Self::Sandbox(_) => ProfileUse::Ignored,
            Self::Doctor(_) => ProfileUse::Inspected,
            Self::Plan(args) => args.profile_use(),
            _ => ProfileUse::Required,
        }
    }

    /// Returns true if this run prints the line `::add-mask::SECRET`. GitHub Actions then masks the secret in the log of the job.
    pub(crate) fn masks_a_secret(&self) -> bool {
        match self {
            Self::CreateKey(args) => args.sinks.mask(),
            Self::RotateKey(args) => args.sinks.mask(),
            Self::Recover(args) => args.sinks.mask(),
            _ => false,
        }
    }

    /// Returns true if this command accepts `-o tsv`, because the command prints a table or ignores the output format.
    fn accepts_tsv(&self) -> bool {
        match self {
            Self::FindRole(args) => args.prints_table(),
            Self::Recover(args) => args.prints_table(),
            Self::Trust(args) => args.prints_table(),
            Self::Config(args) => args.prints_table(),
            // `create-key` and `rotate-key` print a secret, not a table.
            Self::CreateKey(_) | Self::RotateKey(_) => false,
            Self::ShowRole(_)
            | Self::Login(_)
            | Self::Whoami(_)
            | Self::VerifyKey(_)
            | Self::Plan(_)
            | Self::Apply(_)
            | Self::Doctor(_) => false,
            _ => true,
        }
    }

    /// Returns the format of stdout. If a variable or the profile sets `tsv` and this command prints no table, returns `text`, because such a setting
    /// is meant for the commands that print tables.
    pub(crate) fn format(&self, settings: &Settings) -> Format {
        let is_flag = || {
            let mut resolved = settings.resolved.iter();
            let output = resolved.find(|setting| setting.name == "output");
            output.is_some_and(|output| output.source.as_ref().is_some_and(Source::is_flag))
        };
        match settings.output {
            Format::Tsv if !self.accepts_tsv() && !is_flag() => Format::Text,
            format => format,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// Returns the error of the command.
    pub(crate) async fn run(
        &self,
        settings: Settings,
        context: &Context,
    ) -> Result<Outcome, Error> {
        if settings.output == Format::Tsv && !self.accepts_tsv() {
            return Err(Error::usage(
                "this command does not print a table, so `-o tsv` cannot be used",
                match self {
                    Self::CreateKey(_) | Self::RotateKey(_) => "use text, json, jsonl or env",
                    _ => "use text, json or jsonl",
                },
            ));
        }
        match self {
            Self::CreateKey(args) => commands::create_key::run(args, settings, context).await,
            Self::FindRole(args) => commands::find_role::run(args, settings, context).await,
            Self::ListKeys(args) => commands::list_keys::run(args, settings, context).await,
            Self::ShowKey(args) => commands::show_key::run(args, settings, context).await,
            Self::UpdateKey(args) => commands::update_key::run(args, settings, context).await,
            Self::LockKey(args) => commands::lock_key::run(args, settings, context).await,
            Self::UnlockKey(args) => commands::unlock_key::run(args, settings, context).await,
            Self::DeleteKey(args) => commands::delete_key::run(args, settings, context).await,
            Self::RotateKey(args) => commands::rotate_key::run(args, settings, context).await,
            Self::Exec(args) => commands::exec::run(args, settings, context).await,
            Self::Plan(args) => commands::plan::run(args, settings, context).await,
            Self::Apply(args) => commands::apply::run(args, settings, context).await,
            Self::ListRoles(args) => commands::list_roles::run(args, settings, context).await,
            Self::ShowRole(args) => commands::show_role::run(args, settings, context).await,
            Self::Login(args) => commands::login::run(args, settings, context).await,
            Self::Logout(args) => commands::logout::run(args, settings, context).await,
            Self::Trust(args) => commands::trust::run(args, settings, context).await,
            Self::Whoami(args) => commands::whoami::run(args, settings, context).await,
            Self::VerifyKey(args) => commands::verify_key::run(args, settings, context).await,
            Self::Recover(args) => commands::recover::run(args, settings, context).await,
            Self::Doctor(args) => commands::doctor::run(args, settings, context).await,
            Self::Config(args) => commands::config::run(args, settings, context),
            Self::Completions(args) => commands::completions::run(args, context),
            Self::Man(args) => commands::man::run(args, manual::write_pages, context),
            #[cfg(feature = "sandbox")]
            Self::Sandbox(args) => commands::sandbox::run(args, settings, context).await,
        }
    }
}
