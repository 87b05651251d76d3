//! Edits the text of a dotenv file.

mod edit;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use edit::{assigned, check, set, unset};
