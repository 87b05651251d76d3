//! Resolves a host and opens a TCP connection to it, to find out at which step a connection fails. No data is sent.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};

use super::error::{Cause, ManagerError};
use super::http::hints::WAIT_FOR_START;

/// Returns the IP addresses of a host, with the port. `host` is a host name, or an IP address without brackets.
///
/// # Errors
/// Returns an error if the host has no address, or if the system's resolver does not respond within `limit`.
pub(crate) async fn resolve(
    host: &str,
    port: u16,
    limit: Duration,
) -> Result<Vec<SocketAddr>, ManagerError> {
    // `localhost` is always this machine (RFC 6761, section 6.3), so the system's resolver is not used. The HTTP client does the same.
    if host.eq_ignore_ascii_case("localhost") {
        let loopback = [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        return Ok(loopback.map(|ip| SocketAddr::new(ip, port)).to_vec());
    }
    let failed = |reason: &str| {
        ManagerError::new(
            Cause::Unreachable,
            format!("could not resolve `{host}`: {reason}"),
            Some("check the host in `--url` and the DNS settings of this machine".to_owned()),
        )
    };
    let found = within(limit, lookup_host((host, port))).await;
    let addresses: Vec<SocketAddr> = found.map_err(|error| failed(&error.to_string()))?.collect();
    if addresses.is_empty() {
        return Err(failed("the host name does not resolve to an address"));
    }
    Ok(addresses)
}

/// Tries the addresses in order until one of them accepts a TCP connection. Closes the connection and returns that address.
///
/// # Errors
/// Returns the error for the last address if no address accepts a connection.
pub(crate) async fn connect(
    addresses: &[SocketAddr],
    limit: Duration,
) -> Result<SocketAddr, ManagerError> {
    let mut failure = None;
    for address in addresses {
        match within(limit, TcpStream::connect(address)).await {
            Ok(_) => return Ok(*address),
            Err(error) => failure = Some(connect_failure(address, &error)),
        }
    }
    Err(failure.unwrap_or_else(|| {
        let message = "could not connect: the host has no address".to_owned();
        ManagerError::new(Cause::Unreachable, message, None)
    }))
}

fn connect_failure(address: &SocketAddr, error: &io::Error) -> ManagerError {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        return ManagerError::new(
            Cause::ConnectionRefused,
            format!("connection refused by {address}"),
            Some(format!("check the host and the port; {WAIT_FOR_START}")),
        );
    }
    ManagerError::new(
        Cause::Unreachable,
        format!("could not connect to {address}: {error}"),
        Some("check the host, the port, firewalls and the proxy settings".to_owned()),
    )
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "timed out")),
    }
}
