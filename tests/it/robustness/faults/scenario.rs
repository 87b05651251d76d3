//! A scenario, which a seed determines: the manager, the runs, their faults, and the times of their kills.

use std::time::Duration;

use swp_keys::sandbox::{AnswerFields, ErrorBody, SearchLag, SecretShape, Settings, StoredText};

use super::conditions::RunConditions;
use super::relay::NetworkFault;

/// The name of the keys that runs create with `--name`.
pub(super) const NAME: &str = "ci";
/// The name on a manager that alters names. It contains everything that may be altered.
const LONG_NAME: &str = "Night build (ci) of the whole Fleet";
/// The requests of the transaction.
pub(super) const CREATE: &str = "POST /api/apikeys";
pub(super) const SEARCH: &str = "POST /api/apikeys/search";
pub(super) const RESET: &str = "POST /api/apikeys/*/secretkey";
pub(super) const DELETE: &str = "DELETE /api/apikeys/*";
/// The additional requests of a rotation. The old key has ID 1.
pub(super) const CHANGE: &str = "POST /api/apikeys/1";
pub(super) const VIEW: &str = "GET /api/apikeys/1";
/// How long a run waits for a response.
pub(super) const TIMEOUT: Duration = Duration::from_millis(400);
/// How long a run searches for the effect of a request whose response was lost. Every delay before the manager's work is shorter than both times
/// together, because no client can detect work that is done later.
pub(super) const SETTLE: Duration = Duration::from_millis(900);

/// Everything that is drawn before the first run starts.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) manager: Manager,
    /// The number of existing keys with the name.
    pub(super) existing: usize,
    pub(super) runs: Vec<Run>,
    /// Whether the runs are simultaneous and each has its own machine. If not, they run one after the other.
    pub(super) together: bool,
    /// The faults of the sandbox, in the form of its command line.
    pub(super) faults: Vec<String>,
    pub(super) recovery: Recovery,
}

/// The properties of the manager that the API contract leaves open.
#[derive(Debug)]
pub(super) struct Manager {
    pub(super) duplicate_name: Option<u16>,
    pub(super) session_keys: Option<u16>,
    pub(super) delete_missing: Option<u16>,
    pub(super) end_session: Option<u16>,
    pub(super) logout: Option<u16>,
    pub(super) secret_shape: SecretShape,
    pub(super) answer_fields: AnswerFields,
    pub(super) error_body: ErrorBody,
    pub(super) ignore_search: bool,
    pub(super) key_names: StoredText,
    pub(super) descriptions: StoredText,
    pub(super) search_lag: SearchLag,
}

/// One run of `create-key` or `rotate-key`.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Whether the run rotates the existing key.
    pub(super) rotates: bool,
    /// The machine of the run. Runs on one machine share a state folder and a relay.
    pub(super) machine: usize,
    pub(super) naming: Naming,
    pub(super) if_exists: IfExists,
    pub(super) role_by_name: bool,
    pub(super) verify: bool,
    pub(super) sink: Sink,
    pub(super) breakage: Option<Breakage>,
    pub(super) network_faults: Vec<NetworkFault>,
    pub(super) kill: Option<Kill>,
    pub(super) run_conditions: RunConditions,
}

/// How the key is named and marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// A name that the run generates.
    Default,
    /// A name from the user, with a marker in the description.
    Named,
    /// A name from the user, without a marker.
    Unmarked,
}

/// `--if-exists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfExists {
    Fail,
    Skip,
    Rekey,
}

/// The target of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sink {
    Stdout,
    /// stdout on a full disk.
    Full,
    File,
    TwoFiles,
    Dotenv,
    FileAndDotenv,
    Command,
    FileAndCommand,
    /// The command reads the secret and then fails.
    FileAndRefusal,
    /// A dotenv file that several runs write to at the same time.
    Shared,
}

/// One target of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    File,
    Dotenv,
    Command,
    Refusal,
    Shared,
}

impl Sink {
    pub(super) fn places(self) -> &'static [Place] {
        match self {
            Self::Stdout | Self::Full => &[],
            Self::File => &[Place::File],
            Self::TwoFiles => &[Place::File, Place::File],
            Self::Dotenv => &[Place::Dotenv],
            Self::FileAndDotenv => &[Place::File, Place::Dotenv],
            Self::Command => &[Place::Command],
            Self::FileAndCommand => &[Place::File, Place::Command],
            Self::FileAndRefusal => &[Place::File, Place::Refusal],
            Self::Shared => &[Place::Shared],
        }
    }
}

/// How a prepared sink is broken when the manager has received the create or reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breakage {
    ReaderCloses,
    FolderRemoved,
    FolderBecomesFile,
    FileAppears,
}

