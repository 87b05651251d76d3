//! A manager that holds the response to one route until the test releases it. A test can therefore act while a request is in flight, on slow and fast
//! machines, without sleeping.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use swp_keys::sandbox::{Sandbox, Settings};

use super::relay::{self, Connection, Direction, Filter};
use super::running::Running;
use super::{Home, TestEnv};

/// A manager that holds its response to the first request of one route.
pub(crate) struct HeldManager {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) home: Home,
    hold: Arc<Hold>,
    address: SocketAddr,
}

impl HeldManager {
    /// Returns a manager that holds the response to this route, for example `POST /api/apikeys`. The manager has processed the request by then.
    pub(crate) fn new(route: &str) -> Self {
        Self::with(Settings::default(), route)
    }

    /// Returns such a manager with these settings.
    pub(crate) fn with(settings: Settings, route: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let (env, door) = Self::behind(listener, settings, route);
        door();
        env
    }

    /// Returns such a manager behind this listener, and a function that starts to serve it.
    pub(crate) fn behind(
        listener: TcpListener,
        settings: Settings,
        route: &str,
    ) -> (Self, impl FnOnce() + use<>) {
        let TestEnv { sandbox, mut home } = TestEnv::with(settings);
        let sandbox = Arc::new(sandbox);
        let hold = Arc::new(Hold::new(&sandbox, route));
        let address = listener.local_addr().expect("it is bound");
        home.set("SWP_URL", format!("https://{address}"));
        let env = Self {
            sandbox: Arc::clone(&sandbox),
            home,
            hold: Arc::clone(&hold),
            address,
        };
        let serve = move || relay::serve(listener, sandbox.address(), hold);
        (env, serve)
    }

    /// Returns the address of the manager.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Starts a run with pipes for stdout and stderr.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Running {
        Running::start(&mut self.home.command(arguments))
    }

    /// Starts a run, and kills it while the response is held. The response is released afterwards.
    #[track_caller]
    pub(crate) fn kill_while_held<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) {
        let running = self.start(arguments);
        self.wait_until_held();
        drop(running);
        self.release();
    }

    /// Waits until the manager holds the response.
    #[track_caller]
    pub(crate) fn wait_until_held(&self) {
        let phase = self.hold.phase.lock().expect("no thread has panicked");
        let (phase, _) = (self.hold.changed)
            .wait_timeout_while(phase, Duration::from_secs(60), |phase| {
                *phase == Phase::Open
            })
            .expect("no thread has panicked");
        assert_eq!(*phase, Phase::Held, "the request that must be held arrived");
    }

    /// Drops the held response, and refuses all further connections.
    pub(crate) fn vanish(&self) {
        self.hold.closed.store(true, Ordering::Relaxed);
        self.release();
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }

    /// Releases the response.
    pub(crate) fn release(&self) {
        self.hold.enter(Phase::Released);
    }
}

impl Drop for HeldManager {
    fn drop(&mut self) {
        self.vanish();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Held,
    Released,
}

struct Hold {
    sandbox: Arc<Sandbox>,
    route: String,
    phase: Mutex<Phase>,
    changed: Condvar,
    closed: AtomicBool,
}

impl Hold {
    fn new(sandbox: &Arc<Sandbox>, route: &str) -> Self {
        Self {
            sandbox: Arc::clone(sandbox),
            route: route.to_owned(),
            phase: Mutex::new(Phase::Open),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
        }
    }

    fn enter(&self, to: Phase) {
        if let Ok(mut phase) = self.phase.lock() {
            *phase = to;
        }
        self.changed.notify_all();
    }

    /// Waits while the response to the route is held, on the connection of that request.
    fn wait_while_held(&self, number: u64) {
        let came = (self.sandbox.requests().iter())
            .any(|request| request.connection == number && request.route() == self.route);
        let Ok(mut phase) = self.phase.lock() else {
            return;
        };
        if came && *phase == Phase::Open {
            *phase = Phase::Held;
            self.changed.notify_all();
        }
        while came && *phase == Phase::Held {
            let Ok(waited) = self.changed.wait(phase) else {
                return;
            };
            phase = waited;
        }
    }
}

impl Filter for Hold {
    fn pass(&self, connection: &Connection, direction: Direction, bytes: &[u8]) -> bool {
        if direction == Direction::ToClient {
            self.wait_while_held(connection.number);
            if self.is_closed() {
                connection.close();
                return false;
            }
        }
        connection.send(direction, bytes)
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}
