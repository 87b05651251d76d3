//! The help pages: the overview, the page of each command, and the page of the flags that every command accepts.

mod examples;
mod overview;
mod page;

pub(crate) use examples::with_examples;
pub(crate) use overview::OVERVIEW;
pub(crate) use page::{of_command, of_options};
