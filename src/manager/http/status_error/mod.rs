//! Responses with an error status.

mod rules;
#[cfg(test)]
mod tests;

pub(crate) use rules::{ErrorBody, classify};
