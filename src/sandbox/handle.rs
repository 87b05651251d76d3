//! The handle of a sandbox. A caller uses it to start the sandbox, and to read and change the state of the sandbox.

use std::net::{SocketAddr, TcpListener};
use std::ops::Range;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::oneshot;

use super::faults::fault::Fault;
use super::options::settings::Settings;
use super::server::request_log::{Connections, Request};
use super::server::shared::Shared;
use super::server::{certificate, listener};
use super::state::keys::ApiKey;
use super::state::manager::Manager;
use super::state::roles::AUDITOR;
use super::state::secrets;

/// The handle of a simulated manager. The manager runs in its own thread. When the handle is dropped, the manager stops and closes its
/// connections.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    certificate_pem: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a simulated manager.
    ///
    /// # Errors
    /// Returns an error if the address is not a loopback address or is in use, or if two settings contradict each other.
    pub fn start(settings: Settings) -> anyhow::Result<Sandbox> {
        let listen = settings.listen;
        if !listen.ip().is_loopback() {
            bail!(
                "the sandbox can only listen on a loopback address (127.0.0.1 or [::1]), not on {}",
                listen.ip()
            );
        }
        let identity = certificate::make(settings.certificate, listen.ip())?;
        let certificate_pem = identity.trusted_pem.clone();
        let tls = listener::tls(settings.tls, identity)?;
        let shared = Arc::new(Shared::new(Manager::new(settings)?));
        let listener =
            TcpListener::bind(listen).with_context(|| format!("could not listen on {listen}"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("sandbox".to_owned())
            .spawn(move || runtime.block_on(listener::serve(listener, tls, served, stopped)))?;
        Ok(Sandbox {
            address,
            certificate_pem,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns the network address that the sandbox listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of the sandbox: `https://127.0.0.1:PORT` or `https://[::1]:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Returns the certificate that a client must trust to connect to the sandbox. The certificate is in PEM format.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Returns all API keys with their secrets, ordered by ID.
    pub fn api_keys(&self) -> Vec<ApiKey> {
        self.shared.manager().keys.iter().cloned().collect()
    }

    /// Returns the number of open sign-in sessions.
    pub fn live_sessions(&self) -> usize {
        let mut manager = self.shared.manager();
        manager.expire_sessions();
        manager.sessions.len()
    }

    /// Returns the logged requests, in the order in which the sandbox received them.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log().requests()
    }

    /// Clears the log of received requests.
    pub fn forget_requests(&self) {
        self.shared.log().clear_requests();
    }

    /// Returns the number of connections since the sandbox started.
    pub fn connections(&self) -> Connections {
        self.shared.log().connections
    }

    /// Injects a fault.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults().inject(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Changes the settings. The settings of the listener, the certificate, the clock and the roles take effect at the start of the
    /// sandbox. If they are changed later, the change has no effect.
    pub fn change<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> T {
        change(&mut self.shared.manager().settings)
    }

    /// Adds an API key and returns it.
    pub fn add_key(&self, name: &str, role_id: i64) -> ApiKey {
        let mut manager = self.shared.manager();
        let id = manager.keys.next_id();
        let secret = secrets::secret_key(manager.settings.secret_shape, id);
        let mut key = ApiKey::fresh(id, role_id, manager.clock.now(), secret);
        key.name = Some(name.to_owned());
        manager.keys.insert(key.clone());
        key
    }

    /// Adds `count` API keys with the role Auditor and returns their IDs. The keys are named `key-000001`, `key-000002` and so on.
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

    /// Adds `count` roles that allow access to the API but grant no right, and returns their IDs. The roles are named `role-000001`, `role-000002` and so on.
    pub fn add_roles(&self, count: u32) -> Range<i64> {
        let mut manager = self.shared.manager();
        let first = manager.roles.next_id();
        for number in 1..=count {
            manager.roles.add_blank(&format!("role-{number:06}"));
        }
        first..first + i64::from(count)
    }

    /// Adds the API key that a JSON object with the manager's field names describes, and returns its ID. Without an `ID`, the key gets the next free
    /// ID. Without a `roleID`, its role is Auditor. Without a `secretKey`, its secret is random. A time can be relative to the current time of the
    /// manager's clock, such as `-61d`.
    ///
    /// # Errors
    /// Returns an error if a field is unknown or has the wrong type, if the role does not exist, or if a second key has the same ID or secret. The
    /// error contains no value from the object.
    pub fn add_described_key(&self, document: &serde_json::Value) -> anyhow::Result<i64> {
        let mut manager = self.shared.manager();
        let now = manager.clock.now();
        let mut key = ApiKey::fresh(manager.keys.next_id(), AUDITOR, now, String::new());
        key.set_fields(document, now)?;
        if key.secret.is_empty() {
            key.secret = secrets::secret_key(manager.settings.secret_shape, key.id);
        }
        if manager.roles.get(key.role_id).is_none() {
            bail!("no role has the ID {}", key.role_id);
        }
        if manager.keys.get(key.id).is_some() {
            bail!("two keys have the ID {}", key.id);
        }
        if manager.keys.with_secret(&key.secret).is_some() {
            bail!("two keys have the same secret");
        }
        let id = key.id;
        manager.keys.insert(key);
        Ok(id)
    }

    /// Returns all API keys as JSON objects with the manager's field names, ordered by ID. The objects do not contain the secrets.
    pub fn key_documents(&self) -> Vec<serde_json::Value> {
        let manager = self.shared.manager();
        let documents = manager.keys.iter().map(|key| {
            let mut fields = key.fields();
            fields.insert("ID".to_owned(), key.id.into());
            serde_json::Value::Object(fields)
        });
        documents.collect()
    }

    /// Calls `edit` to change the API key with this ID. Changes to the ID are ignored. Returns false if the key does not exist.
    pub fn edit_key(&self, id: i64, edit: impl FnOnce(&mut ApiKey)) -> bool {
        self.shared.manager().keys.edit(id, edit).is_some()
    }

    /// Removes an API key. Returns false if the key does not exist.
    pub fn remove_key(&self, id: i64) -> bool {
        self.shared.manager().keys.remove(id).is_some()
    }

    /// Adds a role and returns its ID. `role` is a JSON object with the manager's field names. If the object has no `ID`, the role gets the next free
    /// ID.
    ///
    /// # Errors
    /// Returns an error if the ID is taken or a field has the wrong type.
    pub fn add_role(&self, role: &serde_json::Value) -> anyhow::Result<i64> {
        self.shared.manager().roles.add(role)
    }

    /// Ends all sessions.
    pub fn end_sessions(&self) {
        self.shared.manager().sessions.end_all();
    }

    /// Locks or unlocks the administrator's account.
    pub fn set_locked(&self, locked: bool) {
        let account = &mut self.shared.manager().account;
        account.locked = locked;
        account.failures = 0;
    }

    /// Returns true if the administrator's account is locked.
    pub fn is_locked(&self) -> bool {
        self.shared.manager().account.locked
    }

    /// Advances the manager's clock. A test can use it to make sessions and API keys expire, or to reset the rate limit.
    pub fn advance_clock(&self, time: Duration) {
        self.shared.manager().clock.advance(time);
    }

    /// Returns the current time of the manager's clock, in milliseconds since the Unix epoch.
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

/// Returns a random password for the administrator of a sandbox.
pub fn random_password() -> String {
    secrets::password()
}
