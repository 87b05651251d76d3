//! The fault harness.

mod books;
#[cfg(target_os = "linux")]
mod calls;
mod dice;
mod drawn;
mod layer;
mod many;
mod one_file;
mod play;
mod pool;
mod recovery;
mod rotations;
mod scenario;
mod seeds;
mod stage;
