//! Every open question of the API contract, with every possible response of the sandbox.

mod objects;
mod scenarios;
mod sign_in;
