//! `create-key`: finds the role, creates a key, and delivers its secret.

mod args;
mod ensure;
mod existing;
mod guided;
mod plan;
mod profile_offer;
mod report;
mod role_question;
mod run;

pub(crate) use args::Args;
pub(crate) use run::run;
