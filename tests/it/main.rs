//! The tests, one binary: a file a subject.

mod sandbox_contract;
