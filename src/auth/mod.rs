//! Signs in to a manager with credentials that the settings contain, that `login` saved, or that the user types at a prompt.

pub(crate) mod certificate_text;
pub(crate) mod connect;
pub(crate) mod first_use;
mod input;
pub(crate) mod key_check;
pub(crate) mod key_header;
mod lockout;
pub(crate) mod login_input;
pub(crate) mod method;
pub(crate) mod password;
pub(crate) mod saved;
pub(crate) mod secret_source;
pub(crate) mod session;
mod session_limit;
pub(crate) mod sign_in;
