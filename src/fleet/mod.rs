//! Fleets: many keys, on one or several managers, that one file declares.
//!
//! The manager stores the state of a fleet. A key belongs to a fleet if the marker in its description names the fleet, so no file on this
//! machine has to be kept. What a listing did not show is unknown, and nothing is changed because of it.

pub(crate) mod manifest;
