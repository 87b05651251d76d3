//! Prints the result of an update. Text output has one line for each changed field. JSON output contains the key and `meta.changes`.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::auth::session::Access;
use crate::context::Context;
use crate::error::Error;
use crate::keys::comparison::asked_fields;
use crate::keys::document::{meta, print_key};
use crate::keys::key_meta::{KeyMeta, json_role_name, time_of};
use crate::keys::key_report::KeyReport;
use crate::keys::roles::RoleNames;
use crate::keys::state::time_or;
use crate::keys::times::exact;
use crate::manager::{ApiKey, KeyChange};
use crate::target::Target;
use crate::terminal::output::{Format, Table};

/// The name of each field in the manager's API, and its label in the text output.
const FIELDS: [(&str, &str); 6] = [
    ("keyName", "Name"),
    ("description", "Description"),
    ("roleID", "Role"),
    ("expiryDate", "Expires"),
    ("locale", "Locale"),
    ("timeZone", "Time zone"),
];

/// The result of an update.
pub(super) struct UpdateResult {
    /// The key after the update.
    key: ApiKey,
    /// The changed fields: the name, the old value and the new value.
    changes: Vec<(&'static str, Value, Value)>,
    roles: RoleNames,
    dry_run: bool,
    /// The report about the changed key.
    report: Option<KeyReport>,
    /// The name of the key's role, for JSON output.
    role: Option<String>,
    /// The manager's time.
    now: DateTime<Utc>,
}

impl UpdateResult {
    pub(super) async fn unchanged(
        key: ApiKey,
        dry_run: bool,
        access: Access<'_>,
    ) -> Result<Self, Error> {
        let role = json_role_name(access, key.role_id()).await?;
        Ok(Self {
            key,
            changes: Vec::new(),
            roles: RoleNames::default(),
            dry_run,
            report: None,
            role,
            now: access.signed_in.time(),
        })
    }

    pub(super) async fn would_be(
        key: ApiKey,
        change: &KeyChange,
        access: Access<'_>,
    ) -> Result<Self, Error> {
        let changes = changes(change, &key, None);
        let roles = roles(change, access).await?;
        let role = json_role_name(access, key.role_id()).await?;
        Ok(Self {
            key,
            changes,
            roles,
            dry_run: true,
            report: None,
            role,
            now: access.signed_in.time(),
        })
    }

    pub(super) async fn changed(
        before: ApiKey,
        after: ApiKey,
        change: &KeyChange,
        role: Option<String>,
        access: Access<'_>,
    ) -> Result<Self, Error> {
        let changes = changes(change, &before, Some(&after));
        let roles = roles(change, access).await?;
        let report = KeyReport::changed(&after, access.signed_in.time())
            .role(roles.get(after.role_id()).map(str::to_owned));
        Ok(Self {
            key: after,
            changes,
            roles,
            dry_run: false,
            report: Some(report),
            role,
            now: access.signed_in.time(),
        })
    }

    /// Adds a warning if the key expires soon. `expires` is the value of `--expires`.
    pub(super) fn warn_of_short_life(self, expires: Option<&str>) -> Self {
        let report = self.report.map(|report| report.warn_of_short_life(expires));
        Self { report, ..self }
    }

    /// Prints the result and, if the key was changed, the report about the key.
    pub(super) fn print(&self, target: &Target, context: &Context) -> Result<(), Error> {
        self.print_document(target, context)?;
        if let Some(report) = &self.report {
            report.print(context);
        }
        Ok(())
    }

    fn print_document(&self, target: &Target, context: &Context) -> Result<(), Error> {
        let format = context.output.format();
        if format == Format::Tsv || format == Format::Text && !self.changes.is_empty() {
            return context.output.table(&self.table());
        }
        if format == Format::Text {
            return Ok(());
        }
        let changes: Map<String, Value> = (self.changes.iter())
            .map(|(name, before, after)| {
                let mut pair = json!({"before": before, "after": after});
                if *name == "expiryDate" {
                    pair["beforeAt"] = time_of(before);
                    pair["afterAt"] = time_of(after);
                }
                ((*name).to_owned(), pair)
            })
            .collect();
        let fields = json!({
            "changed": !changes.is_empty(),
            "changes": changes,
        });
        let mut meta = meta(target, fields);
        if self.dry_run {
            meta["dryRun"] = true.into();
        }
        KeyMeta::of(&self.key, self.role.as_deref(), self.now).add_to(&mut meta);
        print_key(&self.key.fields(), meta, context)
    }

    fn table(&self) -> Table {
        let rows = self.changes.iter().map(|(name, before, after)| {
            let label = FIELDS.iter().find(|(field, _)| field == name);
            let label = label.map_or(*name, |(_, label)| label);
            let (mut old, mut new) = (self.value(name, before), self.value(name, after));
            // The two times are in the same minute.
            if old == new
                && let (Some(before), Some(after)) = (before.as_i64(), after.as_i64())
            {
                (old, new) = (exact(before), exact(after));
            }
            [label.to_owned(), old, new]
        });
        Table::plain(["FIELD", "BEFORE", "AFTER"], rows)
    }

    fn value(&self, name: &str, value: &Value) -> String {
        match (name, value) {
            ("expiryDate", value) => time_or(value.as_i64().filter(|time| *time != 0), "never"),
            (_, Value::Null) => "-".to_owned(),
            ("roleID", id) => match self.roles.get(id.as_i64()) {
                Some(role) => format!("{role} (ID {id})"),
                None => format!("ID {id}"),
            },
            (_, Value::String(text)) => text.clone(),
            (_, other) => other.to_string(),
        }
    }
}

/// Returns the role names if the role changes and the output is text. JSON output shows the old and the new role by their IDs only.
async fn roles(change: &KeyChange, access: Access<'_>) -> Result<RoleNames, Error> {
    if change.role_id.is_none() || access.context.output.format().is_json() {
        return Ok(RoleNames::default());
    }
    // The key has already been changed, so the command must not fail if the role names cannot be read.
    Ok(RoleNames::ask(access).await.unwrap_or_default())
}

/// Returns the requested fields with their old and new values. The value of a field that is not set is null.
fn changes(
    change: &KeyChange,
    before: &ApiKey,
    after: Option<&ApiKey>,
) -> Vec<(&'static str, Value, Value)> {
    let (before, after) = (before.fields(), after.map(ApiKey::fields));
    let value = |fields: &Map<String, Value>, name| fields.get(name).cloned().unwrap_or_default();
    let mut requested = asked_fields(change);
    let position = |name| FIELDS.iter().position(|(field, _)| *field == name);
    requested.sort_by_cached_key(|(name, _)| position(*name).unwrap_or(FIELDS.len()));
    let changes = requested.into_iter().map(|(name, requested)| {
        let after = after.as_ref().map_or(requested, |after| value(after, name));
        (name, value(&before, name), after)
    });
    changes.collect()
}
