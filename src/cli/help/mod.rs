//! The help pages: an overview, one page for each command, and one page for the flags that every command accepts.

mod examples;
mod overview;
mod page;

pub(crate) use examples::examples_of;
pub(crate) use overview::{OVERVIEW, examples_of_program, of_program, related};
pub(crate) use page::{OPTIONS, of_command, of_options};
