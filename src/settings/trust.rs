//! What the flags and variables say of whom to trust, and which of them wins.

use super::{Origin, Source, Sourced};
use crate::cli::Global;
use crate::error::Error;
use crate::manager::Pin;

/// Every pin that is given; `None` where none is.
pub(super) fn pins(
    origin: &Origin<'_>,
    given: &[String],
) -> Result<Option<Sourced<Vec<Pin>>>, Error> {
    let source = origin.of("tls_pin", "--tls-pin", "SWP_TLS_PIN");
    let given = given.iter().map(|text| text.trim());
    let pins: Vec<Pin> = given
        .filter(|text| !text.is_empty())
        .map(|text| {
            text.parse().map_err(|reason| {
                Error::usage(
                    format!("{source} is not usable: {reason}"),
                    "write it as `sha256:` and the 64 hex digits of the SHA-256 of the certificate's public key",
                )
            })
        })
        .collect::<Result<_, _>>()?;
    Ok((!pins.is_empty()).then_some(Sourced {
        value: pins,
        source,
    }))
}

/// A pin allows no exception. A typed `--ca-cert` wins over SWP_INSECURE, as every flag does over a variable; typed both, they contradict each other.
pub(super) fn insecure(origin: &Origin<'_>, global: &Global) -> Result<Option<Source>, Error> {
    let insecure = origin.of("insecure", "--insecure", "SWP_INSECURE");
    let ca_cert = global
        .ca_cert
        .as_ref()
        .filter(|path| !path.as_os_str().is_empty());
    let pinned = global.tls_pin.iter().any(|text| !text.trim().is_empty());
    if global.insecure && pinned {
        return Err(Error::usage(
            format!(
                "{insecure} is refused, since {} names the key to trust",
                origin.of("tls_pin", "--tls-pin", "SWP_TLS_PIN")
            ),
            "leave one of them out",
        ));
    }
    if !global.insecure || ca_cert.is_none() {
        return Ok(global.insecure.then_some(insecure));
    }
    let ca_cert = origin.of("ca_cert", "--ca-cert", "SWP_CA_CERT");
    match (insecure, ca_cert) {
        (Source::Flag(_), Source::Variable(_)) => Ok(Some(insecure)),
        (Source::Variable(_), Source::Flag(_)) => Ok(None),
        (Source::Variable(_), Source::Variable(_)) => Ok(Some(insecure)),
        (insecure, ca_cert) => Err(Error::usage(
            format!("{insecure} and {ca_cert} contradict each other"),
            "give the certificates to trust, or none",
        )),
    }
}
