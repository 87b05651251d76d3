//! From settings to a signed-in manager.

pub(crate) mod first_use;
pub(crate) mod input;
pub(crate) mod key_check;
pub(crate) mod lockout;
pub(crate) mod password;
pub(crate) mod saved;
pub(crate) mod secret_source;
pub(crate) mod session_limit;
pub(crate) mod sign_in;
