//! The layer between a run and its manager: passes bytes on, and does harm at a byte that a scenario names.
//!
//! TLS goes through it from end to end, so it knows bytes and connections and no requests. Where it counts from is told by the
//! manager's book of requests: bytes to the manager count for the k-th exchange once k-1 requests have come in, bytes to the client
//! once the k-th has. A byte that is held up here is never passed on after its run: it comes in time, or never.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use swp_keys::sandbox::Sandbox;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    ToManager,
    ToClient,
}

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
pub(super) struct Layer {
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
    came_before: usize,
    refused: usize,
    held: bool,
    released: bool,
    connections: Vec<Weak<Connection>>,
}

struct Armed {
    trouble: Trouble,
    passed: usize,
    done: bool,
}

struct Connection {
    client: TcpStream,
    server: TcpStream,
}

impl Layer {
    pub(super) fn before(sandbox: &Arc<Sandbox>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            sandbox: Arc::clone(sandbox),
            state: Mutex::default(),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        std::thread::spawn(move || served.serve(&listener));
        Self { address, shared }
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// From now on, these happen, each once.
    pub(super) fn trouble(&self, troubles: &[Trouble]) {
        self.heal();
        let came_before = self.shared.sandbox.requests().len();
        let mut state = self.shared.state();
        state.came_before = came_before;
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
    pub(super) fn heal(&self) {
        let mut state = self.shared.state();
        state.troubles.clear();
        state.refused = 0;
        state.held = false;
        state.released = true;
        for connection in state.connections.drain(..) {
            if let Some(connection) = connection.upgrade() {
                connection.end();
            }
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Whether bytes are held up for the run to be killed.
    pub(super) fn holds(&self) -> bool {
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

impl Drop for Layer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.heal();
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

    fn serve(self: &Arc<Self>, listener: &TcpListener) {
        while let Ok((client, _)) = listener.accept() {
            if self.closed.load(Ordering::Relaxed) {
                return;
            }
            let mut state = self.state();
            if state.refused > 0 {
                state.refused -= 1;
                reset_on_close(&client);
                continue;
            }
            drop(state);
            let Ok(server) = TcpStream::connect(self.sandbox.address()) else {
                continue;
            };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let connection = Arc::new(Connection { client, server });
            self.state().connections.push(Arc::downgrade(&connection));
            for direction in [Direction::ToManager, Direction::ToClient] {
                let (shared, connection) = (Arc::clone(self), Arc::clone(&connection));
                std::thread::spawn(move || shared.pump(&connection, direction));
            }
        }
    }

    /// Passes on what comes, until one side is gone or a harm ends it.
    fn pump(&self, connection: &Connection, direction: Direction) {
        let (mut from, mut to) = match direction {
            Direction::ToManager => (&connection.client, &connection.server),
            Direction::ToClient => (&connection.server, &connection.client),
        };
        let mut buffer = [0; 16 * 1024];
        let mut stalled = false;
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let mut rest = &buffer[..length];
            while !rest.is_empty() && !stalled {
                let (count, harm) = match self.step(direction, rest.len()) {
                    Step::Pass(count) => (count, None),
                    Step::Harm(count, harm) => (count, Some(harm)),
                };
                let (now, later) = rest.split_at(count);
                if to.write_all(now).is_err() {
                    return connection.end();
                }
                rest = later;
                match harm {
                    None => {}
                    Some(Harm::Close) => return connection.end(),
                    Some(Harm::Reset) => return connection.reset(),
                    Some(Harm::Stall) => stalled = true,
                    Some(Harm::Delay(time)) => std::thread::sleep(time),
                    Some(Harm::Duplicate(count)) => {
                        let _ = to.write_all(&rest[..count.clamp(1, rest.len())]);
                    }
                    Some(Harm::Hold) => self.hold(),
                }
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    /// What happens to the next `length` bytes; a harm always leaves at least one of them to be passed after it.
    fn step(&self, direction: Direction, length: usize) -> Step {
        let came = self.sandbox.requests().len();
        let mut state = self.state();
        let exchange =
            came.saturating_sub(state.came_before) + usize::from(direction == Direction::ToManager);
        let due = (state.troubles.iter_mut()).find(|armed| {
            !armed.done
                && armed.trouble.direction == direction
                && armed.trouble.exchange <= exchange
        });
        let Some(armed) = due else {
            return Step::Pass(length);
        };
        let left = armed.trouble.byte - armed.passed;
        if left >= length {
            armed.passed += length;
            return Step::Pass(length);
        }
        armed.done = true;
        let (harm, refused) = (armed.trouble.harm, armed.trouble.refused);
        state.refused = refused;
        Step::Harm(left, harm)
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

impl Connection {
    fn end(&self) {
        let _ = (
            self.client.shutdown(Shutdown::Both),
            self.server.shutdown(Shutdown::Both),
        );
    }

    /// The reset goes out when the last thread lets go of the socket, so the others are woken.
    fn reset(&self) {
        reset_on_close(&self.client);
        let _ = (
            self.client.shutdown(Shutdown::Read),
            self.server.shutdown(Shutdown::Both),
        );
    }
}

fn reset_on_close(stream: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}
