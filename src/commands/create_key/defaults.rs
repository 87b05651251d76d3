//! What the profile says of new keys, where the command line says nothing.

use chrono::Utc;

use super::Args;
use crate::config::Sourced;
use crate::config::file::Profile;
use crate::error::Error;
use crate::expiry::Expiry;

impl Args {
    /// Takes over what was not given.
    ///
    /// # Errors
    /// Of usage, where neither says which role it is to be, or the profile names an end that is none.
    pub(crate) fn complete(&mut self, profile: Option<&Profile>) -> Result<(), Error> {
        let default = |field: &str| profile.and_then(|profile| profile.text(field));
        let text = |field: &str| default(field).map(|found| found.value);
        if self.role.is_none() && self.role_id.is_none() {
            self.role = text("create.role");
            self.role_id = text("create.role-id").and_then(|id| id.parse().ok());
        }
        if self.role.is_none() && self.role_id.is_none() {
            return Err(Error::usage(
                "`--role <NAME>` or `--role-id <ID>` is missing",
                "say which role the key is to have; `swp-keys list-roles` lists them",
            ));
        }
        self.description = (self.description.take()).or_else(|| text("create.description"));
        self.locale = self.locale.take().or_else(|| text("create.locale"));
        self.time_zone = self.time_zone.take().or_else(|| text("create.time-zone"));
        if self.expires.is_none()
            && let Some(expires) = default("create.expires")
        {
            self.expires = Some(self.checked_end(expires)?);
        }
        Ok(())
    }

    /// A date may have passed since it was written down.
    fn checked_end(&self, expires: Sourced<String>) -> Result<String, Error> {
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
