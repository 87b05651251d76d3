//! What a command gets: the settings, where to speak, whom to ask, and what is unsettled. Builds the manager when first asked.

use std::cell::{Cell, RefCell};

use crate::auth::sign_in;
use crate::auth::sign_in::AuthMethod;
use crate::config::Settings;
use crate::error::Error;
use crate::journal::notice;
use crate::manager::{Address, ConnectionOptions, Manager, Pin, ServerCertificate, SignedIn};
use crate::process::pending::PendingSet;
use crate::process::signals::Signals;
use crate::secret::Secret;
use crate::terminal::output::Output;
use crate::terminal::prompt::Prompt;
use crate::trust::policy::{TrustDecision, TrustPolicy, TrustSource};

/// What a command gets.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) output: Output,
    pub(crate) signals: Signals,
    /// The work that an aborted run would leave unfinished.
    pub(crate) pending: PendingSet,
    /// The warning of `--insecure` was given.
    insecure_told: Cell<bool>,
    /// The key that somebody stands by in this run, where the pin could not be kept.
    confirmed: Cell<Option<Pin>>,
    /// What was typed or read to sign in, for a run that may have to do it once more.
    held: RefCell<Option<LoginInput>>,
    /// The work is over, and only the session is still to be ended.
    leaving: Cell<bool>,
}

/// Who signed in. A prompt and stdin give it once.
#[derive(Clone, Default)]
pub(crate) struct LoginInput {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Secret>,
}

impl Context {
    pub(crate) fn new(settings: Settings, output: Output) -> Self {
        Self {
            settings,
            output,
            signals: Signals::default(),
            pending: PendingSet::default(),
            insecure_told: Cell::new(false),
            confirmed: Cell::new(None),
            held: RefCell::new(None),
            leaving: Cell::new(false),
        }
    }

    /// From now on, what signs in is held for a second time. No other run keeps a password for longer than it needs it.
    pub(crate) fn hold(&self) {
        *self.held.borrow_mut() = Some(LoginInput::default());
    }

    /// What is held.
    pub(crate) fn held(&self) -> LoginInput {
        self.held.borrow().clone().unwrap_or_default()
    }

    /// Holds something, where this run holds anything.
    pub(crate) fn note_held(&self, note: impl FnOnce(&mut LoginInput)) {
        if let Some(held) = self.held.borrow_mut().as_mut() {
            note(held);
        }
    }

    /// Whom to ask.
    pub(crate) fn prompt(&self) -> Prompt {
        Prompt::find(self.settings.no_input)
    }

    /// Whom this run trusts, and what decided that.
    ///
    /// # Errors
    /// Of usage, as of [`TrustPolicy::resolve`], and where no manager is named.
    pub(crate) fn trust(&self) -> Result<TrustDecision, Error> {
        self.trust_at(self.settings.address()?)
    }

    /// The same for another address than that of the settings.
    pub(crate) fn trust_at(&self, address: &Address) -> Result<TrustDecision, Error> {
        match self.confirmed.get() {
            Some(pin) => Ok(TrustDecision::confirmed(pin)),
            None => TrustPolicy::new(&self.settings).resolve(address),
        }
    }

    /// Somebody stands by this key, for this run.
    pub(crate) fn confirm(&self, pin: Pin) {
        self.confirmed.set(Some(pin));
    }

    /// The way to the manager that the settings name. Nothing is sent yet.
    pub(crate) fn manager(&self) -> Result<Manager, Error> {
        let address = self.settings.address()?;
        let decision = self.trust_at(address)?;
        if matches!(decision.source, TrustSource::Insecure(_)) && !self.insecure_told.replace(true)
        {
            self.output.insist(
                "--insecure: the manager's certificate is not checked, so whoever answers gets the password; \
                 give it with --ca-cert instead",
            );
        }
        Ok(Manager::new(&self.options(address, decision)?)?)
    }

