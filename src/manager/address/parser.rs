//! Parses the address of a manager, and suggests a correction for an invalid address.

use std::net::IpAddr;

use url::Url;

use super::host;
use super::manager_address::{API, Address, DEFAULT_PORT, is_loopback};

const QUOTES: [char; 3] = ['"', '\'', '`'];
const QUOTED: &str = "it begins or ends with quotes";

/// The file name extensions of web pages, such as the console's page `SignIn.screen`.
const PAGES: [&str; 6] = ["screen", "jsp", "html", "htm", "do", "aspx"];
/// The manager's interfaces. The entry `("rest", &["status"])` means that `rest/status` in a path belongs to the interface `rest`.
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

impl Address {
    /// Parses `https://HOST:PORT`, with or without a path. A final `/api` is removed from the path. A host without a scheme stands for https and port
    /// 4119.
    ///
    /// # Errors
    /// Returns the reason why the address is invalid. The reason does not repeat the address, because the address may contain a password.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(reason) = text_problem(text) {
            return Err(reason.to_owned());
        }
        let is_bare = after_scheme(text).is_none();
        if is_bare && begins_with_scheme(text) {
            return Err("the two slashes after `https:` are missing".to_owned());
        }
        let full = if is_bare {
            format!("https://{}", bracketed(text))
        } else {
            text.to_owned()
        };
        let mut base = parse_url(&full)?;
        if is_bare && !names_port(text) {
            base.set_port(Some(DEFAULT_PORT))
                .map_err(|()| "the host cannot have a port".to_owned())?;
        }
        if page_start(base.path()).is_some() {
            return Err("it is the address of a page, not of the manager".to_owned());
        }
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix(API).unwrap_or(path);
        let path = path.trim_end_matches('/').to_owned();
        // A quote at the end of the text was already rejected. Now the final `/api` is removed, so the quote in `https://dsm/x'/api` is at the end.
        if path.ends_with(QUOTES) {
            return Err(QUOTED.to_owned());
        }
        base.set_path(&path);
        Ok(Self::from_checked(base))
    }

    /// Returns a corrected address for an invalid address. Quotes, spaces and the path of a console page are removed, missing slashes are added, and
    /// the scheme becomes https.
    #[must_use]
    pub(crate) fn suggestion_for(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix(QUOTES).unwrap_or(text);
        let text = text.strip_suffix(QUOTES).unwrap_or(text).trim();
        let (scheme, rest) = match after_scheme(text) {
            Some(rest) => (&text[..text.len() - rest.len() - "://".len()], rest),
            None => match text.split_once(':') {
                Some((scheme, rest)) if begins_with_scheme(text) => (scheme, rest),
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
        let (host_port, path) = rest.split_at(path);
        // If the path leads to a known page of the manager, the part of the path before this page is kept. Any other path is removed, because it may
        // be a secret that was pasted into the wrong field.
        let path = page_start(path).map_or("", |page| &path[..page]);
        let prefix = if scheme.is_empty() { "" } else { "https://" };
        Self::parse(&format!("{prefix}{host_port}{path}")).ok()
    }
}

/// Parses a full URL and checks everything except its path.
fn parse_url(full: &str) -> Result<Url, String> {
    const CREDENTIALS: &str = "it contains a user name or a password";
    let host_port = authority(full);
    if host_port.contains('@') {
        return Err(CREDENTIALS.to_owned());
    }
    if let Some(reason) = host::problem(host_port) {
        return Err(reason.to_owned());
    }
    let url = Url::parse(full).map_err(|error| format!("it is not a valid address ({error})"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(CREDENTIALS.to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it contains a query or a fragment".to_owned());
    }
    if let Some(reason) = host::parsed_problem(&url, host_port) {
        return Err(reason.to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(
            "http is allowed only for loopback addresses, because credentials require https"
                .to_owned(),
        ),
        _ => Err("the scheme is neither https nor http".to_owned()),
    }
}

/// Checks the text before it is parsed. Returns the first problem, such as leading spaces, or `None`.
fn text_problem(text: &str) -> Option<&'static str> {
    if text.trim() != text {
        return Some("it begins or ends with spaces or line breaks");
    }
    // Control characters are rejected here, because the URL library would ignore some of them.
    if text.contains(char::is_control) {
        return Some("it contains control characters");
    }
    if text.starts_with(QUOTES) || text.ends_with(QUOTES) {
        return Some(QUOTED);
    }
    (text.contains("${") || text.contains("$(")).then_some("it contains an unexpanded variable")
}

/// Returns the offset in `path` of the first known page or interface. The offset is 5 in `/dsm/SignIn.screen` and in `/dsm/api/roles`. A reverse
/// proxy may serve the manager under the part before the offset, such as `/dsm`. Returns `None` if `path` contains no known page or interface.
fn page_start(path: &str) -> Option<usize> {
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

/// Adds the brackets that a URL requires around an IPv6 address.
fn bracketed(text: &str) -> String {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => text.to_owned(),
    }
}

/// Returns true if an address without a scheme contains a port, such as `dsm:443`. This function checks the text, because a parsed https URL does not
/// show port 443.
fn names_port(text: &str) -> bool {
    if text.parse::<IpAddr>().is_ok() {
        return false;
    }
    let authority = authority(text);
    let after_host = authority.rsplit(']').next().unwrap_or(authority);
    after_host
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty())
}

/// Returns true if the text begins with `http:` or `https:`. Without this check, `https:dsm` would be parsed as a host with the name `https`, and the
/// password would be sent to that host.
fn begins_with_scheme(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    ["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
}

/// Returns the text after a scheme and `://`. `None` if the text before `://` is not a scheme.
fn after_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.bytes().all(fits).then_some(rest)
}

/// Returns the host and port of an address with or without a scheme. Like the URL library, this function accepts backslashes and any
/// number of slashes.
fn authority(text: &str) -> &str {
    let rest = after_scheme(text).unwrap_or(text);
    let rest = rest.trim_start_matches(['/', '\\']);
    rest.split(['/', '\\', '?', '#']).next().unwrap_or(rest)
}
