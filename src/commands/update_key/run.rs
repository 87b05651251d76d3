//! The flags of `update-key`, and the code that runs it.

use chrono::Utc;

use super::description;
use super::diff::UpdateResult;
use crate::auth::session;
use crate::auth::session::Access;
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::{Error, ErrorKind};
use crate::expiry::Expiry;
use crate::journal::{self, JournalEntry};
use crate::keys::comparison::without_equal;
use crate::keys::document::warn_clock_skew;
use crate::keys::fleet_note;
use crate::keys::key_meta::json_role_name;
use crate::keys::naming::check_name;
use crate::keys::roles::{self, RoleRef};
use crate::keys::state::describe;
use crate::keys::update;
use crate::keys::{lookup, role_check};
use crate::manager::{ApiKey, KeyChange, NO_EXPIRY, SignedIn};
use crate::target::Target;

/// Change a key's role, name, description, expiry, locale or time zone.
#[derive(clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent flag of the command"
)]
#[command(
    group = clap::ArgGroup::new("what").required(true).multiple(true),
    // The usage line is written by hand, because the line that clap generates would list every flag of the required group.
    override_usage = "swp-keys update-key [OPTIONS] <KEY>"
)]
pub(crate) struct Args {
    /// The key: its ID (N or id:N) or its unique name (TEXT or name:TEXT)
    #[arg(value_name = "KEY")]
    key: String,

    /// New role, by its exact name
    #[arg(long, value_name = "NAME", group = "what", conflicts_with = "role_id")]
    role: Option<String>,

    /// New role, by its ID
    #[arg(long, value_name = "ID", group = "what", value_parser = clap::value_parser!(i64).range(1..))]
    role_id: Option<i64>,

    /// Do not warn if the role grants every right
    #[arg(long)]
    allow_full_access: bool,

    /// New name
    #[arg(long, group = "what")]
    name: Option<String>,

    /// New description; the marker `[swp-keys ...]` of the run that created the key is kept at the end
    #[arg(long, value_name = "TEXT", group = "what")]
    description: Option<String>,

    /// Remove the marker `[swp-keys ...]` from the description
    #[arg(long, group = "what")]
    no_mark: bool,

    /// New expiry: a duration such as 14d, 12w or 36h (units: m minutes, h, d, w, mo months, y), a date, an RFC 3339 time, or never
    #[arg(long, value_name = "WHEN", group = "what")]
    expires: Option<String>,

    /// New locale
    #[arg(long, group = "what", value_parser = ["en-US", "ja-JP"])]
    locale: Option<String>,

    /// New time zone: an IANA name such as Europe/Berlin
    #[arg(long, value_name = "ZONE", group = "what")]
    time_zone: Option<String>,

    /// Show what would be changed, but change nothing
    #[arg(long)]
    dry_run: bool,

    /// Set the new name even if another key already has it
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    lookup::KeyRef::read(&args.key)?;
    check_name(args.name.as_deref())?;
    let zone = args.time_zone.as_deref();
    let expiry = (args.expires.as_deref())
        .map(|text| Expiry::parse(text, zone, Utc::now()))
        .transpose()?;
    let target = Target::find(settings, context).await?;
    let shown = session::signed_in(&target, context, async |access| {
        args.carry_out(expiry, access).await
    })
    .await?;
    shown.print(&target, context)?;
    Ok(Outcome::Done)
}

impl Args {
    async fn carry_out(
        &self,
        expiry: Option<Expiry>,
        access: Access<'_>,
    ) -> Result<UpdateResult, Error> {
        let before = lookup::resolve(&self.key, access).await?;
        let role_id = self.role_of(&before, access).await?;
        warn_clock_skew(access, expiry);
        let change = self.difference(&before, role_id, expiry, access.signed_in)?;
        if change == KeyChange::default() {
            let message = format!(
                "{} already has these values; nothing was changed on the manager",
                describe(&before)
            );
            access.context.output.note(&message);
            return UpdateResult::unchanged(before, self.dry_run, access).await;
        }
        self.check(&before, &change, access).await?;
        if let Some(name) = &change.key_name {
            fleet_note::note_new_name(&before, name, &access.context.output);
        }
        if self.dry_run {
            access
                .context
                .output
                .note("dry run: nothing was changed on the manager");
            return UpdateResult::would_be(before, &change, access).await;
        }
        // The role name is read before the change. If the changed key authenticates this run, its new role might lack the right to read role names.
        let role = json_role_name(access, change.role_id.or(before.role_id())).await?;
        let after = update::carry_out(&before, &change, access).await?;
        let result = UpdateResult::changed(before, after, &change, role, access).await?;
        Ok(result.warn_of_short_life(self.expires.as_deref()))
    }

