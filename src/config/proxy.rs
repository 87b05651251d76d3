//! Which proxy leads to a manager: the flag, else the profile, else the variables; and the hosts that NO_PROXY names go without.
//!
//! This is the one place that decides it. The HTTP library reads no variable, and what is shown is what is used.

use std::ffi::OsString;

use super::no_proxy;
use super::resolver::{Resolver, SettingKey, field};
use super::source::{Source, Sourced};
use crate::error::Error;
use crate::manager::{Address, Proxy, ProxyAddress, ProxyProblem};

const PROXY: SettingKey = ("proxy", "--proxy", "");

/// As curl and its users have them, the first that is not empty.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// What names a proxy, and what names the hosts that go without.
pub(crate) struct ProxySettings {
    /// Of the flag or the profile.
    named: Option<Sourced<ProxyAddress>>,
    /// An empty flag was typed, as curl takes it: no proxy.
    none: bool,
    variable: Option<Sourced<OsString>>,
    exceptions: Option<Sourced<OsString>>,
}

/// What leads to one manager, and who says so.
pub(crate) struct ProxyChoice {
    /// The proxy; none if the connection is direct.
    pub(crate) proxy: Option<ProxyAddress>,
    /// What decided that; none if nothing names a proxy.
    pub(crate) source: Option<Source>,
}

impl ProxySettings {
    /// Looks them up.
    ///
    /// # Errors
    /// Returns a usage error if the proxy of the flag or the profile is not usable. A variable is for every program of the machine, so
    /// what is wrong with it matters only if it counts.
    pub(crate) fn resolve(
        origin: &Resolver<'_>,
        value: Option<String>,
        manager: Option<&Address>,
    ) -> Result<Self, Error> {
        let none = value.as_deref() == Some("");
        let named = (origin.given(PROXY, value)).or_else(|| origin.in_profile(PROXY));
        let named = named
            .map(|named| parsed(&named.value, &named.source).map(|value| named.map(|_| value)));
        let settings = Self {
            named: named.transpose()?,
            none,
            variable: first(&VARIABLES),
            exceptions: first(&EXCEPTIONS),
        };
        settings.tell(origin, manager);
        Ok(settings)
    }

    /// The proxy to this manager; to any, if none is given.
    ///
    /// # Errors
    /// Returns a usage error if the proxy that counts is not usable.
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
            // This machine itself is not reached through a proxy that is meant for all others.
            if named_by.is_none() && address.is_loopback() {
                return Ok(direct(None));
            }
            if let Some(exceptions) = &self.exceptions
                && no_proxy::names(text(exceptions)?, address.host(), address.port())
            {
                return Ok(direct(Some(exceptions.source.clone())));
            }
            // http is for loopback alone, because it does not leave the machine: a proxy would be sent the password in clear text.
            if !address.is_encrypted() {
                return Err(Error::usage(
                    format!(
                        "{source} names a proxy, and {address} is reached over http, which is for this machine alone"
                    ),
                    "leave the proxy out, or give an address with https",
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

    /// The proxy to this manager, as the connection needs it.
    ///
    /// # Errors
    /// Returns a usage error if the proxy that counts is not usable.
    pub(crate) fn proxy(&self, address: &Address) -> Result<Option<Proxy>, Error> {
        let ProxyChoice { proxy, source } = self.choose(Some(address))?;
        Ok(proxy.zip(source).map(|(address, source)| Proxy {
            address,
            source: source.to_string(),
        }))
    }

    /// Notes what `config show` and `whoami` print.
    fn tell(&self, origin: &Resolver<'_>, address: Option<&Address>) {
        let (value, source) = match self.choose(address) {
            Ok(ProxyChoice { proxy, source }) => (proxy.map(|proxy| proxy.to_string()), source),
            // Every command that connects refuses it.
            Err(_) => (Some("[not usable]".to_owned()), None),
        };
        origin.tell(field(PROXY), value, source);
    }
}

fn parsed(text: &str, source: &Source) -> Result<ProxyAddress, Error> {
    ProxyAddress::parse(text).map_err(|ProxyProblem { reason, hint }| {
        Error::usage(format!("{source} is not usable: {reason}"), hint)
    })
}

/// The first of these variables that is not empty: an empty one in capitals does not hide one in small letters.
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
            "write it in ASCII",
        )
    })
}
