//! The fields of an API key that a client can write, and their validation (`docs/manager-api.md`, "Key fields").

use serde_json::{Map, Value};

use super::authentication::Caller;
use crate::sandbox::http::call::{boolean, integer32, integer64, text, wrong_type};
use crate::sandbox::http::response::Refusal;
use crate::sandbox::options::choices::ExpiryZero;
use crate::sandbox::state::keys::ApiKey;
use crate::sandbox::state::manager::Manager;
use crate::sandbox::state::rights;
use crate::sandbox::state::roles::FULL_ACCESS;

/// The values of the writable fields in a request. A field that the request does not contain is `None`.
#[derive(Debug, Default)]
pub(crate) struct Change {
    name: Option<String>,
    description: Option<String>,
    locale: Option<String>,
    time_zone: Option<String>,
    role_id: Option<i64>,
    active: Option<bool>,
    /// The new expiry date. `Some(None)` clears the expiry date. `None` leaves it unchanged.
    expiry: Option<Option<i64>>,
}

impl Change {
    /// Parses a request body. Fields that only the manager can set are ignored, but a value of the wrong type is still an error.
    pub(crate) fn read(body: &Map<String, Value>) -> Result<Change, Refusal> {
        for name in ["created", "lastSignIn", "unlockTime"] {
            integer64(body, name)?;
        }
        for name in ["ID", "unsuccessfulSignInAttempts", "tenantID"] {
            integer32(body, name)?;
        }
        for name in ["secretKey", "roleURN", "tenantGUID", "cloudOneAccountID"] {
            text(body, name)?;
        }
        boolean(body, "serviceAccount")?;
        Ok(Change {
            name: text(body, "keyName")?,
            description: text(body, "description")?,
            locale: text(body, "locale")?,
            time_zone: text(body, "timeZone")?,
            role_id: role_id(body)?,
            active: boolean(body, "active")?,
            expiry: integer64(body, "expiryDate")?.map(Some),
        })
    }

    /// Returns true if the request changes the role, the expiry date or the active state. An API key cannot change its own role, expiry date or
    /// active state.
    pub(crate) fn exceeds_own_key(&self) -> bool {
        self.role_id.is_some() || self.active.is_some() || self.expiry.is_some()
    }

    /// Stores the new values in an API key. The caller must first validate them with [`Manager::validate`].
    pub(crate) fn apply(self, key: &mut ApiKey) {
        set_text(&mut key.name, self.name);
        set_text(&mut key.description, self.description);
        key.locale = self.locale.unwrap_or_else(|| key.locale.clone());
        key.time_zone = self.time_zone.unwrap_or_else(|| key.time_zone.clone());
        key.role_id = self.role_id.unwrap_or(key.role_id);
        key.expiry_date = self.expiry.unwrap_or(key.expiry_date);
        if let Some(active) = self.active {
            key.active = active;
            key.unlock_time = None;
            key.unsuccessful_sign_in_attempts = 0;
        }
    }
}

fn set_text(field: &mut Option<String>, given: Option<String>) {
    if given.is_some() {
        *field = given;
    }
}

/// Returns `roleID`. A number in quotes is accepted as well, because the vendor's sample code sends a number in quotes.
fn role_id(body: &Map<String, Value>) -> Result<Option<i64>, Refusal> {
    match body.get("roleID") {
        Some(Value::String(quoted)) => {
            let number = quoted
                .parse::<i32>()
                .map_err(|_| wrong_type("roleID", "a 32-bit integer"))?;
            Ok(Some(i64::from(number)))
        }
        _ => integer32(body, "roleID"),
    }
}

impl Manager {
    /// Returns the ID of the role that a new API key gets.
    pub(crate) fn role_for_new_key(&self, change: &Change) -> Result<i64, Refusal> {
        match (change.role_id, self.settings.unknowns.role_omitted) {
            (Some(id), _) => Ok(id),
            (None, None) => Ok(FULL_ACCESS),
            (None, Some(status)) => Err(Refusal::new(status, "The field roleID is required.")),
        }
    }

