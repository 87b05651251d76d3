//! The address of a proxy from a flag, a profile or an environment variable. An invalid address is an error, so that no run silently connects without
//! the proxy.

use std::fmt;

use url::Url;

use crate::manager::address::host;
use crate::secret::{self, Secret};

/// The maximum length of a proxy address.
const MAX_LENGTH: usize = 4096;

/// A proxy, and the setting that contains its address.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// The address of the proxy.
    pub(crate) address: ProxyAddress,
    /// The flag, environment variable or profile field that sets the address. Messages name it.
    pub(crate) source: String,
}

impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the proxy {} ({})", self.address, self.source)
    }
}

/// The address of a proxy. Its `Display` omits the user name and the password.
#[derive(Clone)]
pub(crate) struct ProxyAddress {
    shown: String,
    host: String,
    port: u16,
    is_encrypted: bool,
    /// The user name and the password in the form `USER:PASSWORD`, percent-encoded.
    credentials: Option<Secret>,
}

/// The reason why a proxy address is invalid. The text never contains the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProxyProblem {
    /// The reason.
    pub(crate) reason: &'static str,
    /// The hint that describes a valid address.
    pub(crate) hint: &'static str,
}

const FORMAT: &str = "use an http or https address such as http://proxy.example.com:3128";
const ENCODE: ProxyProblem = ProxyProblem {
    reason: "the user name or password contains a reserved character",
    hint: "percent-encode reserved characters in the user name and the password: `@` is %40, `:` is %3A, `/` is %2F, `#` is %23, `?` is \
           %3F, `%` is %25, and a space is %20",
};

impl ProxyAddress {
    /// Parses `http://HOST:PORT` or `https://HOST:PORT`, with or without `USER:PASSWORD@`. The default scheme is http.
    ///
    /// # Errors
    /// Returns the reason why the address is invalid. The reason does not repeat the address, which may contain a password.
    pub(crate) fn parse(text: &str) -> Result<Self, ProxyProblem> {
        let wrong = |reason| ProxyProblem {
            reason,
            hint: FORMAT,
        };
        if let Some(reason) = text_problem(text) {
            return Err(wrong(reason));
        }
        let is_bare = !text.contains("://");
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let is_encrypted = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            socks if socks.starts_with("socks") => {
                return Err(wrong("SOCKS is not supported"));
            }
            _ => return Err(wrong("the scheme is neither http nor https")),
        };
        let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if rest.contains('@') {
            return Err(ENCODE);
        }
        if !matches!(rest, "" | "/") {
            return Err(wrong("it contains a path, a query or a fragment"));
        }
        let (credentials, host_port) = match authority.rsplit_once('@') {
            Some((credentials, host_port)) => (Some(checked(credentials)?), host_port),
            None => (None, authority),
        };
        if let Some(reason) = host::problem(host_port) {
            return Err(wrong(reason));
        }
        // If the text is a single word, the error does not quote it, because it may be a secret that was pasted into the wrong field.
        if is_bare && !host_port.contains(':') {
            return Err(wrong("it has neither a scheme nor a port"));
        }
        let scheme = if is_encrypted { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{host_port}"))
            .map_err(|_| wrong("expected an address with a host and a port"))?;
        if let Some(reason) = host::parsed_problem(&url, host_port) {
            return Err(wrong(reason));
        }
        Ok(Self {
            shown: url.as_str().trim_end_matches('/').to_owned(),
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
            is_encrypted,
            credentials: credentials.map(|credentials| Secret::new(credentials.to_owned())),
        })
    }

    /// Returns true if the address contains a user name or a password.
    pub(crate) fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Returns the host without brackets, and the port.
    pub(crate) fn host_and_port(&self) -> (&str, u16) {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        (host, self.port)
    }

    /// Returns true if the connection to the proxy uses TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Returns the decoded user name and password.
    pub(crate) fn user_and_password(&self) -> Option<(Secret, Secret)> {
        let (user, password) = split(self.credentials.as_ref()?.expose());
        Some((decoded(user), decoded(password)))
    }

    /// Returns the complete address for the HTTP library. The library decodes the user name and the password.
    pub(crate) fn for_client(&self) -> Result<reqwest::Proxy, reqwest::Error> {
        let (scheme, place) = self
            .shown
            .split_once("://")
            .unwrap_or(("http", &self.shown));
        let (credentials, at) = match &self.credentials {
            Some(credentials) => (credentials.expose(), "@"),
            None => ("", ""),
        };
        let url = secret::joined(&[scheme, "://", credentials, at, place]);
        reqwest::Proxy::all(url.as_str())
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

/// Checks the text before it is parsed. Returns the first problem, such as leading spaces, or `None`.
fn text_problem(text: &str) -> Option<&'static str> {
    if text.trim() != text {
        return Some("it begins or ends with spaces or line breaks");
    }
    if text.starts_with(['"', '\'', '`']) || text.ends_with(['"', '\'', '`']) {
        return Some("it begins or ends with quotes");
    }
    (text.len() > MAX_LENGTH).then_some("it is too long")
}

/// Checks a user name and password against RFC 3986. A reserved character would end the user name or the password early, and the rest would be parsed
/// as the host.
fn checked(credentials: &str) -> Result<&str, ProxyProblem> {
    let (user, password) = split(credentials);
    if user.is_empty() {
        return Err(ProxyProblem {
            reason: "the user name is empty",
            hint: "use an address such as http://USER:PASSWORD@proxy.example.com:3128",
        });
    }
    if is_plain(user) && is_plain(password) {
        Ok(credentials)
    } else {
        Err(ENCODE)
    }
}

fn split(credentials: &str) -> (&str, &str) {
    credentials.split_once(':').unwrap_or((credentials, ""))
}

/// Returns true if the text consists of unreserved characters, sub-delimiters, and percent-encoded UTF-8.
fn is_plain(text: &str) -> bool {
    let is_encoded = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte))
        && text.split('%').skip(1).all(is_encoded)
        && std::str::from_utf8(&bytes(text)).is_ok()
}

