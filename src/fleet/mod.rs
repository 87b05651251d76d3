//! Fleets: many keys that one file declares.
//!
//! The manager stores the state of a fleet. A key belongs to a fleet if the marker in its description names the fleet, so no file on this
//! machine has to be kept. What a listing did not show is unknown, and nothing is changed because of it.

mod apply;
mod export;
mod flags;
mod inventory;
mod lock;
mod look;
pub(crate) mod manifest;
pub(crate) mod plan;
pub(crate) mod presence;
mod report;
mod results;
mod selection;
mod sessions;

pub(crate) use apply::{ApplyOptions, ManagerRun};
pub(crate) use export::export;
pub(crate) use flags::FleetFlags;
pub(crate) use inventory::list_keys;
pub(crate) use lock::lock;
pub(crate) use look::{Found, Looked};
pub(crate) use report::FleetReport;
pub(crate) use results::ManagerResults;
pub(crate) use selection::{DeclaredManager, managers, read_manifest, targets};
pub(crate) use sessions::{LocalFuture, OpenSessions, SignInQueue, WorkOnManagers};
