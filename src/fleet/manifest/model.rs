//! What a manifest declares.

use std::path::PathBuf;
use std::time::Duration;

use crate::expiry::Expiry;
use crate::process::external_command::ExternalCommand;

/// A manifest without problems.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// The name of the fleet.
    pub(crate) fleet: String,
    /// The keys, in the order of the file. A key that is declared on several managers occurs once for each of them.
    pub(crate) keys: Vec<DeclaredKey>,
}

/// The profiles that `on` may name.
pub(crate) struct KnownProfiles {
    /// The settings file, for messages.
    pub(crate) file: String,
    /// The names of its profiles.
    pub(crate) names: Vec<String>,
}

/// The manager and the tenant of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TargetName {
    /// The profile of the settings file.
    pub(crate) profile: String,
    /// The tenant that is reached through the manager of the profile.
    pub(crate) tenant: Option<TenantName>,
}

/// A tenant in `on`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum TenantName {
    /// The tenant with this name.
    Named(String),
    /// Every active tenant (`*`).
    EveryActive,
}

/// A key that the manifest declares on one manager.
#[derive(Debug, Clone)]
pub(crate) struct DeclaredKey {
    /// The line of the key in the manifest.
    pub(crate) line: usize,
    /// The manager, or `None` for the manager that flags, variables or the default profile select.
    pub(crate) target: Option<TargetName>,
    pub(crate) name: String,
    pub(crate) role: DeclaredRole,
    /// If true, the role may grant every right.
    pub(crate) allow_full_access: bool,
    /// The description without the marker. If this or one of the following fields is `None`, the field of the key is not managed.
    pub(crate) description: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) time_zone: Option<String>,
    pub(crate) expires: Expiry,
    /// `expires` as the manifest has it, for display.
    pub(crate) expires_text: String,
    pub(crate) locked: Option<bool>,
    /// When the key is rotated, or `None` if it is not rotated by its age.
    pub(crate) rotation: Option<RotationRule>,
    /// How long the old key works after a rotation.
    pub(crate) overlap: Duration,
    /// The destinations of the secret.
    pub(crate) places: Vec<DeclaredPlace>,
    /// The maximum duration of a `deliver-cmd`.
    pub(crate) deliver_timeout: Duration,
    /// The command that shows whether a `deliver-cmd` has stored the secret.
    pub(crate) readback: Option<Readback>,
    /// What happens if the secret is missing.
    pub(crate) on_missing: OnMissing,
    /// Whether an existing key with this name becomes a key of the fleet.
    pub(crate) adopt: Adopt,
    /// The former name of the key.
    pub(crate) was: Option<String>,
    /// The destinations for the former name, in the order of the destinations. Empty if there is no former name.
    pub(crate) former_places: Vec<DeclaredPlace>,
}

/// The role of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeclaredRole {
    /// The role with this exact name.
    Name(String),
    /// The role with this ID.
    Id(i64),
}

/// The age at which a key is rotated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RotationRule {
    /// The age, which is always a duration.
    pub(crate) age: Expiry,
    /// The age as the manifest has it, for display.
    pub(crate) text: String,
}

/// A destination of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeclaredPlace {
    /// The path or the command as the manifest has it, with its placeholders filled in.
    pub(crate) text: String,
    /// What the secret is delivered to.
    pub(crate) kind: PlaceKind,
}

/// The kind of a destination.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum PlaceKind {
    /// The file that `out-file` names.
    File(PathBuf),
    /// A variable in the file that `dotenv` names.
    Dotenv {
        /// The file.
        path: PathBuf,
        /// The variable (`env-name`).
        variable: String,
    },
    /// The command `deliver-cmd`.
    Command(String),
}

/// A command that looks for a delivered secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readback {
    /// `read-cmd`, which prints the secret.
    Read(String),
    /// `check-cmd`, whose output is discarded.
    Check(String),
}

/// What happens if the secret of a key is missing at a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum OnMissing {
    /// It is reported, and nothing is changed.
    #[default]
    Report,
    /// The key is rotated, so the old secret works during the overlap.
    Rotate,
    /// The secret is reset, so the old secret stops working at once.
    Rekey,
}

/// Whether an existing key becomes a key of the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Adopt {
    /// It does not.
    #[default]
    No,
    /// A key without a marker of a fleet does.
    Unowned,
    /// A key of this other fleet does.
    FromFleet(String),
}

impl DeclaredPlace {
    /// Returns the destination for display. The arguments of a command are left out, because they may contain passwords.
    pub(crate) fn label(&self) -> String {
        match &self.kind {
            PlaceKind::File(_) => self.text.clone(),
            PlaceKind::Dotenv { variable, .. } => format!("{variable} in {}", self.text),
            PlaceKind::Command(_) => match ExternalCommand::parse(&self.text) {
                Ok(parsed) => format!("the command `{}`", parsed.program),
                Err(_) => "the command".to_owned(),
            },
        }
    }
}
