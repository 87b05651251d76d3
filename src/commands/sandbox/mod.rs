//! `sandbox`: a simulated manager on loopback, to try things and to test pipelines.
//!
//! Alone it serves until a signal ends it; with a command it serves for as long as that runs, and exits as that did.

mod child;
mod environment;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;

use super::Outcome;
use crate::auth::secret_source;
use crate::config::credential_check::CredentialKind;
use crate::config::{SecretSource, Source, Sourced};
use crate::context::Context;
use crate::error::Error;
use crate::sandbox::{
    CertificateKind, FAULT_FORM, Fault, Sandbox, SecretShape, Settings, TlsVersions, UNKNOWNS,
    random_password,
};
use crate::secret::Secret;
use crate::storage::parse_error::json_problem;
use crate::terminal::output::env_line;
use environment::Workplace;

const MANAGER: &str = "The simulated manager";
const TROUBLE: &str = "What goes wrong, and what nobody knows";

/// A simulated manager on loopback, for trying things and for testing pipelines.
///
/// Its administrator is `--username` (admin), with the password that `--password-file` holds (else a random one), in the
/// tenant `--tenant`, with the code `--mfa-code`, each where given. Variables that name a real manager do not count here.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to listen; loopback only, and port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = loopback, help_heading = MANAGER)]
    listen: SocketAddr,

    /// More roles than Full Access (1) and Auditor (2): a JSON array of the manager's role objects
    #[arg(long, value_name = "FILE", help_heading = MANAGER)]
    roles: Option<PathBuf>,

    /// So many roles without rights on top of those, named role-000001 and on
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = MANAGER)]
    many_roles: u32,

    /// So many keys are there from the start, named key-000001 and on
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = MANAGER)]
    many_keys: u32,

    /// The ID of the administrator's role
    #[arg(long, value_name = "ID", default_value_t = 1, help_heading = MANAGER)]
    administrator_role: i64,

    /// The TLS versions that are spoken
    #[arg(long, value_name = "VERSION", default_value = "both",
          value_parser = PossibleValuesParser::new(TlsVersions::WORDS), help_heading = MANAGER)]
    tls: String,

    /// The certificate that is shown
    #[arg(long, value_name = "KIND", default_value = "self-signed",
          value_parser = PossibleValuesParser::new(CertificateKind::WORDS), help_heading = MANAGER)]
    certificate: String,

    /// What secret keys look like
    #[arg(long, value_name = "SHAPE", default_value = "id",
          value_parser = PossibleValuesParser::new(SecretShape::WORDS), help_heading = MANAGER)]
    secret_shape: String,

    /// Also accept keys as `Authorization: ApiKey ...`, as Cloud One does
    #[arg(long, help_heading = MANAGER)]
    cloud_one: bool,

    /// So many wrong passwords or codes lock the account
    #[arg(long, value_name = "N", default_value = "5", help_heading = MANAGER)]
    sign_in_attempts: NonZeroU32,

    /// So many sessions may live at once
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = MANAGER)]
    sessions_max: usize,

    /// A session ends when it was idle for so long
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = lifetime, help_heading = MANAGER)]
    session_idle: Duration,

    /// A session ends when it is so old
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = lifetime, help_heading = MANAGER)]
    session_max: Duration,

    /// So many calls a user or key may make in 60 seconds; 0 or off is no limit
    #[arg(long, value_name = "N", default_value = "500", value_parser = rate_limit, help_heading = MANAGER)]
    rate_limit: RateLimit,

    /// How far the manager's clock is ahead, in seconds; negative is behind
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true, help_heading = MANAGER)]
    clock_skew: i64,

    /// The administrator's password has expired
    #[arg(long, help_heading = MANAGER)]
    password_expired: bool,

    /// Let something go wrong; repeatable
    #[arg(long, value_name = "SPEC", long_help = format!("Let something go wrong; repeatable. SPEC is {FAULT_FORM}"), help_heading = TROUBLE)]
    fault: Vec<Fault>,

    /// Choose what is played where the manager's behaviour is not known; repeatable, and --help lists all
    #[arg(long, value_name = "NAME=CHOICE", long_help = unknowns_help(), value_parser = unknown, help_heading = TROUBLE)]
    unknown: Vec<(String, String)>,

    /// Run this with SWP_URL and the like set and this program first in PATH, and exit as it does
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
}

/// Runs the sandbox, and CMD in it where there is one. With CMD, signals are CMD's to answer.
pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    let settings = settings(args, context).await?;
    let account = Account::of(&settings);
    let sandbox = Sandbox::start(settings).map_err(|error| {
        Error::usage(
            format!("the sandbox cannot start: {error:#}"),
            "see `swp-keys sandbox --help`",
        )
    })?;
    for fault in &args.fault {
        sandbox.inject(fault.clone());
    }
    sandbox.add_roles(args.many_roles);
    sandbox.add_keys(args.many_keys);
    let workplace = Workplace::set_up(&sandbox, &account)?;
    match args.command.split_first() {
        None => serve(&workplace, context).await,
        Some((program, arguments)) => {
            context.output.note(&format!(
                "a sandbox serves {} while `{program}` runs",
                sandbox.url()
            ));
            child::run(program, arguments, &workplace, &context.signals)
                .await
                .map(Outcome::Child)
        }
    }
}

/// Whom the simulated manager knows.
struct Account {
    username: String,
    password: String,
    tenant: Option<String>,
    mfa_code: Option<String>,
}

