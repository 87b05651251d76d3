//! One manager: its address, and all settings that apply only to this manager.
//!
//! A command has one target. No data about a target is stored in [`Context`] or in a global variable, so that one process can work on several
//! managers at the same time. The session, the clock skew, the secrets to redact and the retry budget are not in the target. They belong to the
//! [`Manager`] that [`Target::manager`] returns.
//!
//! [`Context`]: crate::context::Context

use std::cell::Cell;
use std::time::Duration;

use crate::config::global_args::ApiKeyScheme;
use crate::config::values::typed_address;
use crate::config::{ADDRESS_HINT, ProxyChoice, ProxySettings, SecretSource, Settings, Sourced};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{Address, ConnectionOptions, Manager, Pin, ServerCertificate, reachability};
use crate::terminal::prompt::rejection;
use crate::trust::policy::{TrustDecision, TrustPolicy, TrustSource};

const ADDRESS_QUESTION: &str = "Address of the manager (such as dsm.example.com): ";
/// If no connection to the typed address is possible, the user is asked for a different address at most this many times.
const MAX_NEW_ADDRESSES: usize = 2;

/// One manager and the settings for it.
pub(crate) struct Target {
    /// The manager's address.
    pub(crate) address: Address,
    /// The tenant, or `None` for the primary tenant.
    pub(crate) tenant: Option<Sourced<String>>,
    /// The profile that is in use. A saved API key belongs to one profile.
    pub(crate) profile: Option<String>,
    /// The administrator's name.
    pub(crate) username: Option<Sourced<String>>,
    /// Where the password is read from, or `None` if the user must type it.
    pub(crate) password: Option<Sourced<SecretSource>>,
    /// Where the MFA code is read from.
    pub(crate) mfa: Option<Sourced<SecretSource>>,
    /// Where the API key is read from. `None` if no API key is configured.
    pub(crate) api_key: Option<Sourced<SecretSource>>,
    /// The HTTP header that carries the API key.
    pub(crate) api_key_scheme: ApiKeyScheme,
    /// If true, the run signs in even if the lockout guard has paused sign-ins.
    pub(crate) force_login: bool,
    /// How the manager's TLS certificate is verified.
    pub(crate) trust_policy: TrustPolicy,
    /// If true, the public key of an unknown manager is pinned without asking.
    pub(crate) tls_accept_new: bool,
    /// How long to wait for a manager that is starting.
    pub(crate) wait: Option<Duration>,
    /// How long the run tries to find out whether a request succeeded, if its response was lost.
    pub(crate) settle_timeout: Duration,
    /// If true, the session stays open on the manager.
    pub(crate) no_sign_out: bool,
    proxy: ProxySettings,
    timeout: Duration,
    connect_timeout: Duration,
    retries: u32,
    /// A pin that the user confirmed in this run, but that could not be stored. Only this run trusts the pin.
    confirmed_pin: Cell<Option<Pin>>,
    /// True if the warning about `--insecure` was printed.
    insecure_warned: Cell<bool>,
}

impl Target {
    /// Returns the target that the settings describe. If they contain no address, the user is asked for it.
    ///
    /// # Errors
    /// Returns a usage error if the settings contain no address and there is no terminal to prompt on. Returns an interruption if a signal
    /// arrives before the user answers.
    pub(crate) async fn find(settings: Settings, context: &Context) -> Result<Self, Error> {
        let address = match &settings.manager {
            Some(manager) => manager.value.clone(),
            None => ask_address(&settings, context).await?,
        };
        Ok(Self::at(address, settings))
    }

    /// Like [`Target::find`]. If the user typed the address and no connection to it is possible, the user is asked again, at most twice. The last
    /// answer is accepted even if no connection to it is possible.
    ///
    /// # Errors
    /// Returns the errors of [`Target::find`].
    pub(crate) async fn find_reachable(
        settings: Settings,
        context: &Context,
    ) -> Result<Self, Error> {
        let is_typed = settings.manager.is_none();
        let mut target = Self::find(settings, context).await?;
        if !is_typed {
            return Ok(target);
        }
        for _ in 0..MAX_NEW_ADDRESSES {
            let reached = async { Ok(target.try_to_connect(context).await) };
            let Err(reason) = context.signals.cancel(reached).await? else {
                break;
            };
            let question = format!("{}\n{ADDRESS_QUESTION}", rejection(&reason));
            target.address = type_address(&question, context).await?;
        }
        Ok(target)
    }

