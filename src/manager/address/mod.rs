//! Where the manager is: what a user may write, and what it means.

use std::fmt;
use std::net::IpAddr;

use rustls::pki_types::ServerName;
use url::{Host, Url};

use super::{host, other_service};

/// The port of Deep Security Manager where nothing else is said (manager-api.md, section 1).
const DEFAULT_PORT: u16 = 4119;

/// The domains under which Workload Security is run for others (manager-api.md, section 1).
const HOSTED: [&str; 2] = ["cloudone.trendmicro.com", "deepsecurity.trendmicro.com"];

/// What a user may write behind the address, because the documentation does.
const API: &str = "/api";

const QUOTES: [char; 3] = ['"', '\'', '`'];

/// How the names of pages end, such as `SignIn.screen` of the console.
const PAGES: [&str; 6] = ["screen", "jsp", "html", "htm", "do", "aspx"];
/// The manager's interfaces, and what begins behind each.
const INTERFACES: [(&str, &[&str]); 3] = [
    (
        "api",
        &[
            "sessions",
            "apikeys",
            "roles",
            "administrators",
            "tenants",
            "computers",
        ],
    ),
    ("rest", &["authentication", "apiversion", "status"]),
    ("webservice", &["manager"]),
];

/// The manager's address: https, or http for loopback; no user name, no query. Its `Display` is safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    base: Url,
}

impl Address {
    /// Reads `https://HOST:PORT`, with or without a path in front of `/api`, or a bare host, which means https and port 4119.
    ///
    /// # Errors
    /// One sentence that never repeats the text, because it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(reason) = surroundings(text) {
            return Err(reason.to_owned());
        }
        let bare = behind_scheme(text).is_none();
        if bare && names_a_scheme(text) {
            return Err("it lacks the two slashes behind `https:`".to_owned());
        }
        let full = if bare {
            format!("https://{}", bracketed(text))
        } else {
            text.to_owned()
        };
        let place = authority(&full);
        if place.contains('@') {
            return Err("it holds a user name or a password".to_owned());
        }
        if let Some(reason) = host::problem(place) {
            return Err(reason.to_owned());
        }
        let mut base = Url::parse(&full).map_err(|error| format!("it is no address ({error})"))?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err("it holds a user name or a password".to_owned());
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err("it holds a query or a fragment".to_owned());
        }
        if let Some(reason) = host::problem_of(&base, place) {
            return Err(reason.to_owned());
        }
        match base.scheme() {
            "https" => {}
            "http" if is_loopback(&base) => {}
            "http" => return Err("http is for loopback only; a password needs https".to_owned()),
            _ => return Err("it is neither https nor http".to_owned()),
        }
        if bare && !names_a_port(text) {
            base.set_port(Some(DEFAULT_PORT))
                .map_err(|()| "it takes no port".to_owned())?;
        }
        if page_of(base.path()).is_some() {
            return Err("it is the address of a page and not of the manager".to_owned());
        }
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix(API).unwrap_or(path);
        let path = path.trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self { base })
    }

    /// The address that was most likely meant by a text that is none: without quotes, blanks and the page of a console, with the slashes
    /// that were forgotten, and with https.
    #[must_use]
    pub(crate) fn suggestion_for(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix(QUOTES).unwrap_or(text);
        let text = text.strip_suffix(QUOTES).unwrap_or(text).trim();
        let (scheme, rest) = match behind_scheme(text) {
            Some(rest) => (&text[..text.len() - rest.len() - "://".len()], rest),
            None => match text.split_once(':') {
                Some((scheme, rest)) if names_a_scheme(text) => (scheme, rest),
                _ => ("", text),
            },
        };
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "" | "http" | "https") {
            return None;
        }
        let rest = rest.trim_start_matches(['/', '\\']);
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let path = rest.find('/').unwrap_or(rest.len());
        let (place, path) = rest.split_at(path);
        // What stands in a path that is no page may be a secret in a wrong place.
        let path = page_of(path).map_or("", |page| &path[..page]);
        let is_whole = if scheme.is_empty() { "" } else { "https://" };
        Self::parse(&format!("{is_whole}{place}{path}")).ok()
    }

    /// The address of `path`, which begins with a slash, such as `/api/roles/search`.
    #[must_use]
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    /// Whether `url` lies on this very server: the same scheme, host and port.
    pub(super) fn is_origin_of(&self, url: &Url) -> bool {
        self.join("/").origin() == url.origin()
    }

    /// Host and port, as a user would name them to another tool. A dot at the end makes no other host of it.
    #[must_use]
    pub(crate) fn host_and_port(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        let host = host.strip_suffix('.').unwrap_or(host);
        match self.base.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Its host alone, without brackets and without a dot at its end.
    #[must_use]
    pub(crate) fn host(&self) -> &str {
        let host = self.base.host_str().unwrap_or_default();
        let host = host.strip_suffix('.').unwrap_or(host);
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Its port.
    #[must_use]
    pub(crate) fn port(&self) -> u16 {
        self.base.port_or_known_default().unwrap_or(DEFAULT_PORT)
    }

    /// What a certificate of the manager is to be for; none where a certificate cannot name such a host.
    pub(super) fn server_name(&self) -> Option<ServerName<'static>> {
        match self.base.host()? {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).ok(),
            Host::Ipv4(address) => Some(IpAddr::from(address).into()),
            Host::Ipv6(address) => Some(IpAddr::from(address).into()),
        }
    }

    /// The vendor's other service at this address, whose keys are not a manager's: what it is, and what to do.
    #[must_use]
    pub(crate) fn other_service(&self) -> Option<(&'static str, String)> {
        other_service::of_host(self.base.host_str()?.trim_end_matches('.'))
    }

    /// Whether the manager is one that the vendor runs, where signing in with a password may not be possible (section 3).
    #[must_use]
    pub(crate) fn is_hosted(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        HOSTED.iter().any(|domain| is_under(host, domain))
    }

    /// The same address with https, as it is written.
    #[must_use]
    pub(super) fn over_https(&self) -> String {
        let shown = self.to_string();
        let rest = shown.split_once("://").map_or("", |(_, rest)| rest);
        format!("https://{rest}")
    }

    /// The same address with the manager's usual port, as it is written; none if it names a port other than that of https.
    #[must_use]
    pub(super) fn at_usual_port(&self) -> Option<String> {
        if !self.is_encrypted() || self.port() != 443 || self.is_hosted() {
            return None;
        }
        let mut base = self.base.clone();
        base.set_port(Some(DEFAULT_PORT)).ok()?;
        Some(Self { base }.to_string())
    }

    /// Whether it is https.
    #[must_use]
    pub(crate) fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Whether it is this machine itself; such an address is never sent through a proxy that only the environment names.
    #[must_use]
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.base.as_str().trim_end_matches('/');
        formatter.write_str(shown)?;
        // Where this is read again, one is taken off again.
        if shown.ends_with(API) {
            formatter.write_str(API)?;
        }
        Ok(())
    }
}

