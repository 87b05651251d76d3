//! The content and the file format of a record.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::progress::{Progress, Stage};
use crate::storage::parse_error::json_problem;

/// The maximum size of a record. Most records are a few hundred bytes long.
pub(super) const LIMIT: u64 = 64 * 1024;

/// The kind of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    /// The run creates a new key.
    Create,
    /// The run creates a new secret for an existing key.
    Rekey,
}

/// The record of an operation that a run is about to execute. No field may contain a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    /// The operation ID: random digits that identify the operation on this machine and in the key's description on the manager.
    pub(crate) operation: String,
    /// The kind of operation.
    pub(crate) work: Work,
    /// The manager's address.
    pub(crate) manager: String,
    /// The tenant, or `None` for the primary tenant.
    pub(crate) tenant: Option<String>,
    /// The name of the key.
    pub(crate) key_name: String,
    /// The ID of the key's role, if the operation sets the role.
    #[serde(rename = "roleID")]
    pub(crate) role_id: Option<i64>,
    /// The ID of the key, or `None` if the ID is not known yet.
    #[serde(rename = "keyID")]
    pub(crate) key_id: Option<i64>,
    /// The IDs of the keys that had the key's name before the operation began. The operation did not create these keys.
    #[serde(rename = "existingIDs")]
    pub(crate) existing_ids: Vec<i64>,
    /// True if the key's name or description contains the operation ID, which proves that the key belongs to the operation.
    pub(crate) marked: bool,
    /// True if the key must be the only key with its name.
    pub(crate) unique: bool,
    /// The fingerprint of the API key that authenticates the run ([`crate::manager::SignedIn::signer_fingerprint`]), or `None` if the run
    /// uses a session. A run that continues this operation must use the same API key. An API key of a different tenant cannot see the keys
    /// of this operation (`docs/manager-api.md`, "Tenants").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signer: Option<String>,
    /// The fleet to which the key belongs. `None` for a key that belongs to no fleet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fleet: Option<String>,
    /// True if the key was created with the word `pending` in its marker. The word is removed when the delivery of the secret is confirmed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) pending: bool,
    /// The old key that the new key replaces in a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) predecessor: Option<Predecessor>,
    /// True if the key is temporary and must be deleted at the end of the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) temporary: bool,
    /// True if the run resets the secret of the API key that authenticates the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) current: bool,
    /// The destinations of the secret.
    pub(crate) sinks: Vec<String>,
    /// When the operation started, by this machine's clock, in milliseconds since the Unix epoch.
    pub(crate) started: i64,
    /// The progress of the operation.
    #[serde(default)]
    pub(crate) progress: Progress,
}

/// The old key of a rotation. The expiry of the old key is set after the secret of the new key was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Predecessor {
    /// The ID of the old key.
    #[serde(rename = "ID")]
    pub(crate) id: i64,
    /// How long the old key remains valid after the delivery of the successor's secret, in milliseconds.
    pub(crate) overlap: i64,
    /// The new name of the old key, or `None` if the old key is not renamed. The old key is renamed so that the successor can get the old key's name.
    /// The new name is recorded before the rename.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) given_name: Option<String>,
    /// True if the successor's secret was delivered. Earlier versions of this program wrote this field instead of [`Stage::Delivered`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) succeeded: bool,
}

/// The fields that all kinds of operations have in common.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// The operation ID.
    pub(crate) id: String,
    /// The manager's address.
    pub(crate) manager: String,
    /// The tenant, or `None` for the primary tenant.
    pub(crate) tenant: Option<String>,
    /// The fingerprint of the API key that authenticates the run, or `None` if the run uses a session.
    pub(crate) signer: Option<String>,
    /// The destinations of the secret.
    pub(crate) sinks: Vec<String>,
}

impl Record {
    /// Returns the record for creating a key. The key's description will contain the marker `[swp-keys ...]`. The key's name need not be
    /// unique.
    pub(crate) fn create(
        operation: Operation,
        key_name: impl Into<String>,
        role_id: Option<i64>,
    ) -> Self {
        Self {
            operation: operation.id,
            work: Work::Create,
            manager: operation.manager,
            tenant: operation.tenant,
            key_name: key_name.into(),
            role_id,
            key_id: None,
            existing_ids: Vec::new(),
            marked: true,
            unique: false,
            signer: operation.signer,
            fleet: None,
            pending: false,
            predecessor: None,
            temporary: false,
            current: false,
            sinks: operation.sinks,
            started: chrono::Utc::now().timestamp_millis(),
            progress: Progress::default(),
        }
    }

    /// Returns the record for creating a temporary key, which will be deleted at the end of the run.
    pub(crate) fn temporary(
        operation: Operation,
        key_name: impl Into<String>,
        role_id: i64,
    ) -> Self {
        Self {
            temporary: true,
            ..Self::create(operation, key_name, Some(role_id))
        }
    }

