//! The destinations of a declared key, ready for a delivery.

use std::path::Path;

use super::manager_run::ManagerRun;
use crate::context::Context;
use crate::delivery::SinkSpec;
use crate::error::{Error, ErrorKind};
use crate::fleet::manifest::{DeclaredKey, PlaceKind};
use crate::fleet::presence::{FoundSecret, in_file, in_variable, unusable_file};
use crate::mint::PreparedSinks;
use crate::storage::state_dir::make_private_folder;

/// Prepares the destinations of a key. A missing folder is created, so that only its owner has access to it.
///
/// # Errors
/// Returns a usage error that names the destination, or an interruption if a signal was received.
async fn prepare(key: &DeclaredKey, context: &Context) -> Result<PreparedSinks, Error> {
    let specs = key.places.iter().map(|place| match &place.kind {
        PlaceKind::File(path) => SinkSpec::File(path.clone()),
        PlaceKind::Dotenv { path, variable } => SinkSpec::Dotenv {
            path: path.clone(),
            variable: variable.clone(),
        },
        PlaceKind::Command(text) => SinkSpec::Command {
            text: text.clone(),
            time_limit: key.deliver_timeout,
        },
    });
    let specs: Vec<SinkSpec> = specs.collect();
    for spec in &specs {
        if let SinkSpec::File(path) | SinkSpec::Dotenv { path, .. } = spec {
            create_folder(path)?;
        }
    }
    let prepared = PreparedSinks::of(specs, context).await;
    prepared.map_err(|error| named_as_in_manifest(&error))
}

impl ManagerRun<'_> {
    /// Prepares the destinations of a key like [`prepare`], after it has checked that the secret replaces nothing but a secret. The content of a file may
    /// have changed since the plan was made.
    ///
    /// # Errors
    /// Returns a conflict if a file contains something other than a secret, and the errors of [`prepare`].
    pub(super) async fn prepare_places(&self, key: &DeclaredKey) -> Result<PreparedSinks, Error> {
        for place in key.places.iter().filter(|_| !self.options.no_look) {
            let found = match &place.kind {
                PlaceKind::File(path) => in_file(path),
                PlaceKind::Dotenv { path, variable } => in_variable(path, variable),
                PlaceKind::Command(_) => continue,
            };
            if let FoundSecret::NotKnown(reason) = found {
                let message = unusable_file(&place.label(), &reason);
                return Err(Error::new(ErrorKind::Conflict, message));
            }
        }
        prepare(key, self.access.context).await
    }
}

fn create_folder(path: &Path) -> Result<(), Error> {
    let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    else {
        return Ok(());
    };
    if folder.exists() {
        return Ok(());
    }
    make_private_folder(folder).map_err(|error| {
        Error::usage(
            format!("could not create the folder {}: {error}", folder.display()),
            "create the folder, or choose a different destination",
        )
    })
}

/// Returns the error with the name of the field instead of the name of the flag for the same destination.
fn named_as_in_manifest(error: &Error) -> Error {
    let text = |text: &str| text.replace("`--", "`");
    let renamed = Error::new(error.kind(), text(&error.to_string()));
    match error.next_step() {
        Some(hint) => renamed.hint(text(hint)),
        None => renamed,
    }
}
