//! Verifies the manager's identity. Contains the trust policy of a run and the store of pinned public keys.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub(crate) mod pin_store;
pub(crate) mod policy;
