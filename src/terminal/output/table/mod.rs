//! Tables: a layout for terminals, and tab-separated lines for everything else.

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
