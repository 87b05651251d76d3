//! Deletes keys, and checks that the manager no longer shows them.

use super::state::describe;
use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::manager::ApiKey;
use crate::mint;
use crate::mint::REFUSAL_WAIT;
use crate::mint::poll::Poll;
use crate::process::pending::PendingWork;

/// The flag that hints add, after a space.
pub(crate) const IF_MISSING: &str = " --if-missing ok";

/// Deletes a key, and verifies that it no longer exists. A first signal does not interrupt the deletion. A second signal ends the run.
///
/// `is_own` is true if the key authenticates this run. `done_so_far` lists what the run has already done. It is appended to the error of a run that
/// is aborted.
///
/// # Errors
/// Returns an error if the key still exists, or if it is unknown whether the key exists.
pub(crate) async fn delete(
    key: &ApiKey,
    is_own: bool,
    done_so_far: &str,
    access: Access<'_>,
) -> Result<(), Error> {
    let _pending = access.context.pending.add(PendingWork::change(
        format!("{} may have been deleted{done_so_far}", describe(key)),
        key.id,
    ));
    // If the manager is unreachable, the run waits less than the settle timeout (the longest wait for a delayed change), because the user can repeat
    // the command.
    let wait = access.target.settle_timeout.min(REFUSAL_WAIT);
    let response = mint::delete(access, key.id, wait).await;
    let result = verify_gone(key, response, is_own, access).await;
    result.map_err(|error| error.key(key.id))
}

/// Requests the key again to verify that it no longer exists. The key is also requested if the deletion seems to have failed, because the manager may
/// have deleted it.
///
/// # Errors
/// Returns an error if the key still exists, or if it is unknown whether the key exists.
async fn verify_gone(
    key: &ApiKey,
    response: Result<(), Error>,
    own: bool,
    access: Access<'_>,
) -> Result<(), Error> {
    let mut poll = Poll::new(access.target.settle_timeout.min(REFUSAL_WAIT));
    loop {
        let exists = access
            .signed_in
            .key_exists(key.id)
            .await
            .map_err(Error::from);
        match (exists, &response) {
            (Ok(false), _) => return Ok(()),
            // The deleted key authenticates this run. The manager accepted the key before the deletion and rejects it now, so the key was deleted.
            (Err(why), _) if own && why.kind() == ErrorKind::SignIn => return Ok(()),
            (Err(_), Err(error)) if was_refused(error.kind()) => return Err(error.clone()),
            // No further request is sent, because the manager may lock a key whose secret it has rejected repeatedly.
            (Err(why), _) if why.kind() == ErrorKind::SignIn => {
                return Err(unknown(key, &response, &why, access));
            }
            // The manager is still unreachable. The deletion was already repeated until the time limit, so the run does not wait a second time.
            (Err(why), Err(error))
                if why.kind() == ErrorKind::Unreachable
                    && error.kind() == ErrorKind::Unreachable =>
            {
                return Err(unknown(key, &response, &why, access));
            }
            (Err(why), _) if !poll.wait().await => {
                return Err(unknown(key, &response, &why, access));
            }
            (Ok(true), Err(error)) => return Err(error.clone()),
            (Ok(true), Ok(())) if !poll.wait().await => {
                return Err(Error::unexpected(format!(
                    "the manager reported success, but {} still exists",
                    describe(key)
                ))
                .hint(format!(
                    "run `swp-keys lock-key {}` to lock the key, then check it in the manager's console",
                    key.id
                )));
            }
            _ => {}
        }
    }
}

fn was_refused(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::SignIn | ErrorKind::Forbidden | ErrorKind::Trust
    )
}

fn unknown(key: &ApiKey, response: &Result<(), Error>, why: &Error, access: Access<'_>) -> Error {
    let answer = match response {
        Ok(()) => "the manager reported success".to_owned(),
        Err(error) => error.to_string(),
    };
    let message = format!(
        "{answer}; it is unknown whether {} was deleted: {why}",
        describe(key)
    );
    let error = Error::new(ErrorKind::Attention, message).hint(format!(
        "run `swp-keys delete-key {}{}{IF_MISSING}` to make sure that the key is deleted",
        key.id,
        access.context.yes_flag()
    ));
    error.caused_by(why.kind())
}