/// What is wrong with the text as a whole.
fn surroundings(text: &str) -> Option<&'static str> {
    if text.trim() != text {
        return Some("there are blanks or line ends around it");
    }
    // A URL leaves out some of them, wherever they stand.
    if text.contains(char::is_control) {
        return Some("it holds control characters");
    }
    if text.starts_with(QUOTES) || text.ends_with(QUOTES) {
        return Some("there are quotes around it");
    }
    (text.contains("${") || text.contains("$("))
        .then_some("it holds a variable that was not expanded")
}

/// Where the address of a manager ends in the path of a page: one of the console, or of the manager's interfaces. A manager may stand
/// behind a prefix, which is a path as well.
fn page_of(path: &str) -> Option<usize> {
    let mut before = (0, "");
    let mut begin = 0;
    for segment in path.split('/') {
        let name = segment.to_ascii_lowercase();
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        if PAGES.contains(&ending) {
            return Some(begin);
        }
        let of_interface = INTERFACES
            .iter()
            .find(|(interface, _)| *interface == before.1);
        if of_interface.is_some_and(|(_, objects)| objects.contains(&name.as_str())) {
            return Some(before.0);
        }
        before = (begin, segment);
        begin += segment.len() + 1;
    }
    None
}

/// A bare IPv6 address gets the brackets that a URL wants.
fn bracketed(text: &str) -> String {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => text.to_owned(),
    }
}

/// Whether a bare `HOST:PORT` names a port. Asked of the text, because a URL forgets a port that is its scheme's own (443).
fn names_a_port(text: &str) -> bool {
    if text.parse::<IpAddr>().is_ok() {
        return false;
    }
    let authority = authority(text);
    let after_host = authority.rsplit(']').next().unwrap_or(authority);
    after_host
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty())
}

/// Whether the host is this domain or in it.
pub(super) fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether it begins as a URL does whose slashes were forgotten; taken for a host, `https` would be sent the password.
fn names_a_scheme(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    ["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
}

/// What stands behind `https://`, where the text begins so: the two slashes may stand in a path as well.
fn behind_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.bytes().all(fits).then_some(rest)
}

/// The part with host and port, whether or not a scheme is before it. A URL takes a backslash for a slash, and any number of them.
fn authority(text: &str) -> &str {
    let rest = behind_scheme(text).unwrap_or(text);
    let rest = rest.trim_start_matches(['/', '\\']);
    rest.split(['/', '\\', '?', '#']).next().unwrap_or(rest)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
