//! How a run recognizes its own key: by its ID, then by its marker, and by its name last.

mod altered_fields;
mod copies;
mod duplicates;
mod fixtures;
mod not_found;
mod refusals;
mod renames;
mod search_lag;
mod wrong_answers;
