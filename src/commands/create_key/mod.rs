//! `create-key`: sign in, resolve the role, create the key, deliver its secret.

mod args;
mod plan;
mod report;

pub(crate) use args::Args;
pub(crate) use plan::run;
