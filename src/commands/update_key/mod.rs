//! `update-key`: changes fields of a key, and shows their old and new values. Fields that already have the requested value are not sent.

mod description;
mod diff;
mod run;

pub(crate) use run::{Args, run};
