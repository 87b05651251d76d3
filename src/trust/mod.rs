//! How a run verifies the manager: the policy, and the store of pinned keys.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub(crate) mod pin_store;
pub(crate) mod policy;
