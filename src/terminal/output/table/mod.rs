//! Formats tables. On a terminal, the columns are aligned. In a pipe or a file, the cells are separated by tabs.

mod destination;
mod layout;
mod model;
mod render;
#[cfg(test)]
mod tests;
mod tsv;

pub(crate) use destination::TableLayout;
pub(crate) use model::{Cell, Column, Table, Tint};
pub(crate) use render::pairs;