    /// Opens and closes a TCP connection to the manager, as a test. Does nothing if the run uses a proxy, or if `--wait` is set.
    async fn try_to_connect(&self, context: &Context) -> Result<(), Error> {
        if self.wait.is_some() || !matches!(self.proxy.proxy(&self.address), Ok(None)) {
            return Ok(());
        }
        let host_and_port = self.address.host_and_port();
        let _step = (context.progress).begin(format!("connecting to {host_and_port}"));
        let (host, port) = (self.address.host(), self.address.port());
        let connected = async {
            let addresses = reachability::resolve(host, port, self.connect_timeout).await?;
            reachability::connect(&addresses, self.connect_timeout).await
        };
        // The original hint is dropped, because it names `--url`, which the user has not set.
        let connected = connected.await.map(|_| ());
        connected.map_err(|error| Error::new(ErrorKind::Unreachable, error.to_string()))
    }

    /// Returns the target that the settings describe. The user is not asked.
    ///
    /// # Errors
    /// Returns a usage error if the settings do not contain the address of a manager.
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        let address = settings.address()?.clone();
        Ok(Self::at(address, settings))
    }

    /// Returns the target for `address`, which may differ from the address in the settings.
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

    /// Returns the tenant's name, or `None` for the primary tenant.
    pub(crate) fn tenant_name(&self) -> Option<&str> {
        self.tenant.as_ref().map(|tenant| tenant.value.as_str())
    }

    /// Returns how this manager's certificate is verified, and the setting that selected this method.
    ///
    /// # Errors
    /// Returns the error of [`TrustPolicy::resolve`].
    pub(crate) fn trust(&self) -> Result<TrustDecision, Error> {
        match self.confirmed_pin.get() {
            Some(pin) => Ok(TrustDecision::confirmed(pin)),
            None => self.trust_policy.resolve(&self.address),
        }
    }

    /// Trusts this pin for the rest of the run. Used if the user confirmed the pin but it could not be stored.
    pub(crate) fn confirm(&self, pin: Pin) {
        self.confirmed_pin.set(Some(pin));
    }

    /// Returns a client for this manager without sending anything. Warns once if the certificate is not verified.
    ///
    /// # Errors
    /// Returns a usage error if the trust settings or the proxy settings are invalid.
    pub(crate) fn manager(&self, context: &Context) -> Result<Manager, Error> {
        let decision = self.trust()?;
        if matches!(decision.source, TrustSource::Insecure(_))
            && !self.insecure_warned.replace(true)
        {
            context.output.insist(
                "--insecure: the manager's certificate is not verified, so an attacker on the network could receive the password; \
                 use --ca-cert instead",
            );
        }
        Ok(Manager::new(&self.options(decision, context)?)?)
    }

    /// Returns the certificate that the manager presents in a TLS handshake. No HTTP request is sent.
    ///
    /// # Errors
    /// Returns an error if the handshake fails. Returns the same usage errors as [`Target::manager`].
    pub(crate) async fn probe(&self, context: &Context) -> Result<ServerCertificate, Error> {
        let decision = self.trust()?;
        Ok(Manager::probe(&self.options(decision, context)?).await?)
    }

    /// Returns the settings of a connection to this manager.
    ///
    /// # Errors
    /// Returns a usage error if the trust settings or the proxy settings are invalid.
    pub(crate) fn connection(&self, context: &Context) -> Result<ConnectionOptions, Error> {
        self.options(self.trust()?, context)
    }

    /// Returns the proxy for this manager, and the setting that selected the proxy.
    ///
    /// # Errors
    /// Returns a usage error if the selected proxy is invalid.
    pub(crate) fn proxy(&self) -> Result<ProxyChoice, Error> {
        self.proxy.choose(Some(&self.address))
    }

    /// Returns the maximum time to connect.
    pub(crate) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    fn options(
        &self,
        decision: TrustDecision,
        context: &Context,
    ) -> Result<ConnectionOptions, Error> {
        Ok(ConnectionOptions {
            address: self.address.clone(),
            trust: decision.trust,
            proxy: self.proxy.proxy(&self.address)?,
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            retries: self.retries,
            progress: context.progress.clone(),
        })
    }
}

/// Asks for the address of the manager until the answer is a valid address.
async fn ask_address(settings: &Settings, context: &Context) -> Result<Address, Error> {
    let prompt = context.prompt();
    // If the profile has an address, the user is not asked for an address, even if `--url ""` removes the profile's address. The user could type the
    // address of a different manager, and that manager would receive the profile's password.
    let profile = settings.file.profile.as_ref();
    let is_for_one_manager = profile.is_some_and(|profile| profile.value.text("url").is_some());
    if !prompt.is_available() || is_for_one_manager {
        return settings.address().cloned();
    }
    type_address(ADDRESS_QUESTION, context).await
}

async fn type_address(question: &str, context: &Context) -> Result<Address, Error> {
    (context.prompt())
        .accepted(question, ADDRESS_HINT, &context.signals, typed_address)
        .await
}
