//! What a seed stands for: a manager, the runs, what goes wrong between them, and when they are killed.

use std::time::Duration;

use swp_keys::sandbox::{AnswerFields, ErrorBody, SearchLag, SecretShape, Settings, StoredText};

use super::conditions::Surroundings;
use super::relay::Trouble;

/// The name that runs give their keys, where they do.
pub(super) const NAME: &str = "ci";
/// The same on a manager that alters names: with everything that may be altered.
const LONG_NAME: &str = "Night build (ci) of the whole Fleet";
/// The requests that the transaction consists of.
pub(super) const CREATE: &str = "POST /api/apikeys";
pub(super) const SEARCH: &str = "POST /api/apikeys/search";
pub(super) const RESET: &str = "POST /api/apikeys/*/secretkey";
pub(super) const DELETE: &str = "DELETE /api/apikeys/*";
/// Those of a rotation beside them: the old key is the first that there was.
pub(super) const CHANGE: &str = "POST /api/apikeys/1";
pub(super) const VIEW: &str = "GET /api/apikeys/1";
/// How long a run waits for one answer.
pub(super) const TIMEOUT: Duration = Duration::from_millis(400);
/// How long it looks for what became of a lost one. Every delay before the manager's work is shorter than the two together: what
/// is done after a client has stopped looking is something that no client can know of.
pub(super) const SETTLE: Duration = Duration::from_millis(900);

/// Everything that is decided before the first run starts.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) manager: Manager,
    /// How many keys of the name there are already.
    pub(super) existing: usize,
    pub(super) runs: Vec<Run>,
    /// All runs at once, from a machine each; else one after the other.
    pub(super) together: bool,
    /// The sandbox's own faults, as on its command line.
    pub(super) faults: Vec<String>,
    pub(super) recovery: Recovery,
}

/// What the contract leaves open.
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

/// One run of `create-key`, or of `rotate-key`.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// It puts a key in the place of the one that there is.
    pub(super) rotates: bool,
    /// Runs on one machine share their state folder and their way to the manager.
    pub(super) machine: usize,
    pub(super) naming: Naming,
    pub(super) if_exists: IfExists,
    pub(super) role_by_name: bool,
    pub(super) verify: bool,
    pub(super) sink: Sink,
    pub(super) breakage: Option<Breakage>,
    pub(super) troubles: Vec<Trouble>,
    pub(super) kill: Option<Kill>,
    pub(super) surroundings: Surroundings,
}

/// What the key is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// By the run.
    Default,
    /// By the user, with the run's mark in the description.
    Named,
    /// By the user, and without a mark.
    Unmarked,
}

/// `--if-exists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfExists {
    Fail,
    Skip,
    Rekey,
}

/// Where the secret is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sink {
    Stdout,
    /// stdout is a disk that is full.
    Full,
    File,
    TwoFiles,
    Dotenv,
    FileAndDotenv,
    Command,
    FileAndCommand,
    /// The command takes the secret and says no.
    FileAndRefusal,
    /// A dotenv file that other runs write to at the same time.
    Shared,
}

/// One place that a sink of the command line writes to.
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

/// What breaks a sink after it was prepared: when the request that makes the secret has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breakage {
    ReaderCloses,
    FolderRemoved,
    FolderBecomesFile,
    FileAppears,
}

/// Signals, and when.
#[derive(Clone, Debug)]
pub(super) struct Kill {
    pub(super) signals: Vec<Signal>,
    pub(super) point: Point,
}

/// What a run is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Hangup,
    Interrupt,
    Kill,
    Quit,
    Terminate,
    User1,
}

/// When a run is killed, as it shows from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// So long after its start.
    After(Duration),
    /// Its record is on disk.
    RecordExists,
    /// Its record has gone again.
    RecordRemoved,
    /// So many requests of this route have come in.
    Received(&'static str, usize),
    /// The layer holds bytes up.
    Held,
    /// The file for the secret is there.
    FileExists,
    /// Something came out of stdout.
    StdoutWritten,
}

/// How `recover` is called until nothing is left.
#[derive(Debug)]
pub(super) struct Recovery {
    /// Whether the first round suffers too.
    pub(super) troubles: Vec<Trouble>,
    pub(super) kill: Option<Kill>,
    pub(super) faults: Vec<String>,
    /// Of all its runs.
    pub(super) surroundings: Surroundings,
    /// The disk that got full is still full in the first round.
    pub(super) disk_is_full: bool,
    /// Somebody renamed the keys meanwhile.
    pub(super) keys_are_renamed: bool,
    /// The first way; the others follow in turn.
    pub(super) first: usize,
}

impl Scenario {
    /// One run with nothing going wrong, for whoever brings a fault of his own.
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
                troubles: Vec::new(),
                kill: None,
                surroundings: Surroundings::default(),
            }],
            together: false,
            faults: Vec::new(),
            recovery: Recovery {
                troubles: Vec::new(),
                kill: None,
                faults: Vec::new(),
                surroundings: Surroundings::default(),
                disk_is_full: false,
                keys_are_renamed: false,
                first: 0,
            },
        }
    }

    /// Whether somebody asked for a new secret of a key that exists.
    pub(super) fn rekeys(&self) -> bool {
        (self.runs.iter()).any(|run| run.if_exists == IfExists::Rekey)
    }

    /// The name that the runs ask for, where they do.
    pub(super) fn name(&self) -> &'static str {
        match self.manager.key_names {
            StoredText::Kept => NAME,
            _ => LONG_NAME,
        }
    }

    /// That name as the manager keeps it.
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

    /// The sandbox for it.
    pub(super) fn settings(&self) -> Settings {
        let mut settings = Settings {
            secret_shape: self.manager.secret_shape,
            // A manager takes the keys that it makes.
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
