//! What is known of a secret at a destination.

/// What is known of the secret at one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretState {
    /// The destination, for display.
    pub(crate) place: String,
    pub(crate) presence: Presence,
    /// True if the destination is a command.
    pub(crate) is_command: bool,
}

/// Whether a secret is at a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    Missing,
    /// It is unknown, for this reason.
    NotKnown(String),
}

impl SecretState {
    /// Returns true if the secret is missing.
    pub(crate) fn is_missing(&self) -> bool {
        self.presence == Presence::Missing
    }
}

impl Presence {
    /// Returns the name in JSON output.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Missing => "missing",
            Self::NotKnown(_) => "not-known",
        }
    }
}
