//! Functions for keys and roles that several commands use.

pub(crate) mod administrator;
pub(crate) mod batch;
pub(crate) mod comparison;
pub(crate) mod confirmation;
pub(crate) mod deletion;
pub(crate) mod document;
pub(crate) mod expiry_check;
pub(crate) mod fleet_note;
pub(crate) mod key_meta;
pub(crate) mod key_report;
pub(crate) mod locking;
pub(crate) mod lookup;
pub(crate) mod naming;
pub(crate) mod own_key;
mod refusal;
pub(crate) mod role_check;
pub(crate) mod roles;
pub(crate) mod state;
pub(crate) mod table;
pub(crate) mod times;
pub(crate) mod update;
