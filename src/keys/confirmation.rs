//! Confirms on the manager that the secret of a key of a fleet was delivered: its marker loses the word `pending`.

use super::update;
use crate::auth::session::Access;
use crate::error::Error;
use crate::journal::Record;
use crate::manager::{ApiKey, KeyChange};
use crate::mint::{FleetMark, without_marks};

/// Returns the description without the word `pending` in its marker, or `None` if the marker does not contain it.
pub(crate) fn confirmed(description: &str) -> Option<String> {
    let mark = FleetMark::of(description).filter(|mark| mark.pending)?;
    let mark = FleetMark {
        pending: false,
        ..mark
    };
    Some(mark.after(&without_marks(description)))
}

/// Confirms the delivery of the secret of a key. Does nothing for a key without the word `pending`.
///
/// # Errors
/// Returns an error if the key cannot be changed.
pub(crate) async fn confirm_delivery(key: &ApiKey, access: Access<'_>) -> Result<(), Error> {
    let description = confirmed(key.description().unwrap_or_default());
    if description.is_none() {
        return Ok(());
    }
    let change = KeyChange {
        description,
        ..KeyChange::default()
    };
    update::carry_out_despite_signal(key, &change, access).await?;
    Ok(())
}

/// Confirms the delivery of the secret of a key if the record of its run shows that the marker has the word `pending`.
///
/// # Errors
/// Returns an error if the key cannot be read or changed. The record stays on disk then, so that the delivery is confirmed later.
pub(crate) async fn confirm_recorded(
    record: &Record,
    id: i64,
    access: Access<'_>,
) -> Result<(), Error> {
    match record.pending {
        true => confirm_delivery(&access.signed_in.api_key(id).await?, access).await,
        false => Ok(()),
    }
}
