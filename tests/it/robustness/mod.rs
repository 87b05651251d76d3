//! Faults, hostile managers, leaks and limits.

#[cfg(unix)]
mod faults;
mod hostile;
mod leaks;
mod limits;
mod unknowns;
