//! `rotate-key`.

mod in_place;
mod interruptions;
mod refusals;
mod successor;
