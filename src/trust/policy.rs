//! Whom a run trusts, and what decided that: one function for every command.
//!
//! What is said wins over what is kept, and what is kept over the system: pins that are given, `--insecure` where it is allowed,
//! certificates that are given, the pin that is kept for this host and port, the system's roots. Nothing is read that does not decide.

use std::fmt;
use std::path::{Path, PathBuf};

use super::pin_store::Trusted;
use crate::config::{Settings, Source, Sourced};
use crate::error::Error;
use crate::manager::{Address, Pin, Pins, Trust};
use crate::storage::permissions::refuse_open_to_all;
use crate::storage::state_dir;

/// Whom to trust, and by whose word.
pub(crate) struct Decision {
    /// Whom.
    pub(crate) trust: Trust,
    /// By whose word.
    pub(crate) by: By,
}

/// What decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    /// Pins that were given.
    Pin(Source),
    /// Certificates that were given.
    Certificates(Source, PathBuf),
    /// A pin that is kept, in this file.
    Kept(PathBuf),
    /// A pin that a person confirmed in this run, and that could not be kept.
    Confirmed,
    /// Nobody is checked.
    Insecure(Source),
    /// The system's roots.
    System,
}

impl fmt::Display for By {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pin(source) => write!(formatter, "the pin in {source}"),
            Self::Certificates(source, path) => {
                write!(
                    formatter,
                    "the certificates in {} ({source})",
                    path.display()
                )
            }
            Self::Kept(path) => write!(formatter, "the pin in {}", path.display()),
            Self::Confirmed => formatter.write_str("the pin that was confirmed in this run"),
            Self::Insecure(source) => write!(formatter, "nobody: {source} switches the checks off"),
            Self::System => match system_roots() {
                Some(variable) => write!(formatter, "the system's roots, as {variable} names them"),
                None => formatter.write_str("the system's roots"),
            },
        }
    }
}

/// Which variable replaces the system's roots, as OpenSSL's users know it. Elsewhere the system's own verifier is asked, which reads none.
fn system_roots() -> Option<&'static str> {
    let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(any(windows, target_os = "macos")) {
        return None;
    }
    ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().find(set)
}

/// Whom this run trusts at `address`.
///
/// # Errors
/// Of usage, where what decides cannot be read, or `--insecure` is given although a pin is kept.
pub(crate) fn decide(settings: &Settings, address: &Address) -> Result<Decision, Error> {
    let pins = (settings.tls_pins.as_ref()).filter(|pins| settings.is_about(&pins.source, address));
    let ca_cert =
        (settings.ca_cert.as_ref()).filter(|path| settings.is_about(&path.source, address));
    if let Some(pins) = pins {
        if !address.is_encrypted() {
            return Err(Error::usage(
                format!(
                    "{} names the key to trust, and {address} shows none: http is spoken there",
                    pins.source
                ),
                "give an address with https, or leave the pin out",
            ));
        }
        // A pin is the narrowest of all, so nothing else widens it.
        let trust = Trust::Pins(Pins {
            pins: pins.value.clone(),
            place: pins.source.to_string(),
            remedy: "change the pin".to_owned(),
            kept_for: None,
        });
        let by = By::Pin(pins.source.clone());
        return Ok(Decision { trust, by });
    }
    match (&settings.insecure, ca_cert) {
        (Some(source), _) => {
            if let Some((_, path)) = kept(address)? {
                return Err(Error::usage(
                    format!(
                        "{source} is refused, since {} holds a pin for {}",
                        path.display(),
                        address.host_and_port()
                    ),
                    format!(
                        "leave it out, or `swp-keys trust remove {}` first",
                        address.host_and_port()
                    ),
                ));
            }
            Ok(Decision {
                trust: Trust::Anybody,
                by: By::Insecure(source.clone()),
            })
        }
        (None, Some(path)) => certificates(settings, path),
        // Pins that this user cannot reach are not needed: without them, the system's roots decide.
        (None, None) if is_out_of_reach() => Ok(Decision {
            trust: Trust::System,
            by: By::System,
        }),
        (None, None) => Ok(match kept(address)? {
            Some((pins, path)) => Decision {
                trust: Trust::Pins(pins),
                by: By::Kept(path),
            },
            None => Decision {
                trust: Trust::System,
                by: By::System,
            },
        }),
    }
}

fn certificates(settings: &Settings, path: &Sourced<PathBuf>) -> Result<Decision, Error> {
    let loose = settings.allow_loose_permissions;
    Ok(Decision {
        trust: check_certificates(&path.value, &path.source, loose)?,
        by: By::Certificates(path.source.clone(), path.value.clone()),
    })
}

/// Reads a file of certificates, as every run does that trusts it.
///
/// # Errors
/// Returns a usage error if it cannot be read, holds no certificate, or may be written to by anybody and that is not `loose`.
pub(crate) fn check_certificates(
    path: &Path,
    source: &Source,
    loose: bool,
) -> Result<Trust, Error> {
    let source = source.to_string();
    if !loose {
        refuse_open_to_all(&source, path, "it decides who gets the password")?;
    }
    Trust::from_file(path, &source)
}

/// A pin that this run confirmed, where it could not be kept.
pub(crate) fn confirmed(pin: Pin) -> Decision {
    Decision {
        trust: Trust::Pins(Pins {
            pins: vec![pin],
            place: "confirmed in this run".to_owned(),
            remedy: "run it again".to_owned(),
            kept_for: None,
        }),
        by: By::Confirmed,
    }
}

fn is_out_of_reach() -> bool {
    Trusted::path().is_some_and(|path| state_dir::is_out_of_reach(&path))
}

fn kept(address: &Address) -> Result<Option<(Pins, PathBuf)>, Error> {
    let Some(path) = Trusted::path().filter(|_| address.is_encrypted()) else {
        return Ok(None);
    };
    let place = address.host_and_port();
    let kept = Trusted::read()?.managers.remove(&place);
    Ok(kept.map(|kept| {
        let pins = Pins {
            pins: kept.pins,
            place: path.display().to_string(),
            remedy: format!("`swp-keys trust remove {place}` and `swp-keys trust add {place}`"),
            kept_for: Some(place),
        };
        (pins, path)
    }))
}
