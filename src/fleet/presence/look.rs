//! Looks at the destinations of secrets.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::command::{CommandLook, TIME_LIMIT};
use super::file::{in_file, in_variable};
use super::state::{Presence, SecretState};
use crate::context::Context;
use crate::delivery::missing_program;
use crate::error::Error;
use crate::fleet::manifest::{DeclaredKey, DeclaredPlace, PlaceKind, Readback};
use crate::manager::named_key;
use crate::secret::Secret;

/// How many commands run at the same time.
const AT_ONCE: usize = 8;

/// What is known of the secrets, by the name of the key.
pub(crate) type SecretStates = HashMap<String, Vec<SecretState>>;

/// A key whose destinations are looked at.
#[derive(Clone, Copy)]
pub(crate) struct KeyToLookAt<'a> {
    pub(crate) declared: &'a DeclaredKey,
    /// The ID of the key, if it exists.
    pub(crate) id: Option<i64>,
    /// True if the secret is read in order to use it.
    pub(crate) reads_secret: bool,
    /// True if `read-cmd` or `check-cmd` is run.
    pub(crate) runs_command: bool,
}

/// Returns what is known of the secret of each key. If a secret will be used, the result contains it.
///
/// # Errors
/// Returns an error if a signal arrives.
pub(crate) async fn look_at(
    keys: &[KeyToLookAt<'_>],
    context: &Context,
) -> Result<SecretStates, Error> {
    let step = (context.progress).begin_items("checking the destinations", Some(keys.len()));
    let mut found = SecretStates::with_capacity(keys.len());
    let mut running = JoinSet::new();
    let free = Arc::new(Semaphore::new(AT_ONCE));
    for (index, key) in keys.iter().enumerate() {
        let declared = key.declared;
        let states = declared.places.iter().enumerate();
        let states = states.map(|(place_index, place)| {
            let mut state = state_of(place, *key);
            if state.presence == Presence::Missing {
                state.former_place = former_place(place, place_index, *key);
            }
            state
        });
        found.insert(declared.name.clone(), states.collect());
        if let Some(look) = command_look(*key).filter(|_| key.runs_command) {
            let free = Arc::clone(&free);
            running.spawn(async move {
                // The semaphore is never closed.
                let _permit = free.acquire().await;
                (index, look.run().await)
            });
        }
        step.set_done(index + 1 - running.len());
    }
    let reading = async {
        while let Some(done) = running.join_next().await {
            let Ok((index, (presence, secret))) = done else {
                continue;
            };
            if let Some(key) = keys.get(index) {
                let states = found.entry(key.declared.name.clone()).or_default();
                set_commands(states, *key, &presence, secret.as_ref());
            }
            step.set_done(keys.len() - running.len());
        }
        Ok(())
    };
    context.signals.cancel(reading).await?;
    Ok(found)
}

/// Returns the command that looks for the secret of a key.
fn command_look(key: KeyToLookAt<'_>) -> Option<CommandLook> {
    let (command, is_secret_printed) = match key.declared.readback.as_ref()? {
        Readback::Read(command) => (command, true),
        Readback::Check(command) => (command, false),
    };
    Some(CommandLook {
        command: command.clone(),
        time_limit: TIME_LIMIT,
        prints_secret: is_secret_printed,
        uses_secret: key.reads_secret,
    })
}

/// Looks at a file. A command is looked at later.
fn state_of(place: &DeclaredPlace, key: KeyToLookAt<'_>) -> SecretState {
    let found = match &place.kind {
        PlaceKind::File(path) => in_file(path),
        PlaceKind::Dotenv { path, variable } => in_variable(path, variable),
        PlaceKind::Command(command) => {
            let has_readback = key.declared.readback.is_some();
            let reason = match has_readback {
                true => "the command was not run",
                false => "neither `read-cmd` nor `check-cmd` is set",
            };
            let presence = Presence::NotKnown(reason.to_owned());
            return SecretState {
                is_reported: has_readback || key.reads_secret,
                defect: missing_program(command)
                    .map(|name| format!("the program `{name}` of `deliver-cmd` was not found")),
                ..SecretState::new(place.label(), presence, true)
            };
        }
    };
    let (presence, secret) = found.into_presence();
    let mut state = SecretState::new(place.label(), presence, false);
    key.add(secret, &mut state);
    state
}

/// Returns the destination for the former name of the key, if it has a secret that may be the secret of the key.
fn former_place(place: &DeclaredPlace, index: usize, key: KeyToLookAt<'_>) -> Option<String> {
    let former = key.declared.former_places.get(index)?;
    let found = match &former.kind {
        _ if former == place => return None,
        PlaceKind::File(path) => in_file(path),
        PlaceKind::Dotenv { path, variable } => in_variable(path, variable),
        PlaceKind::Command(_) => return None,
    };
    let secret = found.into_presence().1?;
    let named = named_key(&secret);
    (named.is_none() || named == key.id).then(|| former.label())
}

impl KeyToLookAt<'_> {
    /// Keeps the secret if it will be used. Otherwise, only checks which key it names.
    fn add(self, secret: Option<Secret>, state: &mut SecretState) {
        let named = secret.as_ref().and_then(named_key);
        match (named, self.id) {
            _ if self.reads_secret => state.secret = secret,
            (Some(named), id) if Some(named) != id => {
                state.presence = Presence::NamesOtherKey(named)
            }
            _ => {}
        }
    }
}

/// Sets the state of the destinations that are commands.
fn set_commands(
    states: &mut [SecretState],
    key: KeyToLookAt<'_>,
    presence: &Presence,
    secret: Option<&Secret>,
) {
    for state in states.iter_mut().filter(|state| state.is_command) {
        state.presence = presence.clone();
        key.add(secret.cloned(), state);
    }
}
