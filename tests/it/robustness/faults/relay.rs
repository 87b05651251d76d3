//! The relay between a machine and the manager, which injects network faults at given bytes.
//!
//! The relay counts exchanges by the requests that the manager has received. Bytes to the manager belong to exchange k after k-1 requests, and bytes
//! to the client belong to exchange k after k requests. A held byte is passed on later or never.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use swp_keys::sandbox::Sandbox;

pub(super) use crate::support::relay::Direction;
use crate::support::relay::{Connection, Filter, reset_on_close, serve};

/// The effect of a network fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Closes both sides.
    Close,
    /// Resets the connection to the client.
    Reset,
    /// Drops all further bytes in this direction, and keeps the connection open.
    Stall,
    /// Delays the bytes in this direction.
    Delay(Duration),
    /// Sends this many bytes twice, which TLS rejects.
    Duplicate(usize),
    /// Holds all bytes until the run was killed.
    Hold,
}

/// A network fault and its position.
#[derive(Clone, Debug)]
pub(super) struct NetworkFault {
    /// The number of the exchange, starting at 1.
    pub(super) exchange: usize,
    pub(super) direction: Direction,
    /// The number of bytes of the exchange that pass before the fault.
    pub(super) byte: usize,
    pub(super) effect: Effect,
    /// The number of subsequent connections that are reset immediately.
    pub(super) refused: usize,
}

/// The relay of one machine.
pub(super) struct FaultyRelay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    sandbox: Arc<Sandbox>,
    state: Mutex<State>,
    changed: Condvar,
    closed: AtomicBool,
}

#[derive(Default)]
struct State {
    network_faults: Vec<Armed>,
    /// The number of requests before the faults were set.
    earlier_requests: usize,
    refused: usize,
    held: bool,
    released: bool,
    connections: Vec<Weak<Connection>>,
    /// The connections and directions whose bytes are dropped.
    stalled: Vec<(u64, Direction)>,
}

struct Armed {
    network_fault: NetworkFault,
    passed: usize,
    done: bool,
}

impl FaultyRelay {
    pub(super) fn before(sandbox: &Arc<Sandbox>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            sandbox: Arc::clone(sandbox),
            state: Mutex::default(),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
        });
        serve(listener, sandbox.address(), Arc::clone(&shared));
        Self { address, shared }
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Sets the network faults, which happen once each.
    pub(super) fn set_network_faults(&self, network_faults: &[NetworkFault]) {
        self.stop();
        let earlier_requests = self.shared.sandbox.requests().len();
        let mut state = self.shared.state();
        state.earlier_requests = earlier_requests;
        state.released = false;
        state.network_faults = (network_faults.iter())
            .map(|network_fault| Armed {
                network_fault: network_fault.clone(),
                passed: 0,
                done: false,
            })
            .collect();
    }

    /// Removes all network faults and closes all connections. Held bytes are lost.
    pub(super) fn stop(&self) {
        let mut state = self.shared.state();
        state.network_faults.clear();
        state.refused = 0;
        state.held = false;
        state.released = true;
        for connection in state.connections.drain(..) {
            if let Some(connection) = connection.upgrade() {
                connection.close();
            }
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Returns true if bytes are held until the run is killed.
    pub(super) fn is_holding(&self) -> bool {
        self.shared.state().held
    }

    /// Releases held bytes.
    pub(super) fn release(&self) {
        let mut state = self.shared.state();
        state.held = false;
        state.released = true;
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl Filter for Shared {
    fn accepts(&self, client: &TcpStream) -> bool {
        let mut state = self.state();
        let is_refused = state.refused > 0;
        if is_refused {
            state.refused -= 1;
            reset_on_close(client);
        }
        !is_refused
    }

    fn opened(&self, connection: &Arc<Connection>) {
        self.state().connections.push(Arc::downgrade(connection));
    }

    fn pass(&self, connection: &Connection, direction: Direction, bytes: &[u8]) -> bool {
        let is_stalled = (self.state().stalled).contains(&(connection.number, direction));
        is_stalled || self.pass_with_effect(connection, direction, bytes)
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

impl Drop for FaultyRelay {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.stop();
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

/// What to do with received bytes.
enum Step {
    Pass(usize),
    /// Pass this many bytes, and then apply the fault.
    Effect(usize, Effect),
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes bytes on, and applies the faults that are due within them. Returns true if the connection is still open.
    fn pass_with_effect(
        &self,
        connection: &Connection,
        direction: Direction,
        bytes: &[u8],
    ) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (count, effect) = match self.step(direction, rest.len()) {
                Step::Pass(count) => (count, None),
                Step::Effect(count, effect) => (count, Some(effect)),
            };
            let (now, later) = rest.split_at(count);
            if !connection.send(direction, now) {
                connection.close();
                return false;
            }
            rest = later;
            match effect {
                None => {}
                Some(Effect::Close) => {
                    connection.close();
                    return false;
                }
                Some(Effect::Reset) => {
                    connection.reset();
                    return false;
                }
                Some(Effect::Stall) => {
                    self.stall(connection, direction);
                    return true;
                }
                Some(Effect::Delay(time)) => std::thread::sleep(time),
                Some(Effect::Duplicate(count)) => {
                    connection.send(direction, &rest[..count.clamp(1, rest.len())]);
                }
                Some(Effect::Hold) => self.hold(),
            }
        }
        true
    }

    /// Drops all further bytes of this connection in this direction.
    fn stall(&self, connection: &Connection, direction: Direction) {
        let stalled = (connection.number, direction);
        self.state().stalled.push(stalled);
    }

    /// Returns what to do with the next `length` bytes. At least one byte always remains after a fault.
    fn step(&self, direction: Direction, length: usize) -> Step {
        let came = self.sandbox.requests().len();
        let mut state = self.state();
        let exchange = came.saturating_sub(state.earlier_requests)
            + usize::from(direction == Direction::ToManager);
        let due = (state.network_faults.iter_mut()).find(|armed| {
            !armed.done
                && armed.network_fault.direction == direction
                && armed.network_fault.exchange <= exchange
        });
        let Some(armed) = due else {
            return Step::Pass(length);
        };
        let remaining = armed.network_fault.byte - armed.passed;
        if remaining >= length {
            armed.passed += length;
            return Step::Pass(length);
        }
        armed.done = true;
        let (effect, refused) = (armed.network_fault.effect, armed.network_fault.refused);
        state.refused = refused;
        Step::Effect(remaining, effect)
    }

    fn hold(&self) {
        let mut state = self.state();
        state.held = !state.released;
        // Longer than every run. The run is killed earlier.
        let wait = Duration::from_secs(20);
        let waited = (self.changed).wait_timeout_while(state, wait, |state| !state.released);
        drop(waited);
    }
}
