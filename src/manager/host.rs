//! The host in an address that a user wrote, checked before anything is sent to it.

use url::{Host, Url};

/// What is wrong with the part of an address that names host and port, if it cannot name a host.
pub(super) fn problem(host_and_port: &str) -> Option<&'static str> {
    if host_and_port.contains(['$', '{', '}']) {
        return Some("its host holds a variable that was not expanded");
    }
    if host_and_port.contains(['<', '>']) {
        return Some("its host holds a placeholder");
    }
    // As a shell of Windows has it; what is percent-encoded has two digits behind each.
    if host_and_port
        .split('%')
        .skip(1)
        .any(|rest| !begins_with_a_byte(rest))
    {
        return Some("its host holds a variable that was not expanded");
    }
    // A library may take an encoded or a foreign letter for another one.
    if !host_and_port.is_ascii() || host_and_port.contains('%') {
        return Some("its host is not in plain ASCII; write it as it is on the wire, with xn--");
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if !host_and_port.bytes().all(fits) {
        return Some("its host holds a character that a host cannot have");
    }
    let host = host_and_port.split(':').next().unwrap_or_default();
    let is_scheme = ["http", "https"]
        .iter()
        .any(|scheme| host.eq_ignore_ascii_case(scheme));
    is_scheme.then_some("it names its scheme twice")
}

fn begins_with_a_byte(text: &str) -> bool {
    let digits = text.as_bytes().get(..2);
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// What is wrong with a host that the library made of `host_and_port`.
pub(super) fn problem_of(url: &Url, host_and_port: &str) -> Option<&'static str> {
    if url.port() == Some(0) {
        return Some("its port is 0");
    }
    match url.host() {
        None => Some("it names no host"),
        // `4119` and `10.7` are read as addresses that were not meant.
        Some(Host::Ipv4(address)) => {
            let host = host_and_port.split(':').next().unwrap_or_default();
            let is_written_out = host.trim_end_matches('.') == address.to_string();
            (!is_written_out).then_some("its host is a number and not an IP address")
        }
        Some(Host::Ipv6(_)) => None,
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let is_label = |label: &str| (1..=63).contains(&label.len());
            (name.len() > 253 || !name.split('.').all(is_label))
                .then_some("a part of its host's name is empty or too long")
        }
    }
}
