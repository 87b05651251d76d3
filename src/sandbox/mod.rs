//! A simulated Deep Security Manager on loopback, for trying things out and for tests.
//!
//! It behaves as manager-api.md says, and where that says unknown, as [`Unknowns`] chooses. It shares nothing with the manager's
//! client in this package, types included: two independent readings of the contract check each other.

mod api;
mod faults;
mod http;
mod options;
mod search;
mod server;
mod state;

use crate::sandbox::server::certificate;
use crate::sandbox::state::secrets;
use std::net::{SocketAddr, TcpListener};
use std::ops::Range;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::oneshot;

pub use faults::spec::FAULT_FORM;
pub use faults::{Action, Fault, When};
pub use options::choices::{
    AnswerFields, ErrorBody, ExpiryZero, MfaCodeType, RetryAfter, SearchLag, SessionLimit,
    SignInAnswer, SignInWording, StickyCookie, StoredText,
};
pub use options::unknowns::{UNKNOWNS, Unknown, Unknowns};
pub use options::{CertificateKind, SecretShape, Settings, TlsVersions};
pub use server::request_log::{Connections, Request};
pub use state::keys::ApiKey;

use server::Shared;
use state::Manager;
use state::roles::AUDITOR;

/// A running manager. It has a thread of its own, and stops, closing its connections, when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    certificate_pem: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a manager.
    ///
    /// # Errors
    /// When the address is not a loopback one or cannot be listened on, or the settings contradict themselves.
    pub fn start(settings: Settings) -> anyhow::Result<Sandbox> {
        let listen = settings.listen;
        if !listen.ip().is_loopback() {
            bail!(
                "the sandbox listens on loopback only (127.0.0.1 or [::1]), not on {}",
                listen.ip()
            );
        }
        let identity = certificate::make(settings.certificate, listen.ip())?;
        let certificate_pem = identity.trusted_pem.clone();
        let tls = server::tls(settings.tls, identity)?;
        let shared = Arc::new(Shared::new(Manager::new(settings)?));
        let listener =
            TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("sandbox".to_owned())
            .spawn(move || runtime.block_on(server::serve(listener, tls, served, stopped)))?;
        Ok(Sandbox {
            address,
            certificate_pem,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a client wants it: `https://127.0.0.1:PORT`, or with `[::1]`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The certificate that a client is to trust, as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The manager's book: every key that lives, by ID, with its secret.
    pub fn api_keys(&self) -> Vec<ApiKey> {
        self.shared.manager().keys.iter().cloned().collect()
    }

    /// The sessions that live.
    pub fn live_sessions(&self) -> usize {
        let mut manager = self.shared.manager();
        manager.expire_sessions();
        manager.sessions.len()
    }

    /// All requests that came in, in their order.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.record().requests()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.record().forget_requests();
    }

    /// How many connections there were.
    pub fn connections(&self) -> Connections {
        self.shared.record().connections
    }

    /// Lets something go wrong.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults().inject(fault);
    }

    /// Lets nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Changes the settings while it runs. Those of the listener, the certificate, the clock and the roles were used at the start.
    pub fn change<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> T {
        change(&mut self.shared.manager().settings)
    }

    /// Adds a key, and says what it is.
    pub fn add_key(&self, name: &str, role_id: i64) -> ApiKey {
        let mut manager = self.shared.manager();
        let id = manager.keys.next_id();
        let secret = secrets::secret_key(manager.settings.secret_shape, id);
        let mut key = ApiKey::fresh(id, role_id, manager.clock.now(), secret);
        key.name = Some(name.to_owned());
        manager.keys.insert(key.clone());
        key
    }

    /// Adds so many keys of the role Auditor at once, named `key-000001` and on, and says which IDs they have.
    pub fn add_keys(&self, count: u32) -> Range<i64> {
        let mut manager = self.shared.manager();
        let (first, now) = (manager.keys.next_id(), manager.clock.now());
        let shape = manager.settings.secret_shape;
        for (number, id) in (1..=count).zip(first..) {
            let mut key = ApiKey::fresh(id, AUDITOR, now, secrets::secret_key(shape, id));
            key.name = Some(format!("key-{number:06}"));
            manager.keys.insert(key);
        }
        first..first + i64::from(count)
    }

    /// Adds so many roles without rights at once, named `role-000001` and on, and says which IDs they have.
    pub fn add_roles(&self, count: u32) -> Range<i64> {
        let mut manager = self.shared.manager();
        let first = manager.roles.next_id();
        for number in 1..=count {
            manager.roles.add_blank(&format!("role-{number:06}"));
        }
        first..first + i64::from(count)
    }

    /// Changes anything about a key but its ID; false: there is no such key.
    pub fn edit_key(&self, id: i64, edit: impl FnOnce(&mut ApiKey)) -> bool {
        self.shared.manager().keys.edit(id, edit).is_some()
    }

    /// Removes a key, as somebody else would; false: there is no such key.
    pub fn remove_key(&self, id: i64) -> bool {
        self.shared.manager().keys.remove(id).is_some()
    }

    /// Adds a role: a JSON object with the manager's field names. Without an `ID` it gets the next free one, which is returned.
    ///
    /// # Errors
    /// When the ID is taken or a field has the wrong type.
    pub fn add_role(&self, role: &serde_json::Value) -> anyhow::Result<i64> {
        self.shared.manager().roles.add(role)
    }

    /// Ends all sessions, as time or an administrator would.
    pub fn end_sessions(&self) {
        self.shared.manager().sessions.end_all();
    }

    /// Locks or unlocks the administrator's account.
    pub fn set_locked(&self, locked: bool) {
        let account = &mut self.shared.manager().account;
        account.locked = locked;
        account.failures = 0;
    }

    /// Whether the administrator's account is locked.
    pub fn is_locked(&self) -> bool {
        self.shared.manager().account.locked
    }

    /// Moves the manager's clock on: sessions and keys expire, the rate limit's window passes.
    pub fn advance_clock(&self, time: Duration) {
        self.shared.manager().clock.advance(time);
    }

    /// The manager's clock, in milliseconds since the epoch.
    pub fn now(&self) -> i64 {
        self.shared.manager().clock.now()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A random password for a sandbox whose administrator is nobody in particular.
pub fn random_password() -> String {
    secrets::password()
}
