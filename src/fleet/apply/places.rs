//! The destinations of a declared key, ready for a delivery.

use std::path::Path;

use crate::context::Context;
use crate::delivery::SinkSpec;
use crate::error::Error;
use crate::fleet::manifest::{DeclaredKey, PlaceKind};
use crate::mint::PreparedSinks;
use crate::storage::state_dir::make_private_folder;

/// Prepares the destinations of a key. A missing folder is created, so that only its owner has access to it.
///
/// # Errors
/// Returns a usage error that names the destination, or an interruption if a signal was received.
pub(super) async fn prepare(key: &DeclaredKey, context: &Context) -> Result<PreparedSinks, Error> {
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
