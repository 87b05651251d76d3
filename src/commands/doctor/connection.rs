//! The checks of the connection: name resolution, TCP, proxy and TLS. They send no HTTP request to the manager. They send only a TLS handshake and,
//! if there is a proxy, a CONNECT request to the proxy.

use std::net::SocketAddr;

use chrono::Utc;

use super::checkup::Checkup;
use super::finding::Finding;
use super::finding::names::{NAME_RESOLUTION, PROXY, TCP, TLS};
use crate::config::ProxyChoice;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::manager::reachability;
use crate::manager::{Cause, Manager, ManagerError, ServerCertificate};
use crate::target::Target;
use crate::trust::policy::TrustSource;

/// The check warns if the certificate expires in less than this number of days.
const EXPIRES_SOON: i64 = 30;

/// The host to which this run opens its TCP connection: the manager, or the proxy if there is one.
struct Hop {
    host: String,
    port: u16,
    is_proxy: bool,
}

impl Hop {
    fn of(target: &Target, choice: &ProxyChoice) -> Self {
        let proxy = choice.proxy.as_ref().map(|proxy| proxy.host_and_port());
        let (host, port) = proxy.unwrap_or((target.address.host(), target.address.port()));
        Self {
            host: host.to_owned(),
            port,
            is_proxy: proxy.is_some(),
        }
    }

    fn role(&self) -> &'static str {
        if self.is_proxy { " (the proxy)" } else { "" }
    }
}

/// The result of a TLS handshake with the manager.
type Handshake = Result<ServerCertificate, ManagerError>;

/// Checks the connection to the manager: name resolution, TCP, proxy and certificate.
///
/// # Errors
/// Returns an error only if a signal interrupts the checks. Any other error becomes a finding.
pub(super) async fn check(
    target: &Target,
    sends_secrets: bool,
    checkup: &mut Checkup,
    context: &Context,
) -> Result<(), Error> {
    if checkup.is_blocked() {
        skip(checkup);
        return Ok(());
    }
    let choice = target.proxy();
    if choice.is_err() {
        checkup.block_after(PROXY);
    }
    let hop = choice.as_ref().ok().map(|choice| Hop::of(target, choice));
    let addresses = async {
        let hop = hop.as_ref().ok_or_else(no_hop)?;
        resolve(hop, target).await
    };
    let addresses = checkup
        .step(NAME_RESOLUTION, context.signals.cancel(addresses))
        .await?
        .unwrap_or_default();
    let connecting = async {
        let hop = hop.as_ref().ok_or_else(no_hop)?;
        connect(hop, &addresses, target).await
    };
    checkup
        .step(TCP, context.signals.cancel(connecting))
        .await?;
    let has_credentials = (choice.as_ref().ok())
        .and_then(|choice| choice.proxy.as_ref())
        .is_some_and(|proxy| proxy.has_credentials());
    let handshake = if checkup.is_blocked() || (has_credentials && !sends_secrets) {
        None
    } else {
        let handshake = async { handshake(target, context).await.transpose() };
        let handshake = async { Ok(handshake.await) };
        context.signals.cancel(handshake).await?
    };
    let proxy = choice.and_then(|choice| proxy(&choice, handshake.as_ref()));
    if proxy.is_err() {
        checkup.block_after(PROXY);
    }
    checkup.add_result(PROXY, proxy)?;
    if has_credentials && !sends_secrets {
        checkup.block(
            "not run, because this check would send the user name and password of the proxy",
            Some("add `--sign-in` to run this check"),
        );
    }
    let tls = async {
        let finding = tls(target, handshake)?;
        Ok((finding, ()))
    };
    checkup.step(TLS, tls).await?;
    Ok(())
}

/// Reports the checks of this module as skipped, because an earlier check failed.
pub(super) fn skip(checkup: &mut Checkup) {
    for name in [NAME_RESOLUTION, TCP, PROXY, TLS] {
        checkup.skip(name);
    }
}

/// Returns the error for a missing [`Hop`]: the proxy setting is invalid, so the host to connect to is unknown. The user never sees this error,
/// because `doctor` then skips the checks of the connection.
fn no_hop() -> Error {
    Error::unexpected("the proxy is invalid")
}

