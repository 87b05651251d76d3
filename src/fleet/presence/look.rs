//! Looks at all destinations of the declared keys.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::command::of_command;
use super::file::{in_file, in_variable};
use super::state::{Presence, SecretState};
use crate::context::Context;
use crate::error::Error;
use crate::fleet::manifest::{DeclaredKey, DeclaredPlace, PlaceKind, Readback};

/// How many commands run at the same time.
const AT_ONCE: usize = 8;

/// Returns what is known of the secret of each key, by the name of the key.
///
/// # Errors
/// Returns an error if a signal arrives.
pub(crate) async fn look_at(
    keys: &[&DeclaredKey],
    context: &Context,
) -> Result<HashMap<String, Vec<SecretState>>, Error> {
    let step = (context.progress).begin_items("checking the destinations", Some(keys.len()));
    let mut found: HashMap<String, Vec<SecretState>> = HashMap::with_capacity(keys.len());
    let mut running = JoinSet::new();
    let free = Arc::new(Semaphore::new(AT_ONCE));
    for (index, key) in keys.iter().enumerate() {
        let states = key.places.iter().map(|place| state_of(place, key));
        found.insert(key.name.clone(), states.collect());
        if let Some(Readback::Read(command) | Readback::Check(command)) = &key.readback {
            let (command, free) = (command.clone(), Arc::clone(&free));
            running.spawn(async move {
                // The semaphore is never closed.
                let _permit = free.acquire().await;
                (index, of_command(command).await)
            });
        }
        step.set_done(index + 1 - running.len());
    }
    let reading = async {
        while let Some(done) = running.join_next().await {
            let Ok((index, presence)) = done else {
                continue;
            };
            if let Some(key) = keys.get(index) {
                set_commands(found.entry(key.name.clone()).or_default(), &presence);
            }
            step.set_done(keys.len() - running.len());
        }
        Ok(())
    };
    context.signals.cancel(reading).await?;
    Ok(found)
}

/// Looks at a file. A command is looked at later.
fn state_of(place: &DeclaredPlace, key: &DeclaredKey) -> SecretState {
    let presence = match &place.kind {
        PlaceKind::File(path) => in_file(path).presence(),
        PlaceKind::Dotenv { path, variable } => in_variable(path, variable).presence(),
        PlaceKind::Command(_) if key.readback.is_some() => {
            Presence::NotKnown("the command was not run".to_owned())
        }
        PlaceKind::Command(_) => {
            Presence::NotKnown("neither `read-cmd` nor `check-cmd` is set".to_owned())
        }
    };
    SecretState {
        place: place.label(),
        presence,
        is_command: matches!(place.kind, PlaceKind::Command(_)),
    }
}

/// Sets the state of the destinations that are commands.
fn set_commands(states: &mut [SecretState], presence: &Presence) {
    for state in states.iter_mut().filter(|state| state.is_command) {
        state.presence = presence.clone();
    }
}
