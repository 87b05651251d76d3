//! `delete-key`: deletes keys and verifies each deletion. All keys are looked up before the first key is deleted.

mod report;
mod run;

pub(crate) use run::{Args, run};
