//! What this program remembers of refused sign-ins, so that a loop of runs cannot lock an account.

mod guard;
mod record;
#[cfg(test)]
mod tests;

pub(crate) use guard::{CodeAlreadyUsed, LockoutGuard, code_already_used};
