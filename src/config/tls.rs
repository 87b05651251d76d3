//! What flags, variables and profile say of whom to trust, and which of them wins.

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
    "write it as `sha256:` and the 64 hex digits of the SHA-256 of the certificate's public key";

/// The pins that count, as they were written.
struct PinTexts {
    texts: Vec<String>,
    source: Option<Source>,
}

fn given_ca_cert(origin: &Resolver<'_>, global: &GlobalArgs) -> Option<Sourced<PathBuf>> {
    origin.given_path(CA_CERT, global.ca_cert.clone())
}

fn given_pins(origin: &Resolver<'_>, global: &GlobalArgs) -> PinTexts {
    let texts = global.tls_pin.iter().map(|text| text.trim().to_owned());
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    let source = (!texts.is_empty()).then(|| origin.of(TLS_PIN));
    PinTexts { texts, source }
}

fn profile_pins(origin: &Resolver<'_>) -> PinTexts {
    let list = (origin.profile.as_ref()).and_then(|profile| profile.list("tls-pin"));
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

/// Every pin that counts. Certificates that flag or variable name win over the pins of a profile, as every other does.
pub(crate) fn pins(
    origin: &Resolver<'_>,
    global: &GlobalArgs,
) -> Result<Option<Sourced<Vec<Pin>>>, Error> {
    let given = given_pins(origin, global);
    let pins = if given.texts.is_empty() && given_ca_cert(origin, global).is_none() {
        profile_pins(origin)
    } else {
        given
    };
    // What is empty as a whole is not given; commas and blanks alone are a pin that was lost.
    let is_unset = (global.tls_pin.iter()).all(String::is_empty) && global.tls_pin.len() < 2;
    if pins.source.is_none() && !is_unset {
        return Err(Error::usage(
            format!("{} is not usable: it holds no pin", origin.of(TLS_PIN)),
            HINT,
        ));
    }
    let Some(source) = pins.source else {
        origin.tell("tls-pin", None, None);
        return Ok(None);
    };
    let parse = |text: &String| {
        text.parse()
            .map_err(|reason| Error::usage(format!("{source} is not usable: {reason}"), HINT))
    };
    let value: Vec<Pin> = pins.texts.iter().map(parse).collect::<Result<_, _>>()?;
    let shown: Vec<String> = value.iter().map(Pin::to_string).collect();
    origin.tell("tls-pin", Some(shown.join(",")), Some(source.clone()));
    Ok(Some(Sourced { value, source }))
}

/// The certificates that count.
pub(crate) fn ca_cert(origin: &Resolver<'_>, global: &GlobalArgs) -> Option<Sourced<PathBuf>> {
    let found = given_ca_cert(origin, global).or_else(|| {
        let named = origin.in_profile(CA_CERT)?;
        Some(named.map(PathBuf::from))
    });
    let shown = found.as_ref().map(|path| path.value.display().to_string());
    let source = found.as_ref().map(|path| path.source.clone());
    origin.tell("ca-cert", shown, source);
    found
}

/// A pin allows no exception, a profile's neither. A typed `--ca-cert` wins over SWP_INSECURE, as every flag does over a variable;
/// typed both, they contradict each other. No profile switches the checks off: nobody would notice.
pub(crate) fn insecure(
    origin: &Resolver<'_>,
    global: &GlobalArgs,
) -> Result<Option<Source>, Error> {
    let pinned = (given_pins(origin, global).source).or_else(|| profile_pins(origin).source);
    if let (true, Some(pinned)) = (global.insecure, pinned) {
        return Err(Error::usage(
            format!(
                "{} is refused, since {pinned} names the key to trust",
                origin.of(INSECURE)
            ),
            "leave one of them out",
        ));
    }
    let source = if global.insecure && !overruled(origin, global)? {
        Some(origin.of(INSECURE))
    } else {
        None
    };
    let shown = source.as_ref().map(|_| "yes".to_owned());
    origin.tell("insecure", shown, source.clone());
    Ok(source)
}

/// Whether the certificates that are given speak louder than the switch.
fn overruled(origin: &Resolver<'_>, global: &GlobalArgs) -> Result<bool, Error> {
    let Some(ca_cert) = given_ca_cert(origin, global) else {
        return Ok(false);
    };
    match (origin.of(INSECURE), ca_cert.source) {
        (insecure @ Source::Flag(_), ca_cert @ Source::Flag(_)) => Err(Error::usage(
            format!("{insecure} and {ca_cert} contradict each other"),
            "give the certificates to trust, or none",
        )),
        (insecure, ca_cert) => Ok(ca_cert.rank() < insecure.rank()),
    }
}