async fn resolve(hop: &Hop, target: &Target) -> Result<(Finding, Vec<SocketAddr>), Error> {
    let Hop { host, port, .. } = hop;
    let addresses = reachability::resolve(host, *port, target.connect_timeout()).await?;
    let role = hop.role();
    let message = match addresses.as_slice() {
        [one] if one.ip().to_string() == *host => format!("{host}{role} is an IP address"),
        several => {
            let ips: Vec<String> = several.iter().map(|one| one.ip().to_string()).collect();
            format!("{host}{role} is {}", ips.join(", "))
        }
    };
    Ok((Finding::ok(message), addresses))
}

async fn connect(
    hop: &Hop,
    addresses: &[SocketAddr],
    target: &Target,
) -> Result<(Finding, ()), Error> {
    let connected = reachability::connect(addresses, target.connect_timeout()).await;
    let connected = connected.map_err(|error| match target.address.at_usual_port() {
        Some(address) if !hop.is_proxy => {
            let hint = format!("if the manager listens on port 4119, use {address}");
            error.with_hint(hint)
        }
        _ => error,
    })?;
    let message = format!("{connected}{} accepts connections", hop.role());
    Ok((Finding::ok(message), ()))
}

/// Performs the TLS handshake. Returns `None` if the manager's address does not use TLS.
async fn handshake(target: &Target, context: &Context) -> Result<Option<Handshake>, Error> {
    if !target.address.is_encrypted() {
        return Ok(None);
    }
    let connection = target.connection(context)?;
    Ok(Some(Manager::probe(&connection).await))
}

/// Reports which proxy is used, and which setting selects the proxy.
///
/// # Errors
/// If the proxy refused to connect to the manager, returns the error of the handshake.
fn proxy(
    choice: &ProxyChoice,
    handshake: Option<&Result<Handshake, Error>>,
) -> Result<Finding, Error> {
    if let Some(Ok(Err(error))) = handshake
        && *error.cause() == Cause::ProxyRefused
    {
        return Err(error.clone().into());
    }
    Ok(Finding::ok(match (&choice.proxy, &choice.source) {
        (Some(proxy), Some(source)) => format!("{proxy} is used ({source})"),
        (Some(proxy), None) => format!("{proxy} is used"),
        (None, Some(source)) => format!("no proxy is used, because {source} lists the host"),
        (None, None) => "no proxy applies to this manager".to_owned(),
    }))
}

/// Checks the manager's certificate against the settings and stored pins, without asking the user.
fn tls(target: &Target, handshake: Option<Result<Handshake, Error>>) -> Result<Finding, Error> {
    let Some(handshake) = handshake else {
        return Ok(Finding::ok(
            "the manager is on this machine and the address uses http, so there is no certificate",
        ));
    };
    let certificate = handshake??;
    if let Some(problem) = &certificate.problem {
        let host = target.address.host_and_port();
        let message = format!("the certificate of {host} {}", problem.description);
        return Err(Error::new(ErrorKind::Trust, message).hint(&problem.hint));
    }
    let source = target.trust()?.source;
    if let TrustSource::Insecure(source) = &source {
        return Ok(Finding::warning(
            format!("the certificate is not verified, because of {source}"),
            "use `--ca-cert` or `--tls-pin` instead",
        ));
    }
    let accepted = format!("the certificate is trusted, because of {source}");
    let Some(end) = certificate.details.not_after else {
        return Ok(Finding::ok(accepted));
    };
    let days = (end - Utc::now()).num_days();
    let date = format_time(end.timestamp_millis());
    if end <= Utc::now() {
        return Ok(Finding::warning(
            format!("{accepted}, but it expired on {date}"),
            "renew the certificate of the manager",
        ));
    }
    let message = format!("{accepted}; it expires on {date} (in {days} days)");
    Ok(if days < EXPIRES_SOON {
        Finding::warning(
            message,
            "renew the certificate of the manager before it expires",
        )
    } else {
        Finding::ok(message)
    })
}
