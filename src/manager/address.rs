//! Where the manager is: what a user may write, and what it means.

use std::fmt;
use std::net::IpAddr;

use rustls::pki_types::ServerName;
use url::{Host, Url};

use super::other_service;

/// The port of Deep Security Manager where nothing else is said (manager-api.md, section 1).
const DEFAULT_PORT: u16 = 4119;

/// The domains under which Workload Security is run for others (manager-api.md, section 1).
const HOSTED: [&str; 2] = ["cloudone.trendmicro.com", "deepsecurity.trendmicro.com"];

/// What a user may write behind the address, because the documentation does.
const API: &str = "/api";

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
        let text = text.trim();
        // A URL leaves out some of them, wherever they stand.
        if text.contains(char::is_control) {
            return Err("it holds control characters".to_owned());
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
        if authority(&full).contains('@') {
            return Err("it holds a user name or a password".to_owned());
        }
        if !has_ascii_host(&full) {
            return Err(
                "its host is not in plain ASCII; write it as it is on the wire, with xn--"
                    .to_owned(),
            );
        }
        let mut base = Url::parse(&full).map_err(|error| format!("it is no address ({error})"))?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err("it holds a user name or a password".to_owned());
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err("it holds a query or a fragment".to_owned());
        }
        if base.host_str().is_none_or(str::is_empty) {
            return Err("it names no host".to_owned());
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
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix(API).unwrap_or(path);
        let path = path.trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self { base })
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