    /// Returns the ID of the requested role. If the key does not have this role yet, checks the role first.
    ///
    /// # Errors
    /// Returns an error if the role does not exist, or if keys with this role cannot use the API.
    async fn role_of(&self, key: &ApiKey, access: Access<'_>) -> Result<Option<i64>, Error> {
        let Some(requested) = RoleRef::given(self.role.as_deref(), self.role_id) else {
            return Ok(None);
        };
        let read_rights = self.role_id != key.role_id() && !self.allow_full_access;
        let role = roles::requested(requested, read_rights, access).await?;
        let other = role.summary.filter(|_| Some(role.id) != key.role_id());
        if let Some(other) = other {
            role_check::check(&other, self.allow_full_access, access.context)?;
        }
        Ok(Some(role.id))
    }

    /// Returns the fields to send to the manager. Fields that already have the requested value are omitted.
    fn difference(
        &self,
        key: &ApiKey,
        role_id: Option<i64>,
        expiry: Option<Expiry>,
        signed_in: &SignedIn,
    ) -> Result<KeyChange, Error> {
        let current = key.description().unwrap_or_default();
        let description = description::compose(self.description.as_deref(), self.no_mark, current)?;
        let requested = KeyChange {
            key_name: self.name.clone(),
            description: description.filter(|requested| requested != current),
            role_id,
            active: None,
            expiry_date: match expiry {
                None => None,
                Some(Expiry::Never) => Some(NO_EXPIRY),
                Some(when) => when.milliseconds(signed_in.time()),
            },
            locale: self.locale.clone(),
            time_zone: self.time_zone.clone(),
        };
        Ok(without_equal(requested, key))
    }

    /// Checks for conflicts that the manager does not detect.
    ///
    /// # Errors
    /// Returns a conflict error if another key has the new name. Also returns a conflict error if the change affects the key's name or marker while
    /// an interrupted run on the key is unfinished. `recover` needs the current name or marker to finish the interrupted run.
    async fn check(
        &self,
        key: &ApiKey,
        change: &KeyChange,
        access: Access<'_>,
    ) -> Result<(), Error> {
        let loses_marker = self.no_mark && change.description.is_some();
        if change.key_name.is_some() || loses_marker {
            require_no_unfinished_run(key, access.target)?;
        }
        match &change.key_name {
            Some(name) if !self.force => require_free_name(name, key, access).await,
            _ => Ok(()),
        }
    }
}

/// Returns a conflict error if another key has the new name, because commands cannot select a key by a name that two keys have.
async fn require_free_name(name: &str, key: &ApiKey, access: Access<'_>) -> Result<(), Error> {
    let search = async {
        let found = access.signed_in.api_keys_named(name).await;
        found.map_err(|error| lookup::explain(access.signed_in, error))
    };
    let found = access.context.signals.cancel(search).await?;
    let taken = |other: &&ApiKey| other.id != key.id && other.name() == Some(name);
    match found.iter().find(taken) {
        None => Ok(()),
        Some(other) => Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "a key named `{name}` already exists (ID {}); {} was not changed",
                other.id,
                describe(key)
            ),
        )
        .hint("set `--name` to an unused name, or add `--force` to allow two keys with this name")
        .key(other.id)),
    }
}

/// Returns a conflict error if the journal record of an unfinished run refers to this key. `recover` finds the key by its name and its marker, so the
/// name and the marker must not change before `recover` has run.
fn require_no_unfinished_run(key: &ApiKey, target: &Target) -> Result<(), Error> {
    let manager = target.address.to_string();
    let entries = journal::unfinished().unwrap_or_default();
    let unfinished = entries.iter().any(|entry| match entry {
        JournalEntry::Record(record) | JournalEntry::InProgress(record) => {
            let same_name = key.name() == Some(record.key_name.as_str());
            !record.is_over()
                && record.manager == manager
                && record.tenant.as_deref() == target.tenant_name()
                && (record.key_id.map_or(same_name, |id| id == key.id)
                    || (record.predecessor.as_ref()).is_some_and(|old| old.id == key.id))
        }
        JournalEntry::Unreadable(..) => false,
    });
    if !unfinished {
        return Ok(());
    }
    let message = format!(
        "{} belongs to an unfinished run; after this change, `swp-keys recover` could no longer find the key",
        describe(key)
    );
    Err(Error::new(ErrorKind::Conflict, message)
        .hint("run `swp-keys recover` first")
        .key(key.id))
}
