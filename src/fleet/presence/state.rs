//! What is known of a secret at a destination.

use crate::manager::named_key;
use crate::secret::Secret;

/// What is known of the secret at one destination.
#[derive(Clone)]
pub(crate) struct SecretState {
    /// The destination, for display.
    pub(crate) place: String,
    pub(crate) presence: Presence,
    /// True if the destination is a command.
    pub(crate) is_command: bool,
    /// True if the text output reports that the state is unknown.
    pub(crate) is_reported: bool,
    /// The destination for the former name of the key, if the secret is still there.
    pub(crate) former_place: Option<String>,
    /// Why the destination cannot receive a secret. `None` if it may be able to.
    pub(crate) defect: Option<String>,
    /// The secret, until it was used to find out whether it works.
    pub(super) secret: Option<Secret>,
}

/// Whether a secret is at a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    /// There is a secret, which was not used.
    There,
    Missing,
    /// It is unknown, for this reason.
    NotKnown(String),
    /// The secret works. The value is the ID of its key, if the manager reports it.
    Works(Option<i64>),
    /// The manager rejects the secret.
    Rejected,
    /// The secret belongs to a different key, which has this ID.
    OfOtherKey(i64),
    /// The secret was not used, and it names a different key with this ID. Not every manager may put the ID into a secret, so nothing is changed.
    NamesOtherKey(i64),
}

impl SecretState {
    /// Returns the state of a destination before it is looked at.
    pub(crate) fn new(place: String, presence: Presence, is_command: bool) -> Self {
        // A new secret must not replace the content of a file that has something else.
        let defect = match &presence {
            Presence::NotKnown(reason) if !is_command => Some(unusable_file(&place, reason)),
            _ => None,
        };
        Self {
            place,
            presence,
            is_command,
            is_reported: !is_command,
            former_place: None,
            defect,
            secret: None,
        }
    }

    /// Returns true if the destination certainly does not have the secret of the key, and the destination for its former name does not have it either.
    pub(crate) fn is_missing(&self) -> bool {
        let is_certain = !matches!(self.presence, Presence::NamesOtherKey(_));
        is_certain && self.former_place.is_none() && self.problem().is_some()
    }

    /// Returns the secret at the destination, if it was read.
    pub(crate) fn into_secret(self) -> Option<Secret> {
        self.secret.filter(|_| self.presence == Presence::There)
    }

    /// Returns true if there is certainly no secret at the destination, or if the secret names one of these keys.
    pub(crate) fn is_missing_or_of(&self, is_other: impl Fn(i64) -> bool) -> bool {
        match &self.secret {
            Some(secret) => named_key(secret).is_some_and(is_other),
            None => self.presence == Presence::Missing && self.former_place.is_none(),
        }
    }

    /// Returns the problem if the destination does not have the secret of the key.
    pub(crate) fn problem(&self) -> Option<String> {
        let place = &self.place;
        match self.presence {
            Presence::Missing => Some(match &self.former_place {
                Some(former) => {
                    format!("the secret is missing: {place}; move it there from {former}")
                }
                None => format!("the secret is missing: {place}"),
            }),
            Presence::Rejected => Some(format!("the secret does not work: {place}")),
            Presence::OfOtherKey(id) => Some(format!(
                "the secret belongs to the key with ID {id}: {place}"
            )),
            Presence::NamesOtherKey(id) => Some(format!(
                "the secret names the key with ID {id}, which is a different key: {place}; `--verify` shows whether it works"
            )),
            Presence::There | Presence::NotKnown(_) | Presence::Works(_) => None,
        }
    }
}

impl Presence {
    /// Returns the name in JSON output.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Missing => "missing",
            Self::NotKnown(_) => "not-known",
            Self::Works(_) => "works",
            Self::Rejected => "rejected",
            Self::OfOtherKey(_) | Self::NamesOtherKey(_) => "other-key",
        }
    }
}

/// Returns the problem of a file that cannot get a secret, or that contains something other than a secret.
pub(crate) fn unusable_file(place: &str, reason: &str) -> String {
    format!(
        "{place} cannot get the secret: {reason}; move the file, or choose a different destination"
    )
}
