//! A valve between a client and its manager: it holds an answer back until the test lets it go. So what is to happen while a request
//! is under way happens then for certain, however slow or quick the machine is, and no test waits for time to pass.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use swp_keys::sandbox::{Sandbox, Settings};

use super::running::Running;
use super::{Home, TestEnv};

/// A manager whose answer to the first request of one route is held back.
pub(crate) struct HeldManager {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) home: Home,
    valve: Arc<Valve>,
    address: SocketAddr,
}

impl HeldManager {
    /// Holds the answer to this route, as in `POST /api/apikeys`. The manager has done its work then.
    pub(crate) fn new(route: &str) -> Self {
        Self::with(Settings::default(), route)
    }

    /// With a manager like this.
    pub(crate) fn with(settings: Settings, route: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let (env, door) = Self::behind(listener, settings, route);
        door();
        env
    }

    /// Behind this listener, which the returned function begins to serve.
    pub(crate) fn behind(
        listener: TcpListener,
        settings: Settings,
        route: &str,
    ) -> (Self, impl FnOnce() + use<>) {
        let TestEnv { sandbox, mut home } = TestEnv::with(settings);
        let sandbox = Arc::new(sandbox);
        let valve = Arc::new(Valve::new(route));
        let address = listener.local_addr().expect("it is bound");
        home.set("SWP_URL", format!("https://{address}"));
        let env = Self {
            sandbox: Arc::clone(&sandbox),
            home,
            valve: Arc::clone(&valve),
            address,
        };
        let serve = move || drop(std::thread::spawn(move || valve.serve(&listener, &sandbox)));
        (env, serve)
    }

    /// Where its clients find it.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Starts a run with pipes for stdout and stderr.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Running {
        Running::start(&mut self.home.command(arguments))
    }

    /// Waits until the manager has answered and the answer is held back.
    #[track_caller]
    pub(crate) fn wait_until_held(&self) {
        let phase = self.valve.phase.lock().expect("no thread has panicked");
        let (phase, _) = (self.valve.changed)
            .wait_timeout_while(phase, Duration::from_secs(60), |phase| {
                *phase == Phase::Open
            })
            .expect("no thread has panicked");
        assert_eq!(*phase, Phase::Held, "the request that is to be held came");
    }

    /// Lets the answer go.
    pub(crate) fn release(&self) {
        self.valve.turn(Phase::Released);
    }
}

impl Drop for HeldManager {
    fn drop(&mut self) {
        self.valve.closed.store(true, Ordering::Relaxed);
        self.release();
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Held,
    Released,
}

struct Valve {
    route: String,
    phase: Mutex<Phase>,
    changed: Condvar,
    closed: AtomicBool,
}

impl Valve {
    fn new(route: &str) -> Self {
        Self {
            route: route.to_owned(),
            phase: Mutex::new(Phase::Open),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
        }
    }

    fn turn(&self, to: Phase) {
        if let Ok(mut phase) = self.phase.lock() {
            *phase = to;
        }
        self.changed.notify_all();
    }

    /// Connections are passed on in the order in which they come, so their numbers are those that the manager counts.
    fn serve(self: &Arc<Self>, listener: &TcpListener, sandbox: &Arc<Sandbox>) {
        for number in 1.. {
            let Ok((client, _)) = listener.accept() else {
                return;
            };
            if self.closed.load(Ordering::Relaxed) {
                return;
            }
            let Ok(server) = TcpStream::connect(sandbox.address()) else {
                return;
            };
            let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else {
                return;
            };
            std::thread::spawn(move || pump(client, server, || {}));
            let (valve, sandbox) = (Arc::clone(self), Arc::clone(sandbox));
            std::thread::spawn(move || {
                pump(server_too, client_too, || valve.pass(number, &sandbox));
            });
        }
    }

    /// Waits here while the answer to the route is to be held, on the connection that it came on.
    fn pass(&self, number: u64, sandbox: &Sandbox) {
        let came = (sandbox.requests().iter())
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

/// Passes on what comes, until one side is gone.
fn pump(mut from: TcpStream, mut to: TcpStream, before_each: impl Fn()) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        before_each();
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
