//! The state that the thread of the server shares with the handle of the sandbox.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::request_log::RequestLog;
use crate::sandbox::faults::exchange::Exchange;
use crate::sandbox::faults::queue::FaultQueue;
use crate::sandbox::state::manager::Manager;

/// The manager, the faults and the request log. Each has its own lock.
#[derive(Debug)]
pub(crate) struct Shared {
    manager: Mutex<Manager>,
    faults: Mutex<FaultQueue>,
    log: Mutex<RequestLog>,
    pub(crate) exchange: Exchange,
}

impl Shared {
    pub(crate) fn new(manager: Manager) -> Shared {
        Shared {
            manager: Mutex::new(manager),
            faults: Mutex::default(),
            log: Mutex::default(),
            exchange: Exchange::default(),
        }
    }

    pub(crate) fn manager(&self) -> MutexGuard<'_, Manager> {
        self.manager.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultQueue> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, RequestLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
