//! Selects the proxy for a manager: from the flag, the profile or the proxy variables. Hosts in NO_PROXY are reached without a proxy.
//!
//! The proxy that `config show` prints is always the proxy that is used, because the HTTP library does not read the proxy variables itself.

use std::ffi::OsString;

use super::no_proxy;
use super::resolver::{Resolver, SettingKey, field};
use super::source::{Source, Sourced};
use crate::error::Error;
use crate::manager::{Address, Proxy, ProxyAddress, ProxyProblem};

const PROXY: SettingKey = ("proxy", "--proxy", "");

/// The environment variables for the proxy, in the same order as in curl. The first one that is not empty applies.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy settings, and the hosts that are reached without a proxy.
pub(crate) struct ProxySettings {
    /// The proxy from the flag or the profile.
    named: Option<Sourced<ProxyAddress>>,
    /// True if `--proxy ""` was typed. As in curl, the empty value means that no proxy is used.
    none: bool,
    variable: Option<Sourced<OsString>>,
    exceptions: Option<Sourced<OsString>>,
}

/// The proxy for one manager, and its source.
pub(crate) struct ProxyChoice {
    /// The proxy, or `None` if the connection is direct.
    pub(crate) proxy: Option<ProxyAddress>,
    /// The setting that selected the proxy or the direct connection. `None` if no setting made the selection.
    pub(crate) source: Option<Source>,
}

impl ProxySettings {
    /// Resolves the proxy settings.
    ///
    /// # Errors
    /// Returns a usage error if the proxy from the flag or the profile is not valid. An invalid proxy variable is not an error here, because other
    /// programs use the same variables. It is an error only when its proxy is needed.
    pub(crate) fn resolve(
        resolver: &Resolver<'_>,
        value: Option<String>,
        manager: Option<&Address>,
    ) -> Result<Self, Error> {
        let none = value.as_deref() == Some("");
        let named = (resolver.given(PROXY, value)).or_else(|| resolver.in_profile(PROXY));
        let named = named
            .map(|named| parsed(&named.value, &named.source).map(|value| named.map(|_| value)));
        let settings = Self {
            named: named.transpose()?,
            none,
            variable: first(&VARIABLES),
            exceptions: first(&EXCEPTIONS),
        };
        settings.record(resolver, manager);
        Ok(settings)
    }

    /// Returns the proxy for this manager. If `address` is `None`, returns the proxy for managers that are not in NO_PROXY.
    ///
    /// # Errors
    /// Returns a usage error if the selected proxy is not valid.
    pub(crate) fn choose(&self, address: Option<&Address>) -> Result<ProxyChoice, Error> {
        let direct = |source| ProxyChoice {
            proxy: None,
            source,
        };
        let named_by = self.named.as_ref().map(|named| &named.source);
        let variable_by = self.variable.as_ref().map(|variable| &variable.source);
        let Some(source) = named_by.or(variable_by).filter(|_| !self.none) else {
            return Ok(direct(None));
        };
        if let Some(address) = address {
            // A loopback address is reached without a proxy, unless the flag or the profile sets one.
            if named_by.is_none() && address.is_loopback() {
                return Ok(direct(None));
            }
            if let Some(exceptions) = &self.exceptions
                && no_proxy::names(text(exceptions)?, address.host(), address.port())
            {
                return Ok(direct(Some(exceptions.source.clone())));
            }
            // Only a loopback address can have the scheme http. Through a proxy, the password would leave this machine in plaintext. So the proxy is
            // rejected.
            if !address.is_encrypted() {
                return Err(Error::usage(
                    format!(
                        "the proxy in {source} cannot be used for {address}, because a connection over http must not use a proxy"
                    ),
                    "remove the proxy, or use an https address",
                ));
            }
        }
        let proxy = match (&self.named, &self.variable) {
            (Some(named), _) => Some(named.value.clone()),
            (None, Some(variable)) => Some(parsed(text(variable)?, &variable.source)?),
            (None, None) => None,
        };
        let source = Some(source.clone());
        Ok(ProxyChoice { proxy, source })
    }

    /// Returns the proxy for a connection to this manager.
    ///
    /// # Errors
    /// Returns a usage error if the selected proxy is not valid.
    pub(crate) fn proxy(&self, address: &Address) -> Result<Option<Proxy>, Error> {
        let ProxyChoice { proxy, source } = self.choose(Some(address))?;
        Ok(proxy.zip(source).map(|(address, source)| Proxy {
            address,
            source: source.to_string(),
        }))
    }

    /// Records the proxy with its source for `config show` and `whoami`.
    fn record(&self, resolver: &Resolver<'_>, address: Option<&Address>) {
        let (value, source) = match self.choose(address) {
            Ok(ProxyChoice { proxy, source }) => (proxy.map(|proxy| proxy.to_string()), source),
            // An invalid proxy is not an error here, because every command that connects to the manager reports it.
            Err(_) => (Some("[not usable]".to_owned()), None),
        };
        resolver.record(field(PROXY), value, source);
    }
}

fn parsed(text: &str, source: &Source) -> Result<ProxyAddress, Error> {
    ProxyAddress::parse(text).map_err(|ProxyProblem { reason, hint }| {
        Error::usage(format!("invalid value for {source}: {reason}"), hint)
    })
}

/// Returns the first of these environment variables that is not empty. If HTTPS_PROXY is empty, for example, `https_proxy` still applies.
fn first(names: &[&'static str]) -> Option<Sourced<OsString>> {
    names.iter().find_map(|name| {
        let value = std::env::var_os(name)?;
        let is_empty = value.to_str().is_some_and(|text| text.trim().is_empty());
        (!is_empty).then_some(Sourced {
            value,
            source: Source::Variable(name),
        })
    })
}

fn text(variable: &Sourced<OsString>) -> Result<&str, Error> {
    variable.value.to_str().ok_or_else(|| {
        Error::usage(
            format!("{} is not UTF-8", variable.source),
            "set the variable to an ASCII value",
        )
    })
}
