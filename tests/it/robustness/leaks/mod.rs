//! No secret appears where it was not asked for.

mod checks;
mod children;
mod commands;
mod echoes;
mod input_files;
mod panics;
