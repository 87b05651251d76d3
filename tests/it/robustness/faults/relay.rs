//! The relay between a machine and its manager, which does harm at a byte that a scenario names.
//!
//! It counts exchanges by the requests that the manager has received: bytes to the manager belong to the k-th exchange once k-1 requests
//! have come in, and bytes to the client once the k-th has. A byte that is held up is passed on in time or never.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use swp_keys::sandbox::Sandbox;

pub(super) use crate::support::relay::Direction;
use crate::support::relay::{Connection, Filter, reset_on_close, serve};

/// What is done to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// Both sides see its end.
    Close,
    /// The client sees a reset.
    Reset,
    /// Nothing more comes this way, and nobody says so.
    Stall,
    /// What comes this way comes so much later.
    Delay(Duration),
    /// So many bytes come twice, which TLS takes for an attack.
    Duplicate(usize),
    /// Nothing goes on until the run was killed.
    Hold,
}

/// One harm, and where.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    /// The exchange, from 1.
    pub(super) exchange: usize,
    pub(super) direction: Direction,
    /// So many bytes of the exchange pass before it.
    pub(super) byte: usize,
    pub(super) harm: Harm,
    /// So many connections are reset after it as soon as they come.
    pub(super) refused: usize,
}

/// A listener of its own for each machine that runs are started on.
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
    troubles: Vec<Armed>,
    /// Requests that came in before the troubles were set.
    earlier_requests: usize,
    refused: usize,
    held: bool,
    released: bool,
    connections: Vec<Weak<Connection>>,
    /// Connections that drop what comes this way.
    stalled: Vec<(u64, Direction)>,
}

struct Armed {
    trouble: Trouble,
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

    /// From now on, these happen, each once.
    pub(super) fn trouble(&self, troubles: &[Trouble]) {
        self.stop();
        let earlier_requests = self.shared.sandbox.requests().len();
        let mut state = self.shared.state();
        state.earlier_requests = earlier_requests;
        state.released = false;
        state.troubles = (troubles.iter())
            .map(|trouble| Armed {
                trouble: trouble.clone(),
                passed: 0,
                done: false,
            })
            .collect();
    }

    /// From now on, nothing happens. What was held up is lost with its connection.
    pub(super) fn stop(&self) {
        let mut state = self.shared.state();
        state.troubles.clear();
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

    /// Whether bytes are held up for the run to be killed.
    pub(super) fn is_holding(&self) -> bool {
        self.shared.state().held
    }

    /// Lets go what was held up.
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
        is_stalled || self.pass_with_harm(connection, direction, bytes)
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

/// What to do with bytes that came.
enum Step {
    Pass(usize),
    /// Pass so many, then do harm.
    Harm(usize, Harm),
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes bytes on, and does the harm that is due within them. Returns whether more may follow.
    fn pass_with_harm(&self, connection: &Connection, direction: Direction, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (count, harm) = match self.step(direction, rest.len()) {
                Step::Pass(count) => (count, None),
                Step::Harm(count, harm) => (count, Some(harm)),
            };
            let (now, later) = rest.split_at(count);
            if !connection.send(direction, now) {
                connection.close();
                return false;
            }
            rest = later;
            match harm {
                None => {}
                Some(Harm::Close) => {
                    connection.close();
                    return false;
                }
                Some(Harm::Reset) => {
                    connection.reset();
                    return false;
                }
                Some(Harm::Stall) => {
                    self.stall(connection, direction);
                    return true;
                }
                Some(Harm::Delay(time)) => std::thread::sleep(time),
                Some(Harm::Duplicate(count)) => {
                    connection.send(direction, &rest[..count.clamp(1, rest.len())]);
                }
                Some(Harm::Hold) => self.hold(),
            }
        }
        true
    }

    /// From now on, nothing more goes this way on this connection.
    fn stall(&self, connection: &Connection, direction: Direction) {
        let stalled = (connection.number, direction);
        self.state().stalled.push(stalled);
    }

    /// What happens to the next `length` bytes; a harm always leaves at least one of them to be passed after it.
    fn step(&self, direction: Direction, length: usize) -> Step {
        let came = self.sandbox.requests().len();
        let mut state = self.state();
        let exchange = came.saturating_sub(state.earlier_requests)
            + usize::from(direction == Direction::ToManager);
        let due = (state.troubles.iter_mut()).find(|armed| {
            !armed.done
                && armed.trouble.direction == direction
                && armed.trouble.exchange <= exchange
        });
        let Some(armed) = due else {
            return Step::Pass(length);
        };
        let remaining = armed.trouble.byte - armed.passed;
        if remaining >= length {
            armed.passed += length;
            return Step::Pass(length);
        }
        armed.done = true;
        let (harm, refused) = (armed.trouble.harm, armed.trouble.refused);
        state.refused = refused;
        Step::Harm(remaining, harm)
    }

    fn hold(&self) {
        let mut state = self.state();
        state.held = !state.released;
        // Longer than a run lasts; whoever kills it is quicker.
        let wait = Duration::from_secs(20);
        let waited = (self.changed).wait_timeout_while(state, wait, |state| !state.released);
        drop(waited);
    }
}
