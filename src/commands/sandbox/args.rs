//! The flags of `sandbox`.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;

use crate::sandbox::{
    CertificateKind, FAULT_FORM, Fault, SecretShape, Settings, TlsVersions, UNKNOWNS,
};

const MANAGER: &str = "The simulated manager";
const FAULTS: &str = "Faults and unknown behaviour";

/// Run a simulated manager on a loopback address, to try out commands or pipelines.
///
/// `--username` (default: admin), `--password-file` (default: a random password), `--tenant` and `--mfa-code` define its administrator. The
/// environment variables of these flags are ignored.
///
/// Without CMD, the sandbox runs until it is interrupted. With CMD, it runs until CMD exits and returns the exit code of CMD. In CMD, this
/// program is first in PATH.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Loopback address to listen on; port 0 selects a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = loopback, help_heading = MANAGER)]
    pub(super) listen: SocketAddr,

    /// File with roles in addition to Full Access (1) and Auditor (2): a JSON array of role objects
    ///
    /// Example: [{"name": "SIEM Reader", "allowWebService": true}]. The fields have the manager's names, and the ID is optional. A role for API keys
    /// needs allowWebService.
    #[arg(long, value_name = "FILE", help_heading = MANAGER)]
    pub(super) roles: Option<PathBuf>,

    /// Number of additional roles that allow access to the API, but grant no right (role-000001, role-000002, ...)
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = MANAGER)]
    pub(super) many_roles: u32,

    /// File with keys that exist at the start: a JSON array of key objects
    ///
    /// The fields have the manager's names: keyName, description, roleID (default: 2, Auditor), active, created, lastSignIn, expiryDate, unlockTime,
    /// unsuccessfulSignInAttempts, locale, timeZone, ID and secretKey. All of them are optional. A time is a number of milliseconds, or a string
    /// relative to the start such as "-61d" or "+29d".
    #[arg(long, value_name = "FILE", help_heading = MANAGER)]
    pub(super) keys: Option<PathBuf>,

    /// File to write the keys to when the sandbox ends, without their secrets
    ///
    /// The file has the format of `--keys`.
    #[arg(long, value_name = "FILE", help_heading = MANAGER)]
    pub(super) keys_at_end: Option<PathBuf>,

    /// Number of keys that exist at the start (key-000001, key-000002, ...)
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = MANAGER)]
    pub(super) many_keys: u32,

    /// ID of the administrator's role
    #[arg(long, value_name = "ID", default_value_t = 1, help_heading = MANAGER)]
    pub(super) administrator_role: i64,

    /// TLS versions that the manager offers
    #[arg(long, value_name = "VERSION", default_value = "both",
          value_parser = PossibleValuesParser::new(TlsVersions::WORDS), help_heading = MANAGER)]
    pub(super) tls: String,

    /// Certificate to present
    #[arg(long, value_name = "KIND", default_value = "self-signed",
          value_parser = PossibleValuesParser::new(CertificateKind::WORDS), help_heading = MANAGER)]
    pub(super) certificate: String,

    /// Format of the secret keys
    #[arg(long, value_name = "SHAPE", default_value = "id",
          value_parser = PossibleValuesParser::new(SecretShape::WORDS), help_heading = MANAGER)]
    pub(super) secret_shape: String,

    /// Also accept API keys in the header `Authorization: ApiKey ...`, like Cloud One
    #[arg(long, help_heading = MANAGER)]
    pub(super) cloud_one: bool,

    /// Failed sign-ins before the account is locked
    #[arg(long, value_name = "N", default_value = "5", help_heading = MANAGER)]
    pub(super) sign_in_attempts: NonZeroU32,

    /// Maximum number of open sessions
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = MANAGER)]
    pub(super) sessions_max: usize,

    /// Idle time after which a session ends
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = lifetime, help_heading = MANAGER)]
    pub(super) session_idle: Duration,

    /// Maximum lifetime of a session
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = lifetime, help_heading = MANAGER)]
    pub(super) session_max: Duration,

    /// Maximum number of requests per user or key in 60 seconds (0 or "off": no limit)
    #[arg(long, value_name = "N", default_value = "500", value_parser = rate_limit, help_heading = MANAGER)]
    pub(super) rate_limit: RateLimit,

    /// Seconds by which the manager's clock is ahead of this machine's (negative: behind)
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true, help_heading = MANAGER)]
    pub(super) clock_skew: i64,

    /// Treat the administrator's password as expired
    #[arg(long, help_heading = MANAGER)]
    pub(super) password_expired: bool,

    /// Inject a fault (repeatable)
    #[arg(long, value_name = "SPEC", long_help = format!("Inject a fault (repeatable). SPEC is {FAULT_FORM}"), help_heading = FAULTS)]
    pub(super) fault: Vec<Fault>,

    /// Select a behaviour of the manager that its documentation leaves open (repeatable; --help lists the choices)
    #[arg(long, value_name = "NAME=CHOICE", long_help = unknowns_help(), value_parser = unknown, help_heading = FAULTS)]
    pub(super) unknown: Vec<(String, String)>,

    /// Command to run, with SWP_URL and the other connection variables set
    #[arg(last = true, value_name = "CMD")]
    pub(super) command: Vec<String>,
}

