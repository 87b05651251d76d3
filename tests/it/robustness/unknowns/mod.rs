//! Every open question of the manager's contract, with every answer that the sandbox can give.

mod objects;
mod scenarios;
mod sign_in;