    /// Validates the new values for an API key, and returns them in the form in which they are stored. `id` is the ID of the key to change,
    /// or `None` for a new key.
    pub(crate) fn validate(
        &self,
        caller: Caller,
        change: Change,
        id: Option<i64>,
    ) -> Result<Change, Refusal> {
        let mut change = change;
        if self.settings.unknowns.trim_names {
            change.name = change.name.map(|name| name.trim().to_owned());
        }
        let unknowns = &self.settings.unknowns;
        change.name = change.name.and_then(|name| unknowns.key_names.apply(name));
        change.description =
            (change.description).and_then(|text| unknowns.descriptions.apply(text));
        // In a numeric field that clients can write, 0 means that no value is set.
        change.role_id = change.role_id.filter(|id| *id != 0);
        change.expiry = self.validate_expiry(change.expiry)?;
        self.check_name(change.name.as_deref(), id)?;
        self.check_locale_and_time_zone(&change)?;
        self.check_role(caller, change.role_id)?;
        Ok(change)
    }

    fn validate_expiry(&self, given: Option<Option<i64>>) -> Result<Option<Option<i64>>, Refusal> {
        let Some(Some(time)) = given else {
            return Ok(given);
        };
        let unknowns = &self.settings.unknowns;
        match (time, unknowns.expiry_zero) {
            (0, ExpiryZero::Clears) => return Ok(Some(None)),
            (0, ExpiryZero::Ignored) => return Ok(None),
            (0, ExpiryZero::Refused) => {}
            _ if time > self.clock.now() => return Ok(given),
            _ => {}
        }
        match unknowns.past_expiry {
            Some(status) => Err(Refusal::new(
                status,
                "The expiry date must be in the future.",
            )),
            None => Ok(given),
        }
    }

    fn check_name(&self, name: Option<&str>, id: Option<i64>) -> Result<(), Refusal> {
        let Some(status) = self.settings.unknowns.duplicate_name else {
            return Ok(());
        };
        match name {
            // An API key cannot have the same name as a user.
            Some(name) if self.keys.name_taken(name, id) || name == self.settings.username => Err(
                Refusal::new(status, "The requested username already exists."),
            ),
            _ => Ok(()),
        }
    }

    fn check_locale_and_time_zone(&self, change: &Change) -> Result<(), Refusal> {
        if change
            .locale
            .as_deref()
            .is_some_and(|locale| locale != "en-US" && locale != "ja-JP")
        {
            return Err(wrong_type("locale", "en-US or ja-JP"));
        }
        let known = |zone: &str| {
            jiff::tz::TimeZone::get(zone).is_ok_and(|found| found.iana_name() == Some(zone))
        };
        match (
            change.time_zone.as_deref(),
            self.settings.unknowns.unknown_time_zone,
        ) {
            (Some(zone), Some(status)) if !known(zone) => Err(Refusal::new(
                status,
                format!("There is no time zone {zone}."),
            )),
            _ => Ok(()),
        }
    }

    /// Returns an error response if the new role has more rights than the sender's own role. This is checked only if the sender's role has
    /// the flag `canOnlyManipulateUsersWithEqualOrLesserRights`.
    fn check_role(&self, caller: Caller, id: Option<i64>) -> Result<(), Refusal> {
        let Some(id) = id else { return Ok(()) };
        let Some(role) = self.roles.get(id) else {
            let refused = |status| {
                Err(Refusal::new(
                    status,
                    format!("There is no administrator role with the ID {id}."),
                ))
            };
            return self.settings.unknowns.unknown_role.map_or(Ok(()), refused);
        };
        let Some(own) = self.role_of(caller) else {
            return Ok(());
        };
        if own.flag("canOnlyManipulateUsersWithEqualOrLesserRights")
            && !rights::within(role.rights(), own.rights())
        {
            return Err(Refusal::forbidden(
                "The role has more rights than your own.",
            ));
        }
        Ok(())
    }
}
