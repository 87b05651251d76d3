//! Keeps the age of a record up to date while its run asks the manager.

use std::fs::File;
use std::time::Duration;

use super::folder::{folder, overwrite};
use super::record::Record;

/// Runs a request for a secret and refreshes the record meanwhile. The request may be repeated (after a 429, for example), and `recover`
/// counts the time from the last one.
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

/// Writes to the record that the manager is being asked now. If that fails, `recover` waits for a shorter time than it could.
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
