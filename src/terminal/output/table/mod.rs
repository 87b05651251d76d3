//! Formats tables: aligned columns for a terminal, and tab-separated lines for a pipe or a file.

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