/// Whether a URL names its host as it is on the wire. Neither is one name to look like another's, nor are tables of all of Unicode to be
/// carried along. To be asked before a URL is read: the library's part for other hosts is a stub here, which is not made for all of them.
pub(crate) fn has_ascii_host(url: &str) -> bool {
    let authority = authority(url);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    host.is_ascii() && !host.contains('%')
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
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Address::parse(text).map_or_else(
            |error| format!("error: {error}"),
            |address| address.to_string(),
        )
    }

    #[test]
    fn a_bare_host_means_https_and_4119() {
        assert_eq!(shown("dsm.example.com"), "https://dsm.example.com:4119");
        assert_eq!(
            shown("dsm.example.com/api/"),
            "https://dsm.example.com:4119"
        );
        assert_eq!(shown("dsm.example.com:443"), "https://dsm.example.com");
        assert_eq!(shown("10.0.0.7"), "https://10.0.0.7:4119");
        assert_eq!(shown("::1"), "https://[::1]:4119");
        assert_eq!(shown("[::1]:8443"), "https://[::1]:8443");
    }

    #[test]
    fn a_full_address_keeps_its_port_and_its_prefix() {
        assert_eq!(
            shown("https://workload.us-1.cloudone.trendmicro.com/api"),
            "https://workload.us-1.cloudone.trendmicro.com"
        );
        assert_eq!(
            shown("https://gate.example.com/dsm/api/"),
            "https://gate.example.com/dsm"
        );
        let address = Address::parse("https://gate.example.com/dsm/api/").ok();
        assert_eq!(
            address
                .map(|address| address.join("/api/roles/search").to_string())
                .as_deref(),
            Some("https://gate.example.com/dsm/api/roles/search")
        );
    }

    #[test]
    fn the_vendors_other_services_are_told_from_its_managers() {
        let parsed = |text: &str| Address::parse(text).unwrap_or_else(|reason| panic!("{reason}"));
        for (text, other, hosted) in [
            ("https://accounts.cloudone.trendmicro.com/api", true, true),
            ("accounts.us-1.cloudone.trendmicro.com:443", true, true),
            ("https://api.xdr.trendmicro.com/v3.0", true, false),
            ("https://API.EU.XDR.trendmicro.com", true, false),
            ("https://api.xdr.trendmicro.co.jp", true, false),
            ("portal.xdr.trendmicro.co.jp:443", true, false),
            ("https://api.xdr.trendmicro.co.jp.example.com", false, false),
            (
                "https://workload.us-1.cloudone.trendmicro.com/api",
                false,
                true,
            ),
            ("https://cloudone.trendmicro.com/api", false, true),
            ("https://app.deepsecurity.trendmicro.com/api", false, true),
            (
                "https://accounts.cloudone.trendmicro.com.example.com",
                false,
                false,
            ),
            ("https://notxdr.trendmicro.com", false, false),
            ("accounts.example.com", false, false),
        ] {
            let address = parsed(text);
            assert_eq!(address.other_service().is_some(), other, "{text}");
            assert_eq!(address.is_hosted(), hosted, "{text}");
        }
    }

    #[test]
    fn what_is_shown_means_the_same_when_it_is_read_again() {
        let shown = shown("https://gate.example.com/api/api/");
        assert_eq!(shown, "https://gate.example.com/api/api");
        for text in [&shown, "https://gate.example.com/dsm//api"] {
            let address = Address::parse(text);
            let shown = address.as_ref().map(ToString::to_string);
            let again = Address::parse(&shown.unwrap_or_default());
            assert_eq!(again, address);
        }
    }

    #[test]
    fn a_pin_is_for_a_host_however_it_is_written() {
        for text in [
            "DSM.example.com.",
            "https://dsm.example.com.:4119/x",
            "dsm.example.com:4119",
        ] {
            let address = Address::parse(text);
            let place = address.map(|address| address.host_and_port());
            assert_eq!(place, Ok("dsm.example.com:4119".to_owned()), "{text}");
        }
    }

    #[test]
    fn a_port_is_found_however_the_slashes_are_written() {
        assert_eq!(shown("//h:8443"), "https://h:8443");
        assert_eq!(shown(r"h\x:80"), "https://h:4119/x:80");
    }

    #[test]
    fn what_is_no_host_is_not_taken_for_one() {
        for text in ["https:/h", "HTTP:h", r"https:\\h", "https:443"] {
            assert!(shown(text).contains("lacks the two slashes"), "{text}");
        }
        for text in ["https://dsm\n.example.com", "https:\t//h", "h\0"] {
            assert!(shown(text).contains("control characters"), "{text}");
        }
        for text in [":@h", "https://@h"] {
            assert!(shown(text).contains("user name"), "{text}");
        }
    }

    #[test]
    fn http_is_for_loopback_only() {
        assert_eq!(shown("http://127.0.0.1:4010"), "http://127.0.0.1:4010");
        assert_eq!(shown("http://localhost:4010/api"), "http://localhost:4010");
        assert!(shown("http://dsm.example.com").starts_with("error: http is for loopback only"));
        assert!(shown("ftp://dsm.example.com").starts_with("error: it is neither"));
    }

    #[test]
    fn a_password_in_it_is_refused_and_not_repeated() {
        for text in [
            "https://admin:hunter2@dsm.example.com",
            "admin:hunter2@dsm.example.com",
            "https://hunter2@h",
        ] {
            let message = Address::parse(text).err().unwrap_or_default();
            assert!(message.contains("user name or a password"), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
        assert!(Address::parse("https://h/?password=hunter2").is_err());
        assert!(Address::parse("").is_err());
    }

    #[test]
    fn a_host_is_written_as_it_is_on_the_wire() {
        let encoded = "https://xn--bcher-kva.example";
        assert_eq!(shown(encoded), encoded);
        for host in [
            "bücher.example",
            "BÜCHER.example",
            "LL\u{ff0f}L",
            "B%C3%9Ccher",
            "faß",
        ] {
            assert!(
                shown(&format!("https://{host}")).contains("with xn--"),
                "{host}"
            );
            assert!(shown(host).contains("with xn--"), "{host}");
        }
        assert!(shown("https://a:pässwort@h").contains("user name or a password"));
        assert!(shown("https:/LL\u{ff0f}L/x://y").contains("two slashes"));
    }
}
