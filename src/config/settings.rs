//! Resolves all settings of a run.

use std::path::PathBuf;
use std::time::Duration;

use super::global_args::{ApiKeyScheme, GlobalArgs, Sources};
use super::profile_choice::{ProfileUse, SelectedProfile, URL};
use super::provenance::ResolvedSetting;
use super::proxy::ProxySettings;
use super::resolver::{Resolver, SettingKey};
use super::source::{SecretSource, Source, Sourced};
use super::values::parsed_address;
use super::{credentials, tls};
use crate::error::Error;
use crate::manager::{Address, Pin};
use crate::terminal::output::Format;

/// The settings of a run.
pub(crate) struct Settings {
    /// The address of the manager.
    pub manager: Option<Sourced<Address>>,
    /// The tenant.
    pub tenant: Option<Sourced<String>>,
    /// The user name of the administrator.
    pub username: Option<Sourced<String>>,
    /// Where the password is read from. If it is not set, the user is prompted for the password.
    pub password: Option<Sourced<SecretSource>>,
    /// The source of the MFA code.
    pub mfa: Option<Sourced<SecretSource>>,
    /// Where the API key is read from. `None` if no API key is configured.
    pub api_key: Option<Sourced<SecretSource>>,
    /// The HTTP header that carries the API key.
    pub api_key_scheme: ApiKeyScheme,
    /// If true, the run signs in even if the lockout guard has paused sign-ins.
    pub(crate) force_login: bool,
    /// If true, secrets are read even from files that other users can read.
    pub allow_loose_permissions: bool,
    /// The file with the certificates to trust.
    pub ca_cert: Option<Sourced<PathBuf>>,
    /// The pins, which are the fingerprints of the manager's trusted public keys. With pins, the certificate itself is not verified.
    pub(crate) tls_pins: Option<Sourced<Vec<Pin>>>,
    /// The flag or environment variable that disables the verification of the certificate, if it is set.
    pub insecure: Option<Source>,
    /// If true, the public key of an unknown manager is pinned without asking.
    pub(crate) tls_accept_new: bool,
    /// The proxy, and the hosts that are reached without it.
    pub(crate) proxy: ProxySettings,
    /// The maximum time to wait for a manager that is starting.
    pub wait: Option<Duration>,
    /// The maximum duration of one request.
    pub timeout: Duration,
    /// The maximum time to connect to the manager.
    pub connect_timeout: Duration,
    /// The maximum number of retries of a read request.
    pub retries: u32,
    /// The maximum time to determine whether a request succeeded, after its response was lost.
    pub(crate) settle_timeout: Duration,
    /// If true, a run that cannot write its journal record stops before it creates a secret.
    pub(crate) require_journal: bool,
    /// If true, the session stays open on the manager after the run.
    pub no_sign_out: bool,
    /// Never prompt.
    pub no_input: bool,
    /// If true, the steps of the run are logged.
    pub(crate) verbose: bool,
    /// The format of stdout.
    pub(crate) output: Format,
    /// The settings file and the selected profile.
    pub(crate) file: SelectedProfile,
    /// Every setting with its value and source, for `config show` and `whoami`.
    pub(crate) resolved: Vec<ResolvedSetting>,
    /// The flags and variables, for a run that works with several profiles.
    pub(crate) given: (GlobalArgs, Sources),
}

/// The settings that belong to one manager, by the names that `config show` prints.
const OF_ONE_MANAGER: [&str; 10] = [
    "url",
    "tenant",
    "username",
    "password",
    "mfa-code",
    "api-key",
    "ca-cert",
    "tls-pin",
    "tls-accept-new",
    "insecure",
];

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
const LOOSE: SettingKey = (
    "allow_loose_permissions",
    "--allow-loose-permissions",
    "SWP_ALLOW_LOOSE_PERMISSIONS",
);
const ACCEPT_NEW: SettingKey = ("tls_accept_new", "--tls-accept-new", "SWP_TLS_ACCEPT_NEW");
const NO_INPUT: SettingKey = ("no_input", "--no-input", "SWP_NO_INPUT");
const OUTPUT: SettingKey = ("output", "--output", "SWP_OUTPUT");

/// The hint of the error if the manager's address is not set.
pub(crate) const ADDRESS_HINT: &str =
    "set the address of the manager with `--url https://dsm.example.com:4119` or SWP_URL";

