//! The help pages: an overview, one page for each command, and one page for the flags that every command accepts.

mod examples;
mod overview;
mod page;

pub(crate) use examples::with_examples;
pub(crate) use overview::{OVERVIEW, of_program};
pub(crate) use page::{OPTIONS, of_command, of_options};
