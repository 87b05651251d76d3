//! Parses the address of a manager.

pub(crate) mod host;
mod manager_address;
mod other_service;
mod parser;
#[cfg(test)]
mod tests;

pub(crate) use manager_address::Address;
pub(crate) use other_service::KEY_PAGE;