impl Settings {
    /// Resolves all settings. For each value in `global`, `sources` says whether it comes from the command line or from the environment. A setting
    /// that is not in `global` comes from the profile. If the command uses no profile, or if the profile does not contain the setting, the default
    /// applies.
    ///
    /// # Errors
    /// Returns a usage error that names the flag, the environment variable or the field of the settings file with the invalid value.
    pub(crate) fn resolve(
        global: GlobalArgs,
        sources: &Sources,
        profile_use: ProfileUse,
    ) -> Result<Self, Error> {
        let mut resolver = Resolver::new(sources);
        let file = SelectedProfile::read(
            &resolver,
            global.profile.clone(),
            global.url.as_ref(),
            profile_use,
        )?;
        resolver.profile = file.profile.as_ref().map(|profile| profile.value.clone());
        let manager = address(&resolver, global.url.clone())?;
        let mut settings = Self {
            tenant: resolver.text(TENANT, global.tenant.clone()),
            wait: resolver.wait(WAIT, global.wait.clone())?,
            username: resolver.text(USERNAME, global.username.clone()),
            password: credentials::password(&resolver, &global)?,
            mfa: credentials::mfa(&resolver, &global)?,
            api_key: credentials::api_key(&resolver, &global)?,
            api_key_scheme: resolver.word(API_KEY_SCHEME, global.api_key_scheme),
            force_login: resolver.switch(FORCE_LOGIN, global.force_login),
            allow_loose_permissions: resolver.switch(LOOSE, global.allow_loose_permissions),
            no_input: resolver.switch(NO_INPUT, global.no_input),
            no_sign_out: resolver.switch(NO_SIGN_OUT, global.no_sign_out),
            ca_cert: tls::ca_cert(&resolver, &global),
            tls_pins: tls::pins(&resolver, &global)?,
            tls_accept_new: resolver.switch(ACCEPT_NEW, global.tls_accept_new),
            insecure: tls::insecure(&resolver, &global)?,
            proxy: ProxySettings::resolve(
                &resolver,
                global.proxy.clone(),
                manager.as_ref().map(|manager| &manager.value),
            )?,
            manager,
            timeout: resolver.duration(TIMEOUT, global.timeout.clone())?,
            connect_timeout: resolver.duration(CONNECT_TIMEOUT, global.connect_timeout.clone())?,
            retries: resolver.number(RETRIES, global.retries),
            settle_timeout: resolver.duration(SETTLE_TIMEOUT, global.settle_timeout.clone())?,
            require_journal: resolver.switch(REQUIRE_JOURNAL, global.require_journal),
            output: resolver.word(OUTPUT, global.output),
            verbose: global.verbose > 0,
            file,
            resolved: Vec::new(),
            given: (global, sources.clone()),
        };
        settings.resolved = resolver.into_resolved();
        settings.check()?;
        Ok(settings)
    }

    /// Returns the settings of a different profile. The flags and variables apply to it as well.
    ///
    /// # Errors
    /// Returns a usage error like [`Settings::resolve`].
    pub(crate) fn for_profile(&self, name: &str) -> Result<Self, Error> {
        let (mut global, sources) = self.given.clone();
        global.profile = Some(name.to_owned());
        Self::resolve(global, &sources, ProfileUse::Required)
    }

    /// Checks that no flag and no variable sets a value that belongs to one manager. A run on several managers would use it for all of them.
    ///
    /// # Errors
    /// Returns a usage error that names the flag or variable.
    pub(crate) fn require_only_profiles(&self, why: &str) -> Result<(), Error> {
        let is_given = |setting: &&ResolvedSetting| {
            OF_ONE_MANAGER.contains(&setting.name)
                && matches!(setting.source, Some(Source::Flag(_) | Source::Variable(_)))
        };
        let given = self.resolved.iter().find(is_given);
        let given = given.and_then(|setting| setting.source.as_ref());
        let profile = self.file.wanted.as_ref().map(|wanted| &wanted.source);
        match given.or(profile) {
            Some(source) => Err(Error::usage(
                format!("{source} cannot be set, because {why}"),
                "remove it, and set the value in the profiles of the settings file",
            )),
            None => Ok(()),
        }
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
                "use a file or a command for one of them",
            ));
        }
        let typed = |secret: &Option<Sourced<SecretSource>>| {
            (secret.as_ref()).is_some_and(|secret| secret.source.is_flag())
        };
        if typed(&self.api_key) && (typed(&self.password) || typed(&self.mfa)) {
            return Err(Error::usage(
                "the flags for an API key cannot be combined with the flags for a password or MFA code",
                "use only one sign-in method",
            ));
        }
        Ok(())
    }

    /// Returns the manager's address.
    ///
    /// # Errors
    /// Returns a usage error if the manager's address is not set.
    pub(crate) fn address(&self) -> Result<&Address, Error> {
        self.manager
            .as_ref()
            .map(|address| &address.value)
            .ok_or_else(|| {
                let credentials = match (&self.api_key, &self.username, &self.password) {
                    (None, None, None) => {
                        "; if `swp-keys login` has saved no credential, also set the user name and the password, or an API key"
                    }
                    _ => "",
                };
                Error::usage("no manager given", format!("{ADDRESS_HINT}{credentials}"))
            })
    }
}

fn address(
    resolver: &Resolver<'_>,
    url: Option<String>,
) -> Result<Option<Sourced<Address>>, Error> {
    let url = resolver
        .given(URL, url)
        .or_else(|| resolver.in_profile(URL));
    let address = url.map(parsed_address).transpose()?;
    let shown = address.as_ref().map(|address| address.value.to_string());
    let source = address.as_ref().map(|address| address.source.clone());
    resolver.record("url", shown, source);
    Ok(address)
}
