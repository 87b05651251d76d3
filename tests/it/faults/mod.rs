//! The fault harness.

mod books;
#[cfg(target_os = "linux")]
mod calls;
mod dice;
mod drawn;
mod families;
mod layer;
mod ledger;
mod limits;
mod many;
mod one_file;
mod play;
mod pool;
mod reader;
mod recovery;
mod rotations;
mod scenario;
mod seeds;
mod stage;
mod surroundings;
