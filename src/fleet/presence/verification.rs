//! Uses the secrets that were found at the destinations.

use std::cell::RefCell;
use std::collections::HashMap;

use super::look::SecretStates;
use super::secret_check::{SecretChecks, SecretUse};
use super::state::{Presence, SecretState};
use crate::error::{Error, ErrorKind};
use crate::process::concurrency::run_all;

/// How many secrets are used at the same time.
const AT_ONCE: usize = 4;

/// A declared key whose secret is used.
pub(crate) struct KeyToVerify<'a> {
    /// The declared name.
    pub(crate) name: &'a str,
    /// The ID of the key. `None` if several keys have the name.
    pub(crate) id: Option<i64>,
    /// Why the secret must not be used. `None` if it may be used.
    pub(crate) obstacle: Option<&'static str>,
}

/// Uses each secret that was read from a destination of these keys, and sets its state.
///
/// # Errors
/// Returns an error if a signal arrives.
pub(crate) async fn verify(
    keys: &[KeyToVerify<'_>],
    states: &mut SecretStates,
    checks: &SecretChecks<'_>,
) -> Result<(), Error> {
    let keys: HashMap<&str, &KeyToVerify<'_>> = keys.iter().map(|key| (key.name, key)).collect();
    let found = states.iter_mut().filter_map(|(name, states)| {
        let key = *keys.get(name.as_str())?;
        Some(states.iter_mut().map(move |state| (key, state)))
    });
    let mut found = found.flatten();
    let interruption = RefCell::new(None);
    run_all(AT_ONCE, &mut || {
        if interruption.borrow().is_some() {
            return None;
        }
        let (key, state) = found.next()?;
        Some(Box::pin(async {
            if let Err(error) = verify_one(key, state, checks).await {
                *interruption.borrow_mut() = Some(error);
            }
        }))
    })
    .await;
    interruption.take().map_or(Ok(()), Err)
}

async fn verify_one(
    key: &KeyToVerify<'_>,
    state: &mut SecretState,
    checks: &SecretChecks<'_>,
) -> Result<(), Error> {
    let secret = state.secret.take();
    if state.presence != Presence::There {
        return Ok(());
    }
    state.presence = match (secret, key.obstacle) {
        (_, Some(obstacle)) => {
            Presence::NotKnown(format!("the secret was not used, because {obstacle}"))
        }
        (None, None) => Presence::NotKnown(
            "`check-cmd` does not print the secret, so it was not used".to_owned(),
        ),
        (Some(secret), None) => match checks.check(&secret, key.id).await {
            Ok(used) => presence_of(used, key.id),
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted(_)) => return Err(error),
            Err(error) => Presence::NotKnown(error.to_string()),
        },
    };
    Ok(())
}

fn presence_of(used: SecretUse, id: Option<i64>) -> Presence {
    match (used, id.and_then(|id| used.other_key(id))) {
        (_, Some(other)) => Presence::OfOtherKey(other),
        (SecretUse::Works(owner), None) => Presence::Works(owner),
        (SecretUse::Rejected | SecretUse::RejectedOf(_), None) => Presence::Rejected,
    }
}
