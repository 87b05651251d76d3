//! Every setting of a run, resolved.

use std::path::PathBuf;
use std::time::Duration;

use super::global_args::{ApiKeyScheme, GlobalArgs, Sources};
use super::profile_choice::{SelectedProfile, URL};
use super::provenance::ResolvedSetting;
use super::proxy::ProxySettings;
use super::resolver::{Resolver, SettingKey};
use super::source::{SecretSource, Source, Sourced};
use super::values::parsed_address;
use super::{credentials, tls};
use crate::error::Error;
use crate::manager::{Address, Pin};
use crate::terminal::output::Format;

/// Everything that flags, variables and the profile say.
pub(crate) struct Settings {
    /// The manager.
    pub manager: Option<Sourced<Address>>,
    /// The tenant.
    pub tenant: Option<Sourced<String>>,
    /// The administrator's name.
    pub username: Option<Sourced<String>>,
    /// Where the password comes from; a prompt where nothing is said.
    pub password: Option<Sourced<SecretSource>>,
    /// Where the code of the second factor comes from.
    pub mfa: Option<Sourced<SecretSource>>,
    /// Where an existing API key comes from.
    pub api_key: Option<Sourced<SecretSource>>,
    /// Which header that key goes into.
    pub api_key_scheme: ApiKeyScheme,
    /// Sign in although the lock-out guard says no.
    pub(crate) force_login: bool,
    /// Read secrets from files that others may read.
    pub allow_loose_permissions: bool,
    /// The certificates to trust.
    pub ca_cert: Option<Sourced<PathBuf>>,
    /// The keys to trust; none where certificates decide.
    pub(crate) tls_pins: Option<Sourced<Vec<Pin>>>,
    /// What says to trust any certificate, if anything does.
    pub insecure: Option<Source>,
    /// Pin an unknown manager's key without asking.
    pub(crate) tls_accept_new: bool,
    /// The proxy, and the hosts that are reached without one.
    pub(crate) proxy: ProxySettings,
    /// How long to wait for a manager that is starting.
    pub wait: Option<Duration>,
    /// How long one request may take.
    pub timeout: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How often a read may be repeated.
    pub retries: u32,
    /// How long to look for the outcome of a request whose answer was lost.
    pub(crate) settle_timeout: Duration,
    /// Make no secret where no record of the run can be kept.
    pub(crate) require_journal: bool,
    /// Leave the session on the manager.
    pub no_sign_out: bool,
    /// Never prompt.
    pub no_input: bool,
    /// Say more than the result.
    pub(crate) verbose: bool,
    /// The format of stdout.
    pub(crate) output: Format,
    /// The profile, and the file it is in.
    pub(crate) file: SelectedProfile,
    /// What each setting comes to, and who says so.
    pub(crate) told: Vec<ResolvedSetting>,
}

const TENANT: SettingKey = ("tenant", "--tenant", "SWP_TENANT");
const USERNAME: SettingKey = ("username", "--username", "SWP_USERNAME");
const API_KEY_SCHEME: SettingKey = ("api_key_scheme", "--api-key-scheme", "SWP_API_KEY_SCHEME");
const WAIT: SettingKey = ("wait", "--wait", "SWP_WAIT");
const TIMEOUT: SettingKey = ("timeout", "--timeout", "SWP_TIMEOUT");
const CONNECT_TIMEOUT: SettingKey = (
    "connect_timeout",
    "--connect-timeout",
    "SWP_CONNECT_TIMEOUT",
);
const RETRIES: SettingKey = ("retries", "--retries", "SWP_RETRIES");
const SETTLE_TIMEOUT: SettingKey = ("settle_timeout", "--settle-timeout", "SWP_SETTLE_TIMEOUT");
const REQUIRE_JOURNAL: SettingKey = (
    "require_journal",
    "--require-journal",
    "SWP_REQUIRE_JOURNAL",
);
const NO_SIGN_OUT: SettingKey = ("no_sign_out", "--no-sign-out", "SWP_NO_SIGN_OUT");
const FORCE_LOGIN: SettingKey = ("force_login", "--force-login", "");
const LOOSE: SettingKey = ("allow_loose_permissions", "--allow-loose-permissions", "");
const ACCEPT_NEW: SettingKey = ("tls_accept_new", "--tls-accept-new", "SWP_TLS_ACCEPT_NEW");
const NO_INPUT: SettingKey = ("no_input", "--no-input", "SWP_NO_INPUT");
const OUTPUT: SettingKey = ("output", "--output", "SWP_OUTPUT");