    /// Returns the record for creating a new secret for an existing key.
    pub(crate) fn rekey(operation: Operation, key_name: impl Into<String>, key_id: i64) -> Self {
        Self {
            work: Work::Rekey,
            key_id: Some(key_id),
            existing_ids: vec![key_id],
            ..Self::create(operation, key_name, None)
        }
    }

    /// Returns the record for creating a key that replaces an old key. The old key expires `overlap` milliseconds after the delivery of the
    /// new key's secret.
    pub(crate) fn rotate(
        operation: Operation,
        key_name: impl Into<String>,
        role_id: i64,
        predecessor: i64,
        overlap: i64,
    ) -> Self {
        Self {
            existing_ids: vec![predecessor],
            unique: true,
            predecessor: Some(Predecessor {
                id: predecessor,
                overlap,
                given_name: None,
                succeeded: false,
            }),
            ..Self::create(operation, key_name, Some(role_id))
        }
    }

    /// Resets the record before the run creates the key again, because the recorded key no longer exists on the manager.
    pub(crate) fn begin_again(&mut self) {
        self.key_id = None;
        self.progress.stage = Stage::Begun;
        if let Some(predecessor) = &mut self.predecessor {
            predecessor.succeeded = false;
        }
    }

    /// Returns true if stdout is a destination of the secret, or if the record contains no destination.
    pub(crate) fn delivers_to_stdout(&self) -> bool {
        self.sinks.is_empty() || self.sinks.iter().any(|sink| sink == "stdout")
    }

    /// Returns true if the secret was delivered.
    pub(crate) fn is_delivered(&self) -> bool {
        let succeeded =
            (self.predecessor.as_ref()).is_some_and(|predecessor| predecessor.succeeded);
        succeeded || matches!(self.progress.stage, Stage::Delivered | Stage::Settled)
    }

    /// Returns true if the operation is complete and only its record remains to be removed.
    pub(crate) fn is_over(&self) -> bool {
        match self.progress.stage {
            Stage::Settled => true,
            Stage::Delivered => self.predecessor.is_none() && !self.temporary,
            Stage::Begun | Stage::Delivering => false,
        }
    }

    pub(super) fn file_name(&self) -> String {
        format!("{}.json", self.operation)
    }

    /// Returns the header of the file, which contains the fixed-width fields.
    pub(super) fn head(&self) -> String {
        self.progress.now().head(self.key_id)
    }

    /// Returns the content of the file: the header and all other fields.
    pub(super) fn content(&self) -> io::Result<Vec<u8>> {
        let mut rest = serde_json::to_value(self).map_err(io::Error::other)?;
        if let Value::Object(fields) = &mut rest {
            fields.shift_remove("progress");
            fields.shift_remove("keyID");
        }
        let rest = serde_json::to_string_pretty(&rest).map_err(io::Error::other)?;
        let content = format!("{}{}", self.head(), rest.trim_start_matches('{')).into_bytes();
        match u64::try_from(content.len()) {
            Ok(length) if length <= LIMIT => Ok(content),
            _ => Err(io::Error::other(TooLong)),
        }
    }

    /// Returns true if all fields of `other` equal the fields of this record. The key ID and the progress are not compared, because they are in the
    /// header of the file.
    pub(super) fn has_rest_of(&self, other: &Self) -> bool {
        let with_head_of_other = Self {
            progress: other.progress.clone(),
            key_id: other.key_id,
            ..self.clone()
        };
        with_head_of_other == *other
    }
}

/// The number of bytes that [`has_room`] reserves for the short fields of a record.
const REST: usize = 4 * 1024;

/// Returns true if a record that contains these texts does not exceed the maximum size.
pub(crate) fn has_room<'a>(texts: impl Iterator<Item = &'a str>) -> bool {
    let length = |text: &str| serde_json::to_string(text).map_or(0, |text| text.len() + 8);
    let all: usize = texts.map(length).sum();
    u64::try_from(all.saturating_add(REST)).is_ok_and(|all| all <= LIMIT)
}

/// The error for a record that exceeds the maximum size.
#[derive(Debug, thiserror::Error)]
#[error("the record would be larger than {} KiB", LIMIT / 1024)]
pub(super) struct TooLong;

/// Parses a record. The error message never quotes the input.
pub(super) fn parse(content: &[u8]) -> io::Result<Record> {
    let mut record: Record =
        serde_json::from_slice(content).map_err(|error| io::Error::other(json_problem(&error)))?;
    let named = !record.operation.is_empty()
        && record
            .operation
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit());
    record.progress.in_place = content.starts_with(record.progress.head(record.key_id).as_bytes());
    if named {
        Ok(record)
    } else {
        Err(io::Error::other(
            "line 1: the operation ID is not a hexadecimal number",
        ))
    }
}
