//! Checks the host in an address from the user before anything is sent to it.

use url::{Host, Url};

/// Checks the part `HOST:PORT` of an address. Returns the first problem, or `None` if there is no problem.
pub(crate) fn problem(host_and_port: &str) -> Option<&'static str> {
    if host_and_port.contains(['$', '{', '}']) {
        return Some("the host contains an unexpanded variable");
    }
    if host_and_port.contains(['<', '>']) {
        return Some("the host contains a placeholder");
    }
    // `%NAME%` is a variable in cmd.exe. It is not percent-encoding, in which two hex digits follow each `%`.
    if host_and_port
        .split('%')
        .skip(1)
        .any(|rest| !begins_with_hex_byte(rest))
    {
        return Some("the host contains an unexpanded variable");
    }
    // The URL library may replace an encoded or non-ASCII character with a different character, so the address could lead to a different host.
    if !host_and_port.is_ascii() || host_and_port.contains('%') {
        return Some("the host is not ASCII; use its xn-- form");
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if !host_and_port.bytes().all(fits) {
        return Some("the host contains an invalid character");
    }
    let host = host_and_port.split(':').next().unwrap_or_default();
    let is_scheme = ["http", "https"]
        .iter()
        .any(|scheme| host.eq_ignore_ascii_case(scheme));
    is_scheme.then_some("the scheme occurs twice")
}

fn begins_with_hex_byte(text: &str) -> bool {
    let digits = text.as_bytes().get(..2);
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Checks the host that the URL library parsed from `host_and_port`. Returns the first problem, or `None` if the host is valid.
pub(crate) fn parsed_problem(url: &Url, host_and_port: &str) -> Option<&'static str> {
    if url.port() == Some(0) {
        return Some("the port is 0");
    }
    match url.host() {
        None => Some("the host is missing"),
        // The URL library parses numbers such as `4119` and `10.7` as IP addresses. Only a complete IP address is accepted.
        Some(Host::Ipv4(address)) => {
            let host = host_and_port.split(':').next().unwrap_or_default();
            let is_written_out = host.trim_end_matches('.') == address.to_string();
            (!is_written_out).then_some("the host is a number, not an IP address")
        }
        Some(Host::Ipv6(_)) => None,
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let is_label = |label: &str| (1..=63).contains(&label.len());
            (name.len() > 253 || !name.split('.').all(is_label))
                .then_some("a part of the host name is empty or too long")
        }
    }
}

/// Returns true if the host is `domain` or one of its subdomains.
pub(crate) fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
