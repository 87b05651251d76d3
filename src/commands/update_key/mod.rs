//! `update-key`: changes the fields of a key that differ from the request, and shows their values before and after.

mod description;
mod diff;
mod run;

pub(crate) use run::{Args, run};
