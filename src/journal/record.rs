//! What a record says, and how it stands on disk.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::progress::{Progress, Stage};
use crate::storage::parse_error::json_problem;

/// A record is a few hundred bytes; a file that is larger is none.
pub(super) const LIMIT: u64 = 64 * 1024;

/// What was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    /// A key was being created.
    Create,
    /// A key that existed was being given a new secret.
    Rekey,
}

/// What a run was about to do. No field may ever hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    /// The random digits that name this operation, here and on the manager.
    pub(crate) operation: String,
    /// What was under way.
    pub(crate) work: Work,
    /// The manager's address.
    pub(crate) manager: String,
    /// The tenant; none for the primary one.
    pub(crate) tenant: Option<String>,
    /// The name of the key.
    pub(crate) key_name: String,
    /// The ID of its role, where the work sets one.
    #[serde(rename = "roleID")]
    pub(crate) role_id: Option<i64>,
    /// The ID of the key, where it was known.
    #[serde(rename = "keyID")]
    pub(crate) key_id: Option<i64>,
    /// The keys that bore the name before: none of them is this operation's.
    #[serde(rename = "existingIDs")]
    pub(crate) existing_ids: Vec<i64>,
    /// Whether the operation stands in the key's name or description, which proves whose it is.
    pub(crate) marked: bool,
    /// Whether the name is to be borne by one key alone.
    pub(crate) unique: bool,
    /// Which API key signed, as [`crate::manager::SignedIn::signer_fingerprint`] has it; none for a session. The secret alone selects the
    /// tenant (docs/manager-api.md, "Tenants"), so another key may not see what this one made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signer: Option<String>,
    /// The key that this one is to take the place of, in a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) predecessor: Option<Predecessor>,
    /// The key is to live as long as its run, so that what is left of it is deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) temporary: bool,
    /// The key is the one that signs: its own secret is what is made anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) current: bool,
    /// Where the secret was to go.
    pub(crate) sinks: Vec<String>,
    /// When it began, in milliseconds since 1970 by this machine's clock, for people to read.
    pub(crate) started: i64,
    /// How far it has come.
    #[serde(default)]
    pub(crate) progress: Progress,
}

/// A key that is to retire once its successor is delivered, and how far that has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Predecessor {
    /// Its ID.
    #[serde(rename = "ID")]
    pub(crate) id: i64,
    /// How long it lives on after its successor is delivered, in milliseconds.
    pub(crate) overlap: i64,
    /// The name that it is given to make way for its successor, from before it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) given_name: Option<String>,
    /// The secret of its successor is where it was to go: what earlier versions wrote in the place of [`Stage::Delivered`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) succeeded: bool,
}

/// What a record of any kind says about its operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// The random digits that name the operation.
    pub(crate) id: String,
    /// The manager's address.
    pub(crate) manager: String,
    /// The tenant; none for the primary one.
    pub(crate) tenant: Option<String>,
    /// The fingerprint of the API key that signs; none for a session.
    pub(crate) signer: Option<String>,
    /// Where the secret will go.
    pub(crate) sinks: Vec<String>,
}

impl Record {
    /// The record of a key that will be created. Its mark proves whose it is, and its name need not be unique.
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
            predecessor: None,
            temporary: false,
            current: false,
            sinks: operation.sinks,
            started: chrono::Utc::now().timestamp_millis(),
            progress: Progress::default(),
        }
    }

    /// The record of a key that will be created for the time of its run, and deleted after it.
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

    /// The record of an existing key that will get a new secret.
    pub(crate) fn rekey(operation: Operation, key_name: impl Into<String>, key_id: i64) -> Self {
        Self {
            work: Work::Rekey,
            key_id: Some(key_id),
            existing_ids: vec![key_id],
            ..Self::create(operation, key_name, None)
        }
    }

    /// The record of a key that will replace another one, which expires after `overlap` milliseconds.
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

    /// What it made is gone, and is to be made once more.
    pub(crate) fn begin_again(&mut self) {
        self.key_id = None;
        self.progress.stage = Stage::Begun;
        if let Some(predecessor) = &mut self.predecessor {
            predecessor.succeeded = false;
        }
    }

    /// Whether its secret is where it was to go.
    pub(crate) fn is_delivered(&self) -> bool {
        let succeeded =
            (self.predecessor.as_ref()).is_some_and(|predecessor| predecessor.succeeded);
        succeeded || matches!(self.progress.stage, Stage::Delivered | Stage::Settled)
    }

    /// Whether nothing is left to be done, so that only the file is left.
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

    /// What stands on disk before anything that has no fixed width.
    pub(super) fn head(&self) -> String {
        self.progress.now().head(self.key_id)
    }

    /// The file: the head, and behind it everything else.
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

    /// Whether the two differ at most in what stands in the head.
    pub(super) fn has_rest_of(&self, other: &Self) -> bool {
        let with_head_of_other = Self {
            progress: other.progress.clone(),
            key_id: other.key_id,
            ..self.clone()
        };
        with_head_of_other == *other
    }
}

/// What else stands in a record takes no more.
const REST: usize = 4 * 1024;

/// Whether there is room in a record for these texts.
pub(crate) fn has_room<'a>(texts: impl Iterator<Item = &'a str>) -> bool {
    let length = |text: &str| serde_json::to_string(text).map_or(0, |text| text.len() + 8);
    let all: usize = texts.map(length).sum();
    u64::try_from(all.saturating_add(REST)).is_ok_and(|all| all <= LIMIT)
}

/// A record that could not be read again.
#[derive(Debug, thiserror::Error)]
#[error("it would be larger than {} KiB", LIMIT / 1024)]
pub(super) struct TooLong;

/// Any bytes are a record or an error.
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
            "line 1: its operation is not a hex number",
        ))
    }
}
