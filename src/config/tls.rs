//! Resolves the TLS settings from flags, environment variables and the profile.

use std::path::PathBuf;

use super::global_args::GlobalArgs;
use super::resolver::{Resolver, SettingKey};
use super::source::{Source, Sourced};
use crate::error::Error;
use crate::manager::Pin;

const CA_CERT: SettingKey = ("ca_cert", "--ca-cert", "SWP_CA_CERT");
const TLS_PIN: SettingKey = ("tls_pin", "--tls-pin", "SWP_TLS_PIN");
const INSECURE: SettingKey = ("insecure", "--insecure", "SWP_INSECURE");

const HINT: &str =
    "use `sha256:` followed by 64 hex digits, the SHA-256 fingerprint of the manager's public key";

/// The pins as text that is not parsed yet, and the setting that contains the pins.
struct PinTexts {
    texts: Vec<String>,
    source: Option<Source>,
}

fn given_ca_cert(resolver: &Resolver<'_>, global: &GlobalArgs) -> Option<Sourced<PathBuf>> {
    resolver.given_path(CA_CERT, global.ca_cert.clone())
}

fn given_pins(resolver: &Resolver<'_>, global: &GlobalArgs) -> PinTexts {
    let texts = global.tls_pin.iter().map(|text| text.trim().to_owned());
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    let source = (!texts.is_empty()).then(|| resolver.source_of(TLS_PIN));
    PinTexts { texts, source }
}

fn profile_pins(resolver: &Resolver<'_>) -> PinTexts {
    let list = (resolver.profile.as_ref()).and_then(|profile| profile.list("tls-pin"));
    match list.filter(|list| !list.value.is_empty()) {
        Some(list) => PinTexts {
            texts: list.value,
            source: Some(list.source),
        },
        None => PinTexts {
            texts: Vec::new(),
            source: None,
        },
    }
}

/// Returns the pins. If `--ca-cert` or SWP_CA_CERT is set, the pins in the profile are ignored, because flags and environment variables take
/// precedence over the profile.
///
/// # Errors
/// Returns a usage error if a pin is invalid, or if the setting contains only commas and spaces.
pub(crate) fn pins(
    resolver: &Resolver<'_>,
    global: &GlobalArgs,
) -> Result<Option<Sourced<Vec<Pin>>>, Error> {
    let given = given_pins(resolver, global);
    let pins = if given.texts.is_empty() && given_ca_cert(resolver, global).is_none() {
        profile_pins(resolver)
    } else {
        given
    };
    // An empty value means that no pin is set. A value with only commas and spaces is an error, because the user probably forgot the pin.
    let is_unset = (global.tls_pin.iter()).all(String::is_empty) && global.tls_pin.len() < 2;
    if pins.source.is_none() && !is_unset {
        return Err(Error::usage(
            format!("{} contains no pin", resolver.source_of(TLS_PIN)),
            HINT,
        ));
    }
    let Some(source) = pins.source else {
        resolver.record("tls-pin", None, None);
        return Ok(None);
    };
    let parse = |text: &String| {
        text.parse()
            .map_err(|reason| Error::usage(format!("invalid value for {source}: {reason}"), HINT))
    };
    let value: Vec<Pin> = pins.texts.iter().map(parse).collect::<Result<_, _>>()?;
    let shown: Vec<String> = value.iter().map(Pin::to_string).collect();
    resolver.record("tls-pin", Some(shown.join(",")), Some(source.clone()));
    Ok(Some(Sourced { value, source }))
}

/// Returns the path of the file with the trusted certificates.
pub(crate) fn ca_cert(resolver: &Resolver<'_>, global: &GlobalArgs) -> Option<Sourced<PathBuf>> {
    let found = given_ca_cert(resolver, global).or_else(|| {
        let named = resolver.in_profile(CA_CERT)?;
        Some(named.map(PathBuf::from))
    });
    let shown = found.as_ref().map(|path| path.value.display().to_string());
    let source = found.as_ref().map(|path| path.source.clone());
    resolver.record("ca-cert", shown, source);
    found
}

/// Returns the flag or environment variable that disables the verification of the certificate. A profile cannot disable it, because users would not
/// notice.
///
/// # Errors
/// Returns a usage error if verification is disabled and a pin is set, even if the pin is in a profile. Also returns a usage error if both
/// `--insecure` and `--ca-cert` are set. `--ca-cert` with SWP_INSECURE is not an error: the flag has precedence, so verification stays enabled.
pub(crate) fn insecure(
    resolver: &Resolver<'_>,
    global: &GlobalArgs,
) -> Result<Option<Source>, Error> {
    let pinned = (given_pins(resolver, global).source).or_else(|| profile_pins(resolver).source);
    if let (true, Some(pinned)) = (global.insecure, pinned) {
        return Err(Error::usage(
            format!(
                "{} cannot be combined with the pin in {pinned}",
                resolver.source_of(INSECURE)
            ),
            "remove one of the two settings",
        ));
    }
    let source = if global.insecure && !is_overridden(resolver, global)? {
        Some(resolver.source_of(INSECURE))
    } else {
        None
    };
    let shown = source.as_ref().map(|_| "yes".to_owned());
    resolver.record("insecure", shown, source.clone());
    Ok(source)
}

/// Returns true if the trusted certificates in `--ca-cert` or SWP_CA_CERT take precedence over the setting that disables verification.
fn is_overridden(resolver: &Resolver<'_>, global: &GlobalArgs) -> Result<bool, Error> {
    let Some(ca_cert) = given_ca_cert(resolver, global) else {
        return Ok(false);
    };
    match (resolver.source_of(INSECURE), ca_cert.source) {
        (insecure @ Source::Flag(_), ca_cert @ Source::Flag(_)) => Err(Error::usage(
            format!("{insecure} cannot be combined with {ca_cert}"),
            "remove one of the two settings",
        )),
        (insecure, ca_cert) => Ok(ca_cert.rank() < insecure.rank()),
    }
}
