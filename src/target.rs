//! One manager as a value: its address, and everything that applies to this manager alone.
//!
//! A command has one target. Nothing of a target is stored in [`Context`] or in a global variable, so one process can work on several
//! managers at the same time. State that the manager's responses produce (the session, the clock skew, the secrets to redact, the
//! retry budget) belongs to the [`Manager`] that [`Target::manager`] makes.
//!
//! [`Context`]: crate::context::Context

use std::cell::Cell;
use std::time::Duration;

use crate::config::global_args::ApiKeyScheme;
use crate::config::{ProxySettings, SecretSource, Settings, Sourced};
use crate::error::Error;
use crate::manager::{Address, ConnectionOptions, Manager, Pin, ServerCertificate};
use crate::terminal::output::Output;
use crate::trust::policy::{TrustDecision, TrustPolicy, TrustSource};

/// One manager, and the settings for it.
pub(crate) struct Target {
    /// The manager's address.
    pub(crate) address: Address,
    /// The tenant; `None` for the primary tenant.
    pub(crate) tenant: Option<Sourced<String>>,
    /// The profile of the settings file that applies; a saved API key belongs to one profile.
    pub(crate) profile: Option<String>,
    /// The administrator's name.
    pub(crate) username: Option<Sourced<String>>,
    /// Where the password comes from; `None` if it must be typed.
    pub(crate) password: Option<Sourced<SecretSource>>,
    /// Where the MFA code comes from.
    pub(crate) mfa: Option<Sourced<SecretSource>>,
    /// Where the API key that signs the requests comes from.
    pub(crate) api_key: Option<Sourced<SecretSource>>,
    /// The header that carries that key.
    pub(crate) api_key_scheme: ApiKeyScheme,
    /// Sign in even if the lockout guard advises against it.
    pub(crate) force_login: bool,
    /// How the manager is verified.
    pub(crate) trust_policy: TrustPolicy,
    /// Pin an unknown manager's key without asking.
    pub(crate) tls_accept_new: bool,
    /// How long to wait for a manager that is starting.
    pub(crate) wait: Option<Duration>,
    /// How long to look for the outcome of a request whose response was lost.
    pub(crate) settle_timeout: Duration,
    /// Leave the session open on the manager.
    pub(crate) no_sign_out: bool,
    proxy: ProxySettings,
    timeout: Duration,
    connect_timeout: Duration,
    retries: u32,
    /// The pin that the user confirmed in this run, if it could not be stored.
    confirmed_pin: Cell<Option<Pin>>,
    /// Whether the warning about `--insecure` was printed.
    insecure_warned: Cell<bool>,
}

impl Target {
    /// The manager that the settings name.
    ///
    /// # Errors
    /// Returns a usage error if the settings name no manager.
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        let address = settings.address()?.clone();
        Ok(Self::at(address, settings))
    }

    /// The manager at `address`, which may differ from the address in the settings.
    pub(crate) fn at(address: Address, settings: Settings) -> Self {
        let profile = settings.file.profile.as_ref();
        Self {
            profile: profile.map(|profile| profile.value.name.clone()),
            trust_policy: TrustPolicy::new(&settings),
            address,
            tenant: settings.tenant,
            username: settings.username,
            password: settings.password,
            mfa: settings.mfa,
            api_key: settings.api_key,
            api_key_scheme: settings.api_key_scheme,
            force_login: settings.force_login,
            tls_accept_new: settings.tls_accept_new,
            wait: settings.wait,
            settle_timeout: settings.settle_timeout,
            no_sign_out: settings.no_sign_out,
            proxy: settings.proxy,
            timeout: settings.timeout,
            connect_timeout: settings.connect_timeout,
            retries: settings.retries,
            confirmed_pin: Cell::new(None),
            insecure_warned: Cell::new(false),
        }
    }

    /// The tenant's name; `None` for the primary tenant.
    pub(crate) fn tenant_name(&self) -> Option<&str> {
        self.tenant.as_ref().map(|tenant| tenant.value.as_str())
    }

    /// How this manager is verified, and the setting that decides it.
    ///
    /// # Errors
    /// Returns the error of [`TrustPolicy::resolve`].
    pub(crate) fn trust(&self) -> Result<TrustDecision, Error> {
        match self.confirmed_pin.get() {
            Some(pin) => Ok(TrustDecision::confirmed(pin)),
            None => self.trust_policy.resolve(&self.address),
        }
    }

    /// Trusts this key for the rest of the run: the user confirmed it, and it could not be stored.
    pub(crate) fn confirm(&self, pin: Pin) {
        self.confirmed_pin.set(Some(pin));
    }

    /// A client for this manager. It sends nothing yet. Warns once if the certificate is not verified.
    ///
    /// # Errors
    /// Returns a usage error if the trust settings or the proxy cannot be used.
    pub(crate) fn manager(&self, output: &Output) -> Result<Manager, Error> {
        let decision = self.trust()?;
        if matches!(decision.source, TrustSource::Insecure(_))
            && !self.insecure_warned.replace(true)
        {
            output.insist(
                "--insecure: the manager's certificate is not verified, so an attacker on the network could receive the password; \
                 use --ca-cert instead",
            );
        }
        Ok(Manager::new(&self.options(decision)?)?)
    }

    /// The certificate that the manager presents in a TLS handshake. No request is sent.
    ///
    /// # Errors
    /// Returns an error if there is no handshake, or a usage error as [`Target::manager`] does.
    pub(crate) async fn probe(&self) -> Result<ServerCertificate, Error> {
        let decision = self.trust()?;
        Ok(Manager::probe(&self.options(decision)?).await?)
    }

    fn options(&self, decision: TrustDecision) -> Result<ConnectionOptions, Error> {
        Ok(ConnectionOptions {
            address: self.address.clone(),
            trust: decision.trust,
            proxy: self.proxy.proxy(&self.address)?,
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            retries: self.retries,
        })
    }
}