    /// What the manager at `address` shows in a bare handshake. Nothing is sent.
    pub(crate) async fn presented(&self, address: &Address) -> Result<ServerCertificate, Error> {
        let decision = self.trust_at(address)?;
        Ok(Manager::probe(&self.options(address, decision)?).await?)
    }

    fn options(
        &self,
        address: &Address,
        decision: TrustDecision,
    ) -> Result<ConnectionOptions, Error> {
        let settings = &self.settings;
        Ok(ConnectionOptions {
            address: address.clone(),
            trust: decision.trust,
            proxy: settings.proxy.proxy(address)?,
            timeout: settings.timeout,
            connect_timeout: settings.connect_timeout,
            retries: settings.retries,
        })
    }

    /// Signs in, does `work`, and ends the session again, whatever came of the work. What an earlier run left is said.
    pub(crate) async fn signed_in<T>(
        &self,
        work: impl AsyncFnOnce(&SignedIn) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let work = async |signed_in: &SignedIn| {
            // Before anything is asked: while this waits for a slow folder or for who reads stderr, no answer would be waited for.
            self.say_unfinished();
            work(signed_in).await
        };
        self.session(work).await
    }

    /// The same, for the one command that deals with what an earlier run left.
    pub(crate) async fn signed_in_to_recover<T>(
        &self,
        work: impl AsyncFnOnce(&SignedIn) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.session(work).await
    }

    async fn session<T>(
        &self,
        work: impl AsyncFnOnce(&SignedIn) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let way = AuthMethod::select(self)?;
        let signed_in = sign_in::by(self, &way, &|| ()).await?;
        let (signed_in, result) = sign_in::renewing(self, &way, signed_in, work).await;
        let renewed = signed_in.is_renewed();
        if renewed || matches!(way, AuthMethod::Password) {
            self.sign_out(&signed_in).await;
        }
        result
    }

    /// What runs left that were killed, as far as it concerns this manager and tenant.
    pub(crate) fn say_unfinished(&self) {
        let Ok(address) = self.settings.address() else {
            return;
        };
        let manager = address.to_string();
        let tenant = self
            .settings
            .tenant
            .as_ref()
            .map(|tenant| tenant.value.as_str());
        for warning in notice::unfinished_work(&manager, tenant) {
            self.output.warn(&warning);
        }
    }

    /// Ends a session, and says whether the manager did; a failure is worth a note at -v and never a failed run. A second signal
    /// cuts it short, and what the work came to stays true: a key that was delivered, and one that needs attention, are not
    /// "interrupted, and cleaned up".
    pub(crate) async fn sign_out(&self, signed_in: &SignedIn) -> bool {
        if self.settings.no_sign_out {
            return false;
        }
        self.leaving.set(true);
        tokio::select! {
            biased;
            _ = self.signals.second_signal() => {
                log::info!("the session was not ended on the manager: interrupted");
                false
            }
            result = signed_in.sign_out() => {
                if let Err(error) = &result {
                    log::info!("the session was not ended on the manager: {error}");
                }
                result.is_ok()
            }
        }
    }

    /// Waits for a second signal, and returns the error of the run that it aborts. It must be read here: the guards of the pending
    /// work are dropped with the work. During the final sign-out a second signal cancels only that.
    pub(crate) async fn aborted(&self) -> Error {
        let signal = self.signals.second_signal().await;
        if self.leaving.get() {
            return std::future::pending().await;
        }
        self.pending.abort_error(signal)
    }

    /// Logs once, when a signal arrives during work that must be finished or undone, why the run goes on; never returns.
    pub(crate) async fn say_when_interrupted(&self) -> std::convert::Infallible {
        self.signals.first_signal().await;
        if let Some(meanwhile) = self.pending.meanwhile() {
            self.output.note(&format!(
                "interrupted; {meanwhile}, and again to leave it as it stands"
            ));
        }
        std::future::pending().await
    }
}

/// How a command ended that did not fail.
pub(crate) enum Outcome {
    /// It did what it was asked.
    Done,
    /// It ran another program, whose exit code is its own.
    Child(u8),
}
