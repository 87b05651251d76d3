//! Taking a key back that a run made and nobody got: "deleted again" is said only where the manager does not show it any more.

use std::time::Duration;

use super::outcome::of_delete;
use crate::context::Context;
use crate::error::Error;
use crate::looks::Looks;
use crate::manager::SignedIn;

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(5);

/// Deletes the key, and looks whether the manager has it all the same.
///
/// # Errors
/// Where it may be there still.
pub(crate) async fn take_back(
    context: &Context,
    signed_in: &SignedIn,
    id: i64,
    name: &str,
) -> Result<(), Error> {
    let wait = context.settings.settle_timeout;
    let mut looks = Looks::new(wait);
    loop {
        of_delete(signed_in, id, name, wait).await?;
        if !is_still_there(signed_in, id).await {
            return Ok(());
        }
        if !looks.again().await {
            return Err(Error::unexpected(
                "the manager says that it deleted it, and has it all the same",
            ));
        }
    }
}

/// A manager that shows a key did not delete it, whatever it says. One that does not let itself be looked at is believed.
async fn is_still_there(signed_in: &SignedIn, id: i64) -> bool {
    let shown = tokio::time::timeout(LOOK, signed_in.api_key(id)).await;
    shown.is_ok_and(|shown| shown.is_ok_and(|key| key.id == id))
}
