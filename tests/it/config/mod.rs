//! Settings: flags, variables and profiles.

mod addresses;
mod boolean_variables;
mod precedence;
mod profiles;
mod proxy;
