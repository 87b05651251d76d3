//! The fault harness: random scenarios of faults, and the checks of their results.

mod audit;
mod concurrency;
mod conditions;
mod execution;
mod families;
mod flush_signals;
mod generator;
mod known_limits;
mod machines;
mod output_reader;
mod pool;
mod random;
mod recovery;
mod relay;
mod rotations;
mod scenario;
mod seeds;
mod shared_dotenv;
#[cfg(target_os = "linux")]
mod strace;
mod summary;
#[cfg(target_os = "linux")]
mod system_calls;
