//! Tests of the plan.

mod case;
mod decisions;
mod undeclared_keys;
