//! The fault harness.

mod books;
mod dice;
mod layer;
mod many;
mod play;
mod recovery;
mod scenario;
mod seeds;
mod stage;
