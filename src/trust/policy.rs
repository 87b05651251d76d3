//! Decides how a run verifies the manager, and records which setting determined the method.
//!
//! The first of these settings that is present takes effect: pins from a flag, a variable or a profile; `--insecure`; a certificate file; a
//! pin stored for this host and port; the system's root certificates. If one of these settings takes effect, the files of the settings
//! after it are not read.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::pin_store::PinStore;
use crate::config::{Settings, Source, Sourced};
use crate::error::Error;
use crate::manager::{Address, Pin, PinSet, Trust};
use crate::storage::locations;
use crate::storage::permissions::refuse_world_writable;

/// The method by which the manager's certificate is verified, and the setting that selected this method.
pub(crate) struct TrustDecision {
    /// The verification method.
    pub(crate) trust: Trust,
    /// The setting.
    pub(crate) source: TrustSource,
}

impl TrustDecision {
    fn system() -> Self {
        Self {
            trust: Trust::System,
            source: TrustSource::System,
        }
    }

    /// Returns the decision for a certificate whose public key the user confirmed in this run. Used if the pin could not be stored.
    pub(crate) fn confirmed(pin: Pin) -> Self {
        Self {
            trust: Trust::Pins(PinSet {
                pins: vec![pin],
                source: "confirmed in this run".to_owned(),
                remedy: "run the command again".to_owned(),
                stored_for: None,
            }),
            source: TrustSource::Confirmed,
        }
    }
}

/// The setting that selected the verification method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TrustSource {
    /// Pins from a flag, a variable or a profile.
    Pin(Source),
    /// A certificate file named by a flag, a variable or a profile.
    Certificates(Source, PathBuf),
    /// A pin stored in this file.
    PinStore(PathBuf),
    /// The public key that the user confirmed in this run, if its pin could not be stored.
    Confirmed,
    /// `--insecure`: every certificate is accepted.
    Insecure(Source),
    /// The system's root certificates.
    System,
}

impl fmt::Display for TrustSource {
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
            Self::PinStore(path) => write!(formatter, "the pin in {}", path.display()),
            Self::Confirmed => formatter.write_str("the pin confirmed in this run"),
            Self::Insecure(source) => write!(formatter, "{source} (certificates are not verified)"),
            Self::System => match system_roots() {
                Some(variable) => write!(formatter, "the root certificates in {variable}"),
                None => formatter.write_str("the system's root certificates"),
            },
        }
    }
}

/// Returns the environment variable that overrides the system's root certificates, as in OpenSSL. The variable is `SSL_CERT_FILE` or `SSL_CERT_DIR`.
/// On Windows and macOS, these variables have no effect.
fn system_roots() -> Option<&'static str> {
    let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(any(windows, target_os = "macos")) {
        return None;
    }
    ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().find(set)
}

/// The trust settings of a run.
pub(crate) struct TrustPolicy {
    /// The manager's address in the settings. The trust settings in a profile apply only to the manager at this address.
    own_address: Option<Address>,
    /// The pins from a flag, a variable or a profile.
    pins: Option<Sourced<Vec<Pin>>>,
    /// The setting that disables verification.
    insecure: Option<Source>,
    ca_cert: Option<Sourced<PathBuf>>,
    allow_loose_permissions: bool,
}

