//! Parses NO_PROXY, the list of hosts that are reached without a proxy.

use std::net::IpAddr;

/// Returns true if an entry of a NO_PROXY list matches `host` and `port`. `host` has no brackets and no trailing dot. An entry is a host name (which
/// also matches its subdomains), a pattern such as `*.example.com` (which matches only subdomains), an IP address, or a network such as `10.0.0.0/8`.
/// Each entry may end with a port, as in `example.com:8443`. The entry `*` matches every host.
pub(crate) fn names(list: &str, host: &str, port: u16) -> bool {
    let entries = list.split(|character: char| character == ',' || character.is_whitespace());
    let mut entries = entries.filter(|entry| !entry.is_empty());
    entries.any(|entry| {
        let (name, wanted) = name_and_port(entry);
        wanted.is_none_or(|wanted| wanted == port) && is_named(name, host)
    })
}

/// Splits an entry into the host and the port. An IPv6 address without brackets has no port.
fn name_and_port(entry: &str) -> (&str, Option<u16>) {
    let is_bare = |text: &str| network(text).is_some();
    match entry.rsplit_once(':') {
        Some((name, port)) if !is_bare(entry) => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn is_named(name: &str, host: &str) -> bool {
    if name == "*" {
        return true;
    }
    let name = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(host) = host.parse::<IpAddr>() {
        return network(name).is_some_and(|network| contains(network, host));
    }
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    let is_below = |domain: &str| {
        let above = host.strip_suffix(domain);
        !domain.is_empty() && above.is_some_and(|above| above.ends_with('.'))
    };
    match name.strip_prefix("*.") {
        Some(domain) => is_below(domain),
        None => {
            let domain = name.trim_start_matches('.');
            host == domain || is_below(domain)
        }
    }
}

/// Parses a network, such as `10.0.0.0/8`: an IP address and a prefix length.
fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = length.unwrap_or(longest);
    (length <= longest).then_some((address, length))
}

fn contains((network, length): (IpAddr, u32), host: IpAddr) -> bool {
    let differing = match (network, host) {
        (IpAddr::V4(network), IpAddr::V4(host)) => {
            (network.to_bits() ^ host.to_bits()).leading_zeros()
        }
        (IpAddr::V6(network), IpAddr::V6(host)) => {
            (network.to_bits() ^ host.to_bits()).leading_zeros()
        }
        _ => return false,
    };
    differing >= length
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_subdomains_ports_and_networks_match() {
        for (list, host) in [
            ("*", "dsm.example.com"),
            ("*", "10.1.2.3"),
            ("example.com", "example.com"),
            ("example.com", "DSM.Example.com"),
            (".example.com", "example.com"),
            (".example.com", "dsm.example.com"),
            ("*.example.com", "dsm.example.com"),
            ("*.example.com", "a.b.example.com"),
            ("EXAMPLE.com.", "dsm.example.com"),
            ("dsm.example.com:4119", "dsm.example.com"),
            ("*:4119", "dsm.example.com"),
            ("localhost, dsm.example.com", "dsm.example.com"),
            ("localhost dsm.example.com", "dsm.example.com"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3:4119", "10.1.2.3"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("0.0.0.0/0", "10.1.2.3"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("fd00::/8", "fd00::7"),
            ("fd00::7", "fd00::7"),
            ("[fd00::7]", "fd00::7"),
            ("[fd00::7]:4119", "fd00::7"),
        ] {
            assert!(names(list, host, 4119), "{list} {host}");
        }
    }

    #[test]
    fn other_hosts_do_not_match() {
        for (list, host) in [
            ("", "dsm.example.com"),
            (",", "dsm.example.com"),
            (".", "dsm.example.com"),
            ("*.", "dsm.example.com"),
            ("*.example.com", "example.com"),
            ("example.com", "notexample.com"),
            ("dsm.example.com:443", "dsm.example.com"),
            ("*:443", "dsm.example.com"),
            ("10.0.0.0/8", "11.1.2.3"),
            ("10.0.0.0/33", "10.1.2.3"),
            ("10.0.0.0/x", "10.1.2.3"),
            ("0.0.0.0/0", "fd00::7"),
            ("fd00::7", "fd00::8"),
            ("[fd00::7]:443", "fd00::7"),
            ("1.2.3", "10.1.2.3"),
        ] {
            assert!(!names(list, host, 4119), "{list} {host}");
        }
    }
}
