//! Updates the time of the last request in a record while the run sends requests.

use std::fs::File;
use std::time::Duration;

use super::folder::{folder, overwrite};
use super::record::Record;

/// Sends a request for a secret, and regularly updates the time in the record until the response arrives. The client may repeat the
/// request, for example after a response with status 429, and `recover` needs the time of the last attempt.
pub(crate) async fn refresh_while<T>(record: &Record, asking: impl Future<Output = T>) -> T {
    let mut asking = std::pin::pin!(asking);
    loop {
        tokio::select! {
            biased;
            answer = &mut asking => return answer,
            () = tokio::time::sleep(Duration::from_secs(1)) => refresh(record),
        }
    }
}

/// Writes the current time to the record as the time of the last request. An error is only logged, because its worst consequence is that a later
/// `recover` waits for less time than intended.
pub(crate) fn refresh(record: &Record) {
    if !record.progress.in_place {
        return;
    }
    let Some(folder) = folder() else { return };
    let noted = File::options()
        .write(true)
        .open(folder.path().join(record.file_name()))
        .and_then(|file| overwrite(&file, &record.head()));
    if let Err(error) = noted {
        log::info!("could not update the record of this run: {error}");
    }
}
