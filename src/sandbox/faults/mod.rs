//! Injected faults. They simulate failures between a client and the manager.

pub(crate) mod exchange;
pub(crate) mod fault;
pub(crate) mod queue;
pub(crate) mod spec;
pub(crate) mod takeover;
