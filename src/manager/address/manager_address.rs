//! The address of a manager, and the values that are derived from it.

use std::fmt;
use std::net::IpAddr;

use rustls::pki_types::ServerName;
use url::{Host, Url};

use super::host::is_under;
use super::other_service;

/// The default port of Deep Security Manager (docs/manager-api.md, "Hosts and transport").
pub(crate) const DEFAULT_PORT: u16 = 4119;

/// The domains of the managers that the vendor hosts (docs/manager-api.md, "Hosts and transport").
const HOSTED: [&str; 2] = ["cloudone.trendmicro.com", "deepsecurity.trendmicro.com"];

/// The path of the API. An address may end with this path, because the addresses in the vendor's documentation include it.
pub(crate) const API: &str = "/api";

/// The address of a manager: an https URL, or an http URL if the host is a loopback address. The URL contains neither credentials nor a query, so its
/// `Display` is safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    base: Url,
}

impl Address {
    /// Creates an address from a URL. The parser must have checked the URL.
    pub(super) fn from_checked(base: Url) -> Self {
        Self { base }
    }

    /// Returns the URL of `path`, which begins with a slash, such as `/api/roles/search`.
    #[must_use]
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    /// Returns true if `url` has the same scheme, host and port as this address.
    pub(crate) fn is_origin_of(&self, url: &Url) -> bool {
        self.join("/").origin() == url.origin()
    }

    /// Returns `HOST:PORT`, without a dot at the end of the host.
    #[must_use]
    pub(crate) fn host_and_port(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        let host = host.strip_suffix('.').unwrap_or(host);
        match self.base.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Returns the host, without brackets and without a dot at the end.
    #[must_use]
    pub(crate) fn host(&self) -> &str {
        let host = self.base.host_str().unwrap_or_default();
        let host = host.strip_suffix('.').unwrap_or(host);
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Returns the port.
    #[must_use]
    pub(crate) fn port(&self) -> u16 {
        self.base.port_or_known_default().unwrap_or(DEFAULT_PORT)
    }

    /// Returns the host name or IP address that the manager's certificate must be valid for. `None` if no certificate can be valid for this host.
    pub(crate) fn server_name(&self) -> Option<ServerName<'static>> {
        match self.base.host()? {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).ok(),
            Host::Ipv4(address) => Some(IpAddr::from(address).into()),
            Host::Ipv6(address) => Some(IpAddr::from(address).into()),
        }
    }

    /// If the address belongs to a Trend Micro service that is not a manager, returns the name of that service and a hint. `None` if the address may
    /// belong to a manager.
    #[must_use]
    pub(crate) fn other_service(&self) -> Option<(&'static str, String)> {
        other_service::of_host(self.base.host_str()?.trim_end_matches('.'))
    }

    /// Returns true if the vendor hosts this manager. A hosted manager may not support sign-in with a password (docs/manager-api.md,
    /// "Sign-in").
    #[must_use]
    pub(crate) fn is_hosted(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        HOSTED.iter().any(|domain| is_under(host, domain))
    }

    /// Returns the same address with https.
    #[must_use]
    pub(crate) fn over_https(&self) -> String {
        let shown = self.to_string();
        let rest = shown.split_once("://").map_or("", |(_, rest)| rest);
        format!("https://{rest}")
    }

    /// Returns the address with the default port of a manager instead of port 443. `None` if the port is not 443, or if the vendor hosts the manager.
    #[must_use]
    pub(crate) fn at_usual_port(&self) -> Option<String> {
        if !self.is_encrypted() || self.port() != 443 || self.is_hosted() {
            return None;
        }
        let mut base = self.base.clone();
        base.set_port(Some(DEFAULT_PORT)).ok()?;
        Some(Self { base }.to_string())
    }

    /// Returns true if the scheme is https.
    #[must_use]
    pub(crate) fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Returns true if the host is a loopback address or `localhost`. Proxies from the environment are not used for loopback hosts.
    #[must_use]
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.base.as_str().trim_end_matches('/');
        formatter.write_str(shown)?;
        // The parser removes one `/api` from the end of an address. So a path that ends with `/api` is printed with a second `/api`, which the parser
        // removes again.
        if shown.ends_with(API) {
            formatter.write_str(API)?;
        }
        Ok(())
    }
}

/// Returns true if the host of a URL is a loopback address or `localhost`.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
