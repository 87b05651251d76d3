//! `delete-key`: deletes keys and verifies each deletion. All keys are looked up before the first is deleted.

mod report;
mod run;

pub(crate) use run::{Args, run};