impl Settings {
    /// Gives `global` its meaning; `sources` knows what was typed and what came from the environment. What neither says is looked up
    /// in the profile, unless the command has no use for one.
    ///
    /// # Errors
    /// Of usage, naming the flag, the variable or the place in the file at fault.
    pub(crate) fn resolve(
        global: GlobalArgs,
        sources: &Sources,
        uses_profiles: bool,
    ) -> Result<Self, Error> {
        let mut origin = Resolver::new(sources);
        let file = SelectedProfile::read(
            &origin,
            global.profile.clone(),
            global.url.as_ref(),
            uses_profiles,
        )?;
        origin.profile = file.profile.as_ref().map(|profile| profile.value.clone());
        let manager = address(&origin, global.url.clone())?;
        let mut settings = Self {
            tenant: origin.text(TENANT, global.tenant.clone()),
            wait: origin.wait(WAIT, global.wait.clone())?,
            username: origin.text(USERNAME, global.username.clone()),
            password: credentials::password(&origin, &global)?,
            mfa: credentials::mfa(&origin, &global)?,
            api_key: credentials::api_key(&origin, &global)?,
            api_key_scheme: origin.word(API_KEY_SCHEME, global.api_key_scheme),
            force_login: origin.switch(FORCE_LOGIN, global.force_login),
            allow_loose_permissions: origin.switch(LOOSE, global.allow_loose_permissions),
            no_input: origin.switch(NO_INPUT, global.no_input),
            no_sign_out: origin.switch(NO_SIGN_OUT, global.no_sign_out),
            ca_cert: tls::ca_cert(&origin, &global),
            tls_pins: tls::pins(&origin, &global)?,
            tls_accept_new: origin.switch(ACCEPT_NEW, global.tls_accept_new),
            insecure: tls::insecure(&origin, &global)?,
            proxy: ProxySettings::resolve(
                &origin,
                global.proxy.clone(),
                manager.as_ref().map(|manager| &manager.value),
            )?,
            manager,
            timeout: origin.duration(TIMEOUT, global.timeout.clone())?,
            connect_timeout: origin.duration(CONNECT_TIMEOUT, global.connect_timeout.clone())?,
            retries: origin.number(RETRIES, global.retries),
            settle_timeout: origin.duration(SETTLE_TIMEOUT, global.settle_timeout.clone())?,
            require_journal: origin.switch(REQUIRE_JOURNAL, global.require_journal),
            output: origin.word(OUTPUT, global.output),
            verbose: global.verbose > 0,
            file,
            told: Vec::new(),
        };
        settings.told = origin.told();
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), Error> {
        let readers: Vec<Source> = [&self.password, &self.mfa, &self.api_key]
            .into_iter()
            .flatten()
            .filter(|secret| matches!(secret.value, SecretSource::Stdin))
            .map(|secret| secret.source.clone())
            .collect();
        if let [first, second, ..] = &readers[..] {
            return Err(Error::usage(
                format!("{first} and {second} both read stdin"),
                "give one of them a file or a command",
            ));
        }
        let typed = |secret: &Option<Sourced<SecretSource>>| {
            (secret.as_ref()).is_some_and(|secret| secret.source.is_flag())
        };
        if typed(&self.api_key) && (typed(&self.password) || typed(&self.mfa)) {
            return Err(Error::usage(
                "an API key and a password or code were both given on the command line",
                "give one way to sign in",
            ));
        }
        Ok(())
    }

    /// The manager's address.
    ///
    /// # Errors
    /// Of usage, where none was given.
    pub(crate) fn address(&self) -> Result<&Address, Error> {
        self.manager
            .as_ref()
            .map(|address| &address.value)
            .ok_or_else(|| {
                Error::usage(
                    "no manager is given",
                    "say where it is: `--url https://dsm.example.com:4119`, or SWP_URL",
                )
            })
    }
}

fn address(origin: &Resolver<'_>, url: Option<String>) -> Result<Option<Sourced<Address>>, Error> {
    let url = origin.given(URL, url).or_else(|| origin.in_profile(URL));
    let address = url.map(parsed_address).transpose()?;
    let shown = address.as_ref().map(|address| address.value.to_string());
    let source = address.as_ref().map(|address| address.source.clone());
    origin.tell("url", shown, source);
    Ok(address)
}
