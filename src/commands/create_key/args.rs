//! The flags of `create-key`, and their defaults from the profile.

use chrono::Utc;

use crate::config::Sourced;
use crate::config::file::Profile;
use crate::delivery::SinkArgs;
use crate::error::Error;
use crate::expiry::Expiry;
use crate::keys::naming::IfExists;

/// Create a key and deliver its secret.
#[derive(Clone, clap::Args)]
#[command(group = clap::ArgGroup::new("which-role"))]
pub(crate) struct Args {
    /// Role of the key, by its exact name (without a role, a run on a terminal asks for the role and the expiry)
    #[arg(long, value_name = "NAME", group = "which-role")]
    pub(super) role: Option<String>,

    /// ID of the key's role (if --allow-full-access is set, the role is not looked up)
    #[arg(long, value_name = "ID", group = "which-role", value_parser = clap::value_parser!(i64).range(1..))]
    pub(super) role_id: Option<i64>,

    /// Do not warn if the role grants every right
    #[arg(long)]
    pub(super) allow_full_access: bool,

    /// Name of the key [default: the role, the time and eight random digits]
    #[arg(long)]
    pub(super) name: Option<String>,

    /// Do not add the marker `[swp-keys ...]` of this run to the description
    #[arg(long)]
    pub(super) no_mark: bool,

    /// Description of the key
    #[arg(long, value_name = "TEXT")]
    pub(super) description: Option<String>,

    /// Locale of the key
    #[arg(long, value_parser = ["en-US", "ja-JP"])]
    pub(super) locale: Option<String>,

    /// Time zone of the key: an IANA name such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    pub(super) time_zone: Option<String>,

    /// Expiry of the key: a duration such as 14d, 12w or 36h (units: m minutes, h, d, w, mo months, y), a date, an RFC 3339 time, or never
    #[arg(long, value_name = "WHEN")]
    pub(super) expires: Option<String>,

    /// What to do if a key with this name exists
    #[arg(long, value_name = "WHAT", default_value = "fail", requires = "name")]
    pub(super) if_exists: IfExists,

    /// Check the role, the name and the destinations of the secret, but create nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Make one request with the new secret before reporting success
    #[arg(long)]
    pub(super) verify: bool,

    #[command(flatten)]
    pub(crate) sinks: SinkArgs,
}

/// The hint of the error for a missing role.
pub(super) const ROLE_HINT: &str = "run `swp-keys list-roles` and set `--role` or `--role-id`";

impl Args {
    /// Returns true if the command line or the profile sets the role.
    pub(super) fn names_role(&self) -> bool {
        self.role.is_some() || self.role_id.is_some()
    }

    /// Returns the error for a run that has no role and no terminal to prompt on.
    pub(super) fn missing_role() -> Error {
        Error::usage(
            "the role is missing: neither `--role <NAME>` nor `--role-id <ID>` is set",
            ROLE_HINT,
        )
    }

    /// Fills the missing flags with the defaults of the profile.
    ///
    /// # Errors
    /// Returns a usage error if the expiry in the profile is invalid.
    pub(crate) fn complete(&mut self, profile: Option<&Profile>) -> Result<(), Error> {
        let default = |field: &str| profile.and_then(|profile| profile.text(field));
        let text = |field: &str| default(field).map(|setting| setting.value);
        if !self.names_role() {
            self.role = text("create.role");
            self.role_id = text("create.role-id").and_then(|id| id.parse().ok());
        }
        if self.if_exists == IfExists::Ensure {
            self.require_lasting_sinks()?;
            // A file is replaced only if its secret does not work.
            self.sinks.replace_files();
        }
        self.description = (self.description.take()).or_else(|| text("create.description"));
        self.locale = self.locale.take().or_else(|| text("create.locale"));
        self.time_zone = self.time_zone.take().or_else(|| text("create.time-zone"));
        if self.expires.is_none()
            && let Some(expires) = default("create.expires")
        {
            self.expires = Some(self.checked_expiry(expires)?);
        }
        Ok(())
    }

    /// Checks that a later run can find the secret at its destinations.
    ///
    /// # Errors
    /// Returns a usage error if the secret goes to stdout, or to a place that exists only for one CI job.
    fn require_lasting_sinks(&self) -> Result<(), Error> {
        match self.sinks.are_lasting() {
            true => Ok(()),
            false => Err(Error::usage(
                "`--if-exists ensure` needs destinations that keep the secret, so that the next run finds it there",
                "use `--out-file`, `--dotenv` or `--deliver-cmd`, and neither stdout nor `--github-output` nor `--github-env`",
            )),
        }
    }

    /// Returns the expiry from the profile. It is checked in each run, because a date that was valid when the profile was written may be in the past
    /// now.
    ///
    /// # Errors
    /// Returns a usage error that names the setting.
    fn checked_expiry(&self, expires: Sourced<String>) -> Result<String, Error> {
        let Sourced { value, source } = expires;
        match Expiry::parse(&value, self.time_zone.as_deref(), Utc::now()) {
            Ok(_) => Ok(value),
            Err(error) => Err(Error::usage(
                format!("{source}: {error}"),
                error.next_step().unwrap_or_default(),
            )),
        }
    }
}