fn decoded(text: &str) -> Secret {
    let bytes = bytes(text);
    Secret::new(String::from_utf8_lossy(&bytes).into_owned())
}

fn bytes(text: &str) -> zeroize::Zeroizing<Vec<u8>> {
    let mut pieces = text.split('%');
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(text.len()));
    bytes.extend_from_slice(pieces.next().unwrap_or_default().as_bytes());
    for piece in pieces {
        let (digits, rest) = piece.split_at(piece.len().min(2));
        bytes.extend(u8::from_str_radix(digits, 16));
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, &'static str> {
        let parsed = ProxyAddress::parse(text);
        parsed
            .map(|proxy| proxy.to_string())
            .map_err(|problem| problem.reason)
    }

    #[test]
    fn http_and_https_are_parsed_with_and_without_credentials() {
        for (text, wanted) in [
            (
                "http://proxy.example.com:3128",
                "http://proxy.example.com:3128",
            ),
            ("HTTPS://Proxy.example.com/", "https://proxy.example.com"),
            ("proxy.example.com:3128", "http://proxy.example.com:3128"),
            ("user:pa%40ss@proxy:3128", "http://proxy:3128"),
            ("http://proxy", "http://proxy"),
            ("http://user:p+a;s$s!@[::1]:3128", "http://[::1]:3128"),
            ("http://10.0.0.7:80", "http://10.0.0.7"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn credentials_are_decoded_once() {
        let proxy =
            ProxyAddress::parse("http://us%3Aer:p%2540%C3%BC@proxy").map_err(|why| why.reason);
        let (user, password) = (proxy.ok().and_then(|proxy| proxy.user_and_password()))
            .unwrap_or_else(|| panic!("no credentials"));
        assert_eq!((user.expose(), password.expose()), ("us:er", "p%40ü"));
    }

    #[test]
    fn an_invalid_address_is_rejected() {
        for (text, part) in [
            ("htpp://proxy:1", "neither http nor https"),
            ("tcp://proxy:1", "neither http nor https"),
            ("://proxy:1", "neither http nor https"),
            ("socks5://proxy:1080", "SOCKS"),
            ("SOCKS5H://proxy:1080", "SOCKS"),
            ("\"http://proxy:3128\"", "quotes"),
            ("'http://proxy:3128'", "quotes"),
            ("http://proxy:3128\r", "line breaks"),
            (" http://proxy:3128", "spaces"),
            ("http://", "host"),
            ("http://:3128", "host"),
            ("http:///", "host"),
            ("http://user@", "host"),
            ("http:proxy:3128", "scheme occurs twice"),
            ("http://http://proxy:3128", "path"),
            ("http://proxy:hunter2", "host and a port"),
            ("http://proxy:99999", "host and a port"),
            ("http://proxy:0", "port is 0"),
            ("3128", "neither a scheme nor a port"),
            ("http://3128", "number"),
            ("proxy", "neither a scheme nor a port"),
            ("http://b\u{fc}cher:3128", "ASCII"),
            ("http://b%C3%BCcher:3128", "ASCII"),
            ("http://${PROXY}:3128", "unexpanded"),
            ("$PROXY", "unexpanded"),
            ("http://proxy example:3128", "character"),
            ("http://proxy:3128/proxy.pac", "path"),
            ("http://proxy:3128?x", "path"),
            ("http://a..b:3128", "empty or too long"),
            ("http://:secret@proxy", "user name is empty"),
        ] {
            let reason = shown(text).err().unwrap_or_default();
            assert!(reason.contains(part), "{text:?}: {reason}");
        }
    }

    #[test]
    fn a_reserved_character_in_a_password_is_rejected() {
        for password in [
            "p@ss",
            "p:ss",
            "p/ss",
            "p#ss",
            "p?ss",
            "p\\ss",
            "p ss",
            "p%ss",
            "p[ss",
            "p\"ss",
            "p\u{fc}ss",
            "p%FFss",
            "${P}",
        ] {
            let problem = ProxyAddress::parse(&format!("http://user:{password}@proxy:3128"));
            assert_eq!(problem.err(), Some(ENCODE), "{password}");
        }
    }
}