/// Parses `--listen`.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "expected an address such as 127.0.0.1:4119 or [::1]:4119".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("expected a loopback address such as 127.0.0.1:4119".to_owned())
    }
}

/// A rate limit, or `None` for no limit. This is a separate type, because clap would treat a field of type `Option` as an optional flag.
#[derive(Clone, Copy)]
pub(super) struct RateLimit(pub(super) Option<u32>);

/// Parses a duration of at most a year. The error does not contain the message of `humantime`, because that message quotes the argument, which may be
/// a misplaced secret.
fn lifetime(text: &str) -> Result<Duration, &'static str> {
    match humantime::parse_duration(text) {
        Ok(time) if time <= Duration::from_secs(366 * 86_400) => Ok(time),
        Ok(_) => Err("expected a duration of at most a year"),
        Err(_) => Err("expected a duration such as 30m or 24h"),
    }
}

fn rate_limit(text: &str) -> Result<RateLimit, String> {
    match text {
        "off" | "0" => Ok(RateLimit(None)),
        number => number
            .parse()
            .map(|limit| RateLimit(Some(limit)))
            .map_err(|_| "expected a number or `off`".to_owned()),
    }
}

fn unknown(text: &str) -> Result<(String, String), String> {
    let (name, choice) = text
        .split_once('=')
        .ok_or("expected NAME=CHOICE, such as duplicate-name=409")?;
    Settings::default().unknowns.set(name, choice)?;
    Ok((name.to_owned(), choice.to_owned()))
}

/// Returns the help text of `--unknown`, with every name and its choices.
fn unknowns_help() -> String {
    let mut help = "Select a behaviour of the manager that its documentation leaves open (repeatable).\n\
                    A number is the status of an error response, and `accepted` means no error. The first choice is the default:"
        .to_owned();
    for unknown in UNKNOWNS {
        help.push_str(&format!(
            "\n\n{}={}\n  {}",
            unknown.name,
            unknown.choices.join("|"),
            unknown.about.trim()
        ));
    }
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_accepted() {
        assert!(loopback("127.0.0.1:4119").is_ok() && loopback("[::1]:0").is_ok());
        assert_eq!(
            loopback("0.0.0.0:4119"),
            Err("expected a loopback address such as 127.0.0.1:4119".to_owned())
        );
        assert!(loopback("localhost").is_err());
    }

    #[test]
    fn the_help_lists_every_unknown() {
        let help = unknowns_help();
        for unknown in UNKNOWNS {
            assert!(
                help.contains(&format!("{}={}", unknown.name, unknown.choices[0])),
                "{}",
                unknown.name
            );
        }
    }
}
