//! Tests of the plan.

mod case;
mod decisions;
mod interrupted_runs;
mod undeclared_keys;
