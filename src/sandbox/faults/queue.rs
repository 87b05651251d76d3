//! The list of injected faults. It selects the fault for each request.

use super::fault::Fault;
use crate::sandbox::http::call::Call;

/// The injected faults.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue {
    faults: Vec<InjectedFault>,
}

#[derive(Debug)]
struct InjectedFault {
    fault: Fault,
    seen: u32,
}

impl FaultQueue {
    pub(crate) fn inject(&mut self, fault: Fault) {
        self.faults.push(InjectedFault { fault, seen: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    /// Returns the fault that affects this request. `None` if no fault affects the request. If several faults affect the request, returns
    /// the fault that was injected first. Each fault counts all requests to its route, even the requests that the fault does not affect.
    pub(crate) fn next(&mut self, call: &Call) -> Option<Fault> {
        let mut due = None;
        for injected in self
            .faults
            .iter_mut()
            .filter(|injected| injected.fault.matches(call))
        {
            injected.seen += 1;
            let first = injected.fault.nth.max(1);
            if due.is_none()
                && injected.seen >= first
                && injected.seen - first < injected.fault.times
            {
                due = Some(injected.fault.clone());
            }
        }
        due
    }
}