/// Signals and their time.
#[derive(Clone, Debug)]
pub(super) struct Kill {
    pub(super) signals: Vec<Signal>,
    pub(super) point: Point,
}

/// A signal to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Hangup,
    Interrupt,
    Kill,
    Quit,
    Terminate,
    User1,
}

/// The observable event at which a run is killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// This long after the start.
    After(Duration),
    /// The record of the run exists.
    RecordExists,
    /// The record of the run was removed.
    RecordRemoved,
    /// The manager has received this many requests of this route.
    Received(&'static str, usize),
    /// The relay holds bytes.
    Held,
    /// The file for the secret exists.
    FileExists,
    /// The run has written to stdout.
    StdoutWritten,
}

/// How `recover` is run.
#[derive(Debug)]
pub(super) struct Recovery {
    /// The network faults of the first round.
    pub(super) network_faults: Vec<NetworkFault>,
    pub(super) kill: Option<Kill>,
    pub(super) faults: Vec<String>,
    /// The conditions of all rounds.
    pub(super) run_conditions: RunConditions,
    /// Whether a full disk is still full in the first round.
    pub(super) disk_is_full: bool,
    /// Whether the keys are renamed before the recovery.
    pub(super) keys_are_renamed: bool,
    /// The first way to recover. The others follow in turn.
    pub(super) first: usize,
}

impl Scenario {
    /// A scenario of one run without faults.
    pub(super) fn without_faults(sink: Sink) -> Self {
        Self {
            manager: Manager::usual(),
            existing: 0,
            runs: vec![Run {
                rotates: false,
                machine: 0,
                naming: Naming::Default,
                if_exists: IfExists::Fail,
                role_by_name: false,
                verify: false,
                sink,
                breakage: None,
                network_faults: Vec::new(),
                kill: None,
                run_conditions: RunConditions::default(),
            }],
            together: false,
            faults: Vec::new(),
            recovery: Recovery {
                network_faults: Vec::new(),
                kill: None,
                faults: Vec::new(),
                run_conditions: RunConditions::default(),
                disk_is_full: false,
                keys_are_renamed: false,
                first: 0,
            },
        }
    }

    /// Returns true if a run resets an existing key.
    pub(super) fn rekeys(&self) -> bool {
        (self.runs.iter()).any(|run| run.if_exists == IfExists::Rekey)
    }

    /// Returns the name that the runs request.
    pub(super) fn name(&self) -> &'static str {
        match self.manager.key_names {
            StoredText::Kept => NAME,
            _ => LONG_NAME,
        }
    }

    /// Returns the name that the manager stores.
    pub(super) fn stored_name(&self) -> String {
        let name = self.name();
        match self.manager.key_names {
            StoredText::Upper => name.to_uppercase(),
            StoredText::Lower => name.to_lowercase(),
            StoredText::NoBlanks => name.replace(' ', ""),
            StoredText::NoBrackets => name.replace(['(', ')'], ""),
            StoredText::Cut => name.chars().take(24).collect(),
            StoredText::Kept | StoredText::Dropped => name.to_owned(),
        }
    }

    /// Returns the settings of the sandbox.
    pub(super) fn settings(&self) -> Settings {
        let mut settings = Settings {
            secret_shape: self.manager.secret_shape,
            // A manager must accept the keys that it creates.
            cloud_one: self.manager.secret_shape == SecretShape::CloudOne,
            sessions_max: 100,
            rate_limit: None,
            ..Settings::default()
        };
        let unknowns = &mut settings.unknowns;
        unknowns.duplicate_name = self.manager.duplicate_name;
        unknowns.session_keys = self.manager.session_keys;
        unknowns.delete_missing = self.manager.delete_missing;
        unknowns.end_session = self.manager.end_session;
        unknowns.logout = self.manager.logout;
        unknowns.answer_fields = self.manager.answer_fields;
        unknowns.error_body = self.manager.error_body;
        unknowns.ignore_search = self.manager.ignore_search;
        unknowns.key_names = self.manager.key_names;
        unknowns.descriptions = self.manager.descriptions;
        unknowns.search_lag = self.manager.search_lag;
        settings
    }
}

impl Manager {
    pub(super) fn usual() -> Self {
        Self {
            duplicate_name: None,
            session_keys: None,
            delete_missing: Some(404),
            end_session: None,
            logout: None,
            secret_shape: SecretShape::IdBase64,
            answer_fields: AnswerFields::Usual,
            error_body: ErrorBody::Message,
            ignore_search: false,
            key_names: StoredText::Kept,
            descriptions: StoredText::Kept,
            search_lag: SearchLag::None,
        }
    }
}
