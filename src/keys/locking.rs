//! Locks and unlocks keys. All keys are looked up before the first key is changed.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::batch::{Batch, BatchWords, KeyResult, nothing_changed};
use super::document::{meta, print_key};
use super::key_meta::{KeyMeta, json_role_name};
use super::lookup::{self, KeyRef};
use super::own_key::Signer;
use super::roles::RoleNames;
use super::state::{State, describe};
use super::update::set_active;
use crate::auth::session;
use crate::auth::session::Access;
use crate::config::Settings;
use crate::context::{Context, Outcome};
use crate::error::Error;
use crate::expiry::format_time;
use crate::manager::ApiKey;
use crate::target::Target;
use crate::terminal::output::Format;

/// What to do with the keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockChange {
    Lock {
        /// Lock a key even if this run authenticates with it.
        force: bool,
    },
    Unlock,
}

/// A key that was locked or unlocked, or that already had the requested state.
struct ChangedKey {
    key: ApiKey,
    changed: bool,
    state: State,
    /// The name of the key's role, for JSON output.
    role: Option<String>,
    /// The manager's time after the change.
    now: DateTime<Utc>,
}

const LOCKING: BatchWords = BatchWords {
    verb: "lock",
    done: "locked",
};
const UNLOCKING: BatchWords = BatchWords {
    verb: "unlock",
    done: "unlocked",
};

impl LockChange {
    fn words(self) -> BatchWords {
        match self {
            Self::Lock { .. } => LOCKING,
            Self::Unlock => UNLOCKING,
        }
    }

    /// Returns the flags for a hint that suggests running this command again: ` --force`, or an empty text.
    fn flags(self) -> &'static str {
        match self {
            Self::Lock { force: true } => " --force",
            _ => "",
        }
    }

    /// Returns the text of the progress line.
    fn activity(self) -> &'static str {
        match self {
            Self::Lock { .. } => "locking keys",
            Self::Unlock => "unlocking keys",
        }
    }

    /// Returns true if the key already has the requested state.
    fn is_in_place(self, key: &ApiKey, state: State) -> bool {
        match self {
            Self::Lock { .. } => key.active() == Some(false),
            Self::Unlock => key.active() == Some(true) && !matches!(state, State::Locked(_)),
        }
    }
}

/// Locks or unlocks the keys that the KEY arguments select. The output for one argument is the key. The output for several arguments, and
/// TSV output, is a list of results.
///
/// # Errors
/// For one argument, returns the error of its key. For several arguments, returns a partial failure if only some of the keys were changed.
pub(crate) async fn run(
    keys: &[String],
    change: LockChange,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    for key in keys {
        KeyRef::read(key)?;
    }
    // TSV output is a table, even for a single key.
    if let [key] = keys
        && context.output.format() != Format::Tsv
    {
        return run_one(key, change, settings, context).await;
    }
    context.output.format().require_list()?;
    let target = Target::find(settings, context).await?;
    let batch = session::signed_in(&target, context, async |access| {
        let keys = look_up_all(keys, change, access).await?;
        change_all(keys, change, access).await
    })
    .await?;
    batch.finish(&target, context)?;
    Ok(Outcome::Done)
}

async fn run_one(
    key: &str,
    change: LockChange,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    let target = Target::find(settings, context).await?;
    let result = session::signed_in(&target, context, async |access| {
        let key = lookup::resolve(key, access).await?;
        refuse_own_keys(std::slice::from_ref(&key), change, access).await?;
        // The role's name is read before the change. If the run locks its own API key, the manager rejects the later requests of the run.
        let role = json_role_name(access, key.role_id()).await?;
        let changed = change_one(key, role, change, access).await;
        changed.map_err(|(_, error)| error)
    })
    .await?;
    if !warn(&result, change, context) {
        context.output.note(&result_text(&result, change));
    }
    print_one(&result, change, &target, context)?;
    Ok(Outcome::Done)
}

/// Prints the key. In JSON, the field `apiKeys` contains the key in the same form as in the output for several keys.
fn print_one(
    result: &ChangedKey,
    change: LockChange,
    target: &Target,
    context: &Context,
) -> Result<(), Error> {
    let key_result = key_result(result, change);
    let fields = json!({"changed": result.changed, "result": key_result.word()});
    let mut meta = meta(target, fields);
    result.meta().add_to(&mut meta);
    let mut fields = result.key.fields();
    if context.output.format() == Format::Json {
        fields.insert("apiKeys".to_owned(), json!([key_result.object()]));
    }
    print_key(&fields, meta, context)
}

/// Looks up all KEY arguments. A key that several arguments select is returned once.
async fn look_up_all(
    texts: &[String],
    change: LockChange,
    access: Access<'_>,
) -> Result<Vec<ApiKey>, Error> {
    let mut keys: Vec<ApiKey> = Vec::new();
    for text in texts {
        let key = lookup::resolve(text, access).await;
        let key = key.map_err(|error| nothing_changed(&error, change.words().done))?;
        if !keys.iter().any(|other| other.id == key.id) {
            keys.push(key);
        }
    }
    Ok(keys)
}

