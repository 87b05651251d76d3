//! Tests of the plan.

mod case;
mod decisions;
mod interrupted_runs;
mod rotations;
mod undeclared_keys;
