//! Records rejected sign-ins across runs, so that repeated runs do not lock an account.

mod guard;
mod guard_error;
mod record;
#[cfg(test)]
mod tests;

pub(crate) use guard::LockoutGuard;
pub(crate) use guard_error::{CodeAlreadyUsed, code_already_used};