/// Checks that the API key that authenticates this run is not among the keys to be locked.
async fn refuse_own_keys(
    keys: &[ApiKey],
    change: LockChange,
    access: Access<'_>,
) -> Result<(), Error> {
    let now = access.signed_in.time();
    let mut affected = keys
        .iter()
        .filter(|key| !change.is_in_place(key, State::of(key, now)))
        .peekable();
    if change != (LockChange::Lock { force: false }) || affected.peek().is_none() {
        return Ok(());
    }
    let signer = Signer::ask(access).await?;
    for key in affected {
        signer.refuse_own_key(key, "locked")?;
    }
    Ok(())
}

async fn change_all(
    mut keys: Vec<ApiKey>,
    change: LockChange,
    access: Access<'_>,
) -> Result<Batch, Error> {
    refuse_own_keys(&keys, change, access).await?;
    if change == (LockChange::Lock { force: true }) {
        // The key that authenticates this run is locked last. Once this key is locked, the manager rejects all requests of this run.
        let signer = Signer::ask(access).await?;
        signer.move_own_key_last(&mut keys);
    }
    let roles = match access.context.output.format().is_json() {
        true => RoleNames::ask(access).await.unwrap_or_default(),
        false => RoleNames::default(),
    };
    let mut batch = Batch::new(change.words(), change.flags().to_owned());
    let total = keys.len();
    let step = (access.context.progress).begin_items(change.activity(), Some(total));
    let mut remaining = keys.into_iter();
    while let Some(key) = remaining.next() {
        step.set_done(total - remaining.len() - 1);
        if let Some(signal) = access.context.signals.received() {
            batch.skip([&key].into_iter().chain(remaining.as_slice()));
            return Err(batch.interrupted(signal));
        }
        let role = roles.get(key.role_id()).map(str::to_owned);
        match change_one(key, role, change, access).await {
            Ok(result) => {
                warn(&result, change, access.context);
                batch.push(key_result(&result, change));
            }
            Err((key, error)) => {
                if batch.fail(&key, error) {
                    batch.skip(remaining.as_slice());
                    break;
                }
            }
        }
    }
    Ok(batch)
}

/// Changes the key unless it already has the requested state.
async fn change_one(
    key: ApiKey,
    role: Option<String>,
    change: LockChange,
    access: Access<'_>,
) -> Result<ChangedKey, (ApiKey, Error)> {
    let now = || access.signed_in.time();
    let state = State::of(&key, now());
    let (key, changed) = if change.is_in_place(&key, state) {
        (key, false)
    } else {
        match set_active(&key, change == LockChange::Unlock, access).await {
            Ok(after) => (after, true),
            Err(error) => return Err((key, error)),
        }
    };
    let state = State::of(&key, now());
    Ok(ChangedKey {
        key,
        changed,
        state,
        role,
        now: now(),
    })
}

impl ChangedKey {
    fn meta(&self) -> KeyMeta<'_> {
        KeyMeta::of(&self.key, self.role.as_deref(), self.now)
    }
}

fn key_result(result: &ChangedKey, change: LockChange) -> KeyResult {
    let ChangedKey { key, changed, .. } = result;
    let outcome = match (change, changed) {
        (LockChange::Lock { .. }, true) => KeyResult::changed(key, "locked"),
        (LockChange::Lock { .. }, false) => KeyResult::unchanged(key, "was locked already"),
        (LockChange::Unlock, true) => KeyResult::changed(key, "unlocked"),
        (LockChange::Unlock, false) => KeyResult::unchanged(key, "was not locked"),
    };
    outcome.with_fields(key, &result.meta())
}

fn result_text(result: &ChangedKey, change: LockChange) -> String {
    let ChangedKey { key, changed, .. } = result;
    let name = describe(key);
    match (change, changed) {
        (LockChange::Lock { .. }, true) => format!("{name} is locked"),
        (LockChange::Lock { .. }, false) => format!("{name} is already locked"),
        (LockChange::Unlock, true) => format!("{name} was unlocked"),
        (LockChange::Unlock, false) => format!("{name} is not locked"),
    }
}

/// Warns if a key was unlocked but still cannot be used, for example because it has expired. Returns true if there was a warning.
fn warn(result: &ChangedKey, change: LockChange, context: &Context) -> bool {
    if change != LockChange::Unlock {
        return false;
    }
    let key = &result.key;
    let warning = match result.state {
        // Wrong secrets can also cause a lock. It is unknown whether an unlock request removes such a lock.
        State::Locked(Some(until)) => format!(
            "{} was unlocked, but wrong secrets were sent earlier, so the manager rejects the key until {}",
            describe(key),
            format_time(until)
        ),
        State::Expired => format!(
            "{} is not locked, but it has expired; run `swp-keys update-key {} --expires 90d` to set a new expiry",
            describe(key),
            key.id
        ),
        _ => return false,
    };
    context.output.warn(&warning);
    true
}
