//! The content of a plan.

use serde_json::Value;

use crate::error::Error;
use crate::fleet::manifest::DeclaredKey;
use crate::fleet::presence::SecretState;
use crate::manager::ApiKey;

/// The plan for the keys on one manager.
pub(crate) struct Plan<'a> {
    /// Each declared key, in the order of the manifest, and then the other keys of the fleet by ID.
    pub(crate) keys: Vec<PlannedKey<'a>>,
    /// What concerns several keys.
    pub(crate) notes: Vec<String>,
    /// True if undeclared keys are deleted, unless a reason forbids it.
    pub(crate) prunes: bool,
}

/// What a run would do with one key.
pub(crate) struct PlannedKey<'a> {
    /// The declared key. `None` for a key that the manifest does not declare.
    pub(crate) declared: Option<&'a DeclaredKey>,
    /// The key on the manager. `None` if there is none.
    pub(crate) key: Option<&'a ApiKey>,
    pub(crate) action: PlannedAction,
    /// The reason for the action, for display.
    pub(crate) reason: String,
    /// The fields that the action changes.
    pub(crate) changes: Vec<FieldChange>,
    /// The role that the key will have, if it was found.
    pub(crate) role: Option<PlannedRole>,
    /// The other key with the same name, if one of the two keys is deleted because the destinations have the secret of the other key.
    pub(crate) kept: Option<&'a ApiKey>,
    /// The operation of an interrupted run whose record is removed, because another run has superseded it.
    pub(crate) superseded: Option<String>,
    /// True if the key is deleted only because of `--prune`.
    pub(crate) is_pruned: bool,
    /// Problems that do not prevent the action.
    pub(crate) problems: Vec<String>,
    /// What the user should know, although the key is as declared.
    pub(crate) notes: Vec<String>,
    /// What is known of the secret at each destination.
    pub(crate) secret: &'a [SecretState],
    /// What a run did. `None` before the run, and for a key that needs no work.
    pub(crate) result: Option<Applied>,
}

/// What a run did with one key.
#[derive(Debug, Clone)]
pub(crate) enum Applied {
    /// The action is done.
    Done {
        /// The ID of the key, or of the successor in a rotation.
        id: i64,
        /// The operation that created the key or its secret.
        operation: Option<String>,
    },
    Failed(Error),
    /// The key was not changed, because it has a problem or is not declared.
    Left,
    /// The run stopped before it began to work on the key.
    NotTried,
}

/// The role of a key in a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedRole {
    pub(crate) id: i64,
    /// The name for display.
    pub(crate) label: String,
}

/// What a run would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PlannedAction {
    /// The key is as declared.
    None,
    /// Finish an interrupted operation: create a new secret and deliver it.
    Finish,
    Create,
    Change,
    /// Make an existing key a key of the fleet.
    Adopt,
    Rename,
    Lock,
    Unlock,
    Rotate,
    /// Reset the secret.
    Rekey,
    Delete,
    /// The manifest does not declare the key, and it is not deleted without `--prune`.
    LeftOver,
    /// The key cannot be planned, and it is not changed.
    Problem,
}

/// A field that an action changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldChange {
    /// The name of the field in the manager's API.
    pub(crate) field: &'static str,
    /// The value of the key, in the form of the manager's API.
    pub(crate) from: Value,
    /// The declared value.
    pub(crate) to: Value,
    /// Both values for display.
    pub(crate) shown: [String; 2],
}

impl PlannedAction {
    /// The actions in the order of the summary.
    pub(crate) const ALL: [Self; 13] = [
        Self::Finish,
        Self::Create,
        Self::Change,
        Self::Adopt,
        Self::Rename,
        Self::Lock,
        Self::Unlock,
        Self::Rotate,
        Self::Rekey,
        Self::Delete,
        Self::LeftOver,
        Self::Problem,
        Self::None,
    ];

    /// Returns the name in JSON output.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Finish => "finish",
            Self::Create => "create",
            Self::Change => "change",
            Self::Adopt => "adopt",
            Self::Rename => "rename",
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Rotate => "rotate",
            Self::Rekey => "rekey",
            Self::Delete => "delete",
            Self::LeftOver => "left-over",
            Self::Problem => "problem",
        }
    }

    /// Returns the sign in text output.
    pub(crate) fn sign(self) -> char {
        match self {
            Self::None => ' ',
            Self::Finish | Self::Rekey => '*',
            Self::Create => '+',
            Self::Change | Self::Adopt | Self::Rename | Self::Lock | Self::Unlock => '~',
            Self::Rotate => '>',
            Self::Delete => '-',
            Self::LeftOver => '?',
            Self::Problem => '!',
        }
    }

    /// Returns true if a run would change something on the manager.
    pub(crate) fn is_change(self) -> bool {
        !matches!(self, Self::None | Self::LeftOver | Self::Problem)
    }

    /// Returns true if a run would deliver a new secret.
    pub(crate) fn delivers_secret(self) -> bool {
        matches!(
            self,
            Self::Finish | Self::Create | Self::Rotate | Self::Rekey
        )
    }
}

impl<'a> PlannedKey<'a> {
    /// Returns an entry without changes.
    pub(crate) fn new(
        declared: Option<&'a DeclaredKey>,
        key: Option<&'a ApiKey>,
        action: PlannedAction,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            declared,
            key,
            action,
            reason: reason.into(),
            changes: Vec::new(),
            role: None,
            kept: None,
            superseded: None,
            is_pruned: false,
            problems: Vec::new(),
            notes: Vec::new(),
            secret: &[],
            result: None,
        }
    }

    /// Returns the name of the key.
    pub(crate) fn name(&self) -> &str {
        let listed = self.key.and_then(ApiKey::name);
        let declared = self.declared.map(|declared| declared.name.as_str());
        declared.or(listed).unwrap_or_default()
    }

    /// Returns the action under which the key is shown and counted. A key that has a problem and needs no change counts as a problem.
    pub(crate) fn shown_action(&self) -> PlannedAction {
        match self.action {
            PlannedAction::None if self.has_problem() => PlannedAction::Problem,
            action => action,
        }
    }

    /// Returns true if the key has a problem.
    pub(crate) fn has_problem(&self) -> bool {
        self.action == PlannedAction::Problem || !self.problems.is_empty()
    }
}

impl Applied {
    /// Returns the name in JSON output.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::Failed(_) => "failed",
            Self::Left => "left",
            Self::NotTried => "not-tried",
        }
    }
}

impl Plan<'_> {
    /// Returns how many keys are counted under this action. Each key is counted once.
    pub(crate) fn count(&self, action: PlannedAction) -> usize {
        let keys = self.keys.iter();
        keys.filter(|key| key.shown_action() == action).count()
    }

    /// Returns how many keys have a problem.
    pub(crate) fn problems(&self) -> usize {
        self.keys.iter().filter(|key| key.has_problem()).count()
    }

    /// Returns true if a key is not as declared, or if the manifest does not declare a key of the fleet.
    pub(crate) fn differs(&self) -> bool {
        let differs =
            |action: PlannedAction| action.is_change() || action == PlannedAction::LeftOver;
        self.keys.iter().any(|key| differs(key.action))
    }
}
