//! What several commands do with keys and roles.

pub(crate) mod lookup;
pub(crate) mod own_key;
pub(crate) mod role_check;
pub(crate) mod role_names;
pub(crate) mod state;
pub(crate) mod update;