impl Account {
    fn of(settings: &Settings) -> Account {
        Account {
            username: settings.username.clone(),
            password: settings.password.clone(),
            tenant: settings.tenant.clone(),
            mfa_code: settings.mfa_code.clone(),
        }
    }
}

async fn serve(workplace: &Workplace, context: &Context) -> Result<Outcome, Error> {
    let lines = workplace
        .variables()
        .iter()
        .map(|(name, value)| format!("export {}", env_line(name, value)));
    context.output.data(&lines.collect::<String>())?;
    context
        .output
        .note("the sandbox serves until Ctrl-C; run the lines above where you want to use it");
    context.signals.first_signal().await;
    Ok(Outcome::Done)
}

async fn settings(args: &Args, context: &Context) -> Result<Settings, Error> {
    let given = &context.settings;
    let defaults = Settings::default();
    let mut settings = Settings {
        listen: args.listen,
        tls: TlsVersions::named(&args.tls).unwrap_or_default(),
        certificate: CertificateKind::named(&args.certificate).unwrap_or_default(),
        secret_shape: SecretShape::named(&args.secret_shape).unwrap_or_default(),
        username: typed(&given.username).cloned().unwrap_or(defaults.username),
        password: typed_secret(&given.password, CredentialKind::Password, context)
            .await?
            .unwrap_or_else(random_password),
        tenant: typed(&given.tenant).cloned(),
        mfa_code: typed_secret(&given.mfa, CredentialKind::MfaCode, context).await?,
        password_expired: args.password_expired,
        administrator_role: args.administrator_role,
        roles: args
            .roles
            .as_deref()
            .map(roles)
            .transpose()?
            .unwrap_or_default(),
        sign_in_attempts: args.sign_in_attempts.get(),
        sessions_max: args.sessions_max,
        session_idle: args.session_idle,
        session_max: args.session_max,
        rate_limit: args.rate_limit.0,
        clock_skew_seconds: args.clock_skew,
        cloud_one: args.cloud_one,
        ..Settings::default()
    };
    for (name, choice) in &args.unknown {
        settings
            .unknowns
            .set(name, choice)
            .map_err(|error| Error::usage(error, "see `swp-keys sandbox --help`"))?;
    }
    Ok(settings)
}

/// A value from the command line; what a variable says is about a real manager.
fn typed<T>(value: &Option<Sourced<T>>) -> Option<&T> {
    value
        .as_ref()
        .filter(|sourced| matches!(sourced.source, Source::Flag(_)))
        .map(|sourced| &sourced.value)
}

async fn typed_secret(
    value: &Option<Sourced<SecretSource>>,
    kind: CredentialKind,
    context: &Context,
) -> Result<Option<String>, Error> {
    let Some(sourced) = value
        .as_ref()
        .filter(|sourced| matches!(sourced.source, Source::Flag(_)))
    else {
        return Ok(None);
    };
    let loose = context.settings.allow_loose_permissions;
    let secret: Secret = secret_source::read(sourced, kind, loose, &context.signals).await?;
    Ok(Some(secret.expose().to_owned()))
}

fn roles(path: &Path) -> Result<Vec<serde_json::Value>, Error> {
    let usage = |reason: String| {
        Error::usage(
            format!("`--roles`: {} {reason}", path.display()),
            "write a JSON array of roles, such as [{\"name\": \"Operator\", \"allowWebService\": true}]",
        )
    };
    let text = std::fs::read(path).map_err(|error| usage(format!("cannot be read: {error}")))?;
    serde_json::from_slice(&text)
        .map_err(|error| usage(format!("is not a list of roles: {}", json_problem(&error))))
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "write it like 127.0.0.1:4119 or [::1]:4119".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("the sandbox listens on loopback only".to_owned())
    }
}

/// A limit, or none. A type of its own, because clap gives `Option` another meaning.
#[derive(Clone, Copy)]
struct RateLimit(Option<u32>);

/// How long a session may live; a year at most. The words of the library are not used, because they quote the value.
fn lifetime(text: &str) -> Result<Duration, &'static str> {
    match humantime::parse_duration(text) {
        Ok(time) if time <= Duration::from_secs(366 * 86_400) => Ok(time),
        Ok(_) => Err("it is longer than a year"),
        Err(_) => Err("write a duration such as 30m or 24h"),
    }
}

fn rate_limit(text: &str) -> Result<RateLimit, String> {
    match text {
        "off" | "0" => Ok(RateLimit(None)),
        number => number
            .parse()
            .map(|limit| RateLimit(Some(limit)))
            .map_err(|_| "write a number, or off".to_owned()),
    }
}

fn unknown(text: &str) -> Result<(String, String), String> {
    let (name, choice) = text
        .split_once('=')
        .ok_or("write it like duplicate-name=409")?;
    Settings::default().unknowns.set(name, choice)?;
    Ok((name.to_owned(), choice.to_owned()))
}

/// Every open question, with its choices; the first is the default.
fn unknowns_help() -> String {
    let mut help = "Choose what is played where the manager's behaviour is not known; repeatable.\n\
                    A number is a status, `accepted` is no refusal; the first choice is the default:"
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
    fn only_loopback_is_listened_on() {
        assert!(loopback("127.0.0.1:4119").is_ok() && loopback("[::1]:0").is_ok());
        assert_eq!(
            loopback("0.0.0.0:4119"),
            Err("the sandbox listens on loopback only".to_owned())
        );
        assert!(loopback("localhost").is_err());
    }

    #[test]
    fn the_help_names_every_open_question() {
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