impl TrustPolicy {
    /// Returns the policy for the settings of a run.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            own_address: settings
                .manager
                .as_ref()
                .map(|manager| manager.value.clone()),
            pins: settings.tls_pins.clone(),
            insecure: settings.insecure.clone(),
            ca_cert: settings.ca_cert.clone(),
            allow_loose_permissions: settings.allow_loose_permissions,
        }
    }

    /// Returns the pins that a flag, a variable or a profile sets for the manager at `address`.
    pub(crate) fn pins_for(&self, address: &Address) -> Option<&Sourced<Vec<Pin>>> {
        let pins = self.pins.as_ref();
        pins.filter(|pins| self.applies_to(&pins.source, address))
    }

    /// Returns true if a setting from `source` applies to the manager at `address`.
    fn applies_to(&self, source: &Source, address: &Address) -> bool {
        !matches!(source, Source::File(_)) || self.own_address.as_ref() == Some(address)
    }

    /// Returns true if `--insecure` disables the verification of certificates.
    pub(crate) fn is_insecure(&self) -> bool {
        self.insecure.is_some()
    }

    /// Returns how to verify the manager at `address`.
    ///
    /// # Errors
    /// Returns a usage error if the certificate file or the pin store cannot be read, or if a pin is set for an address without TLS. Also
    /// returns a usage error if `--insecure` is set and a pin is stored for this manager.
    pub(crate) fn resolve(&self, address: &Address) -> Result<TrustDecision, Error> {
        // Pins are the strictest setting, so they override all other settings.
        if let Some(pins) = self.pins_for(address) {
            return given_pins(pins, address);
        }
        if let Some(source) = &self.insecure {
            return insecure(source, address);
        }
        let ca_cert = (self.ca_cert.as_ref()).filter(|path| self.applies_to(&path.source, address));
        if let Some(path) = ca_cert {
            let allow_loose = self.allow_loose_permissions;
            return Ok(TrustDecision {
                trust: load_certificates(&path.value, &path.source, allow_loose)?,
                source: TrustSource::Certificates(path.source.clone(), path.value.clone()),
            });
        }
        // If this user has no access to the pin store, the manager is verified with the system's root certificates.
        if PinStore::path().is_some_and(|path| locations::is_out_of_reach(&path)) {
            return Ok(TrustDecision::system());
        }
        Ok(
            stored_pins(address)?.map_or_else(TrustDecision::system, |(pins, path)| {
                TrustDecision {
                    trust: Trust::Pins(pins),
                    source: TrustSource::PinStore(path),
                }
            }),
        )
    }
}

fn given_pins(pins: &Sourced<Vec<Pin>>, address: &Address) -> Result<TrustDecision, Error> {
    if !address.is_encrypted() {
        return Err(Error::usage(
            format!(
                "{} sets a pin, but {address} uses http, which has no certificate",
                pins.source
            ),
            "use an https address, or omit the pin",
        ));
    }
    Ok(TrustDecision {
        trust: Trust::Pins(PinSet {
            pins: pins.value.clone(),
            source: pins.source.to_string(),
            remedy: "change the pin".to_owned(),
            stored_for: None,
        }),
        source: TrustSource::Pin(pins.source.clone()),
    })
}

fn insecure(source: &Source, address: &Address) -> Result<TrustDecision, Error> {
    if let Some((_, path)) = stored_pins(address)? {
        let host = address.host_and_port();
        return Err(Error::usage(
            format!(
                "{source} cannot be used, because {} contains a pin for {host}",
                path.display()
            ),
            format!("omit {source}, or run `swp-keys trust remove {host}` first"),
        ));
    }
    Ok(TrustDecision {
        trust: Trust::Insecure,
        source: TrustSource::Insecure(source.clone()),
    })
}

/// Reads the certificate file.
///
/// # Errors
/// Returns a usage error if the file cannot be read or contains no certificate, or if every user can write to it and `allow_loose` is
/// false.
pub(crate) fn load_certificates(
    path: &Path,
    source: &Source,
    allow_loose: bool,
) -> Result<Trust, Error> {
    let source = source.to_string();
    if !allow_loose {
        refuse_world_writable(
            &source,
            path,
            "its content decides which server receives the password",
        )?;
    }
    let invalid = |reason: String| {
        Error::usage(
            format!("{source}: {} {reason}", path.display()),
            "pass a PEM file that contains one or more certificates",
        )
    };
    // The file type is checked first. A pipe is not allowed, because opening it would block and because the file may be read more than once.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(invalid("is not a regular file".to_owned()));
    }
    let content = fs::read(path).map_err(|error| invalid(format!("could not be read: {error}")))?;
    // The buffer is zeroed on drop, because the file may also contain a private key.
    let content = Zeroizing::new(content);
    Trust::from_certificate_file(&content, source.clone()).map_err(invalid)
}

/// Returns the pins that are stored for the manager at `address`, and the path of the pin store.
fn stored_pins(address: &Address) -> Result<Option<(PinSet, PathBuf)>, Error> {
    let Some(path) = PinStore::path().filter(|_| address.is_encrypted()) else {
        return Ok(None);
    };
    let host = address.host_and_port();
    let known = PinStore::read()?.managers.remove(&host);
    Ok(known.map(|known| {
        let pins = PinSet {
            pins: known.pins,
            source: path.display().to_string(),
            remedy: format!("run `swp-keys trust remove {host}` and `swp-keys trust add {host}`"),
            stored_for: Some(host),
        };
        (pins, path)
    }))
}
