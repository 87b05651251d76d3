//! What the flags and variables mean: flag > environment > default, every value with its source.
//!
//! Nothing is read from a file, a command or the terminal here; `secret_source.rs` does that when a secret is needed.

mod told;
mod trust;

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::cli::{ApiKeyScheme, Global};
use crate::error::Error;
use crate::manager::{Address, Pin};
use crate::secret::Secret;
pub(crate) use told::Told;

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// This flag on the command line.
    Flag(&'static str),
    /// This environment variable.
    Variable(&'static str),
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => write!(formatter, "`{name}`"),
        }
    }
}

/// A value, and where it came from.
#[derive(Clone)]
pub(crate) struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}

/// Where a secret is to be read from.
#[derive(Clone)]
pub(crate) enum SecretSource {
    /// Standard input, to its end.
    Stdin,
    /// A file.
    File(PathBuf),
    /// The output of a command that is run without a shell.
    Command(String),
    /// Given as it is, in a variable or as a code that lives for seconds.
    Value(Secret),
}

/// Everything the flags and variables say.
pub(crate) struct Settings {
    /// The manager.
    pub manager: Option<Sourced<Address>>,
    /// The tenant.
    pub tenant: Option<Sourced<String>>,
    /// The administrator's name.
    pub username: Option<Sourced<String>>,
    /// Where the password comes from; a prompt where nothing is said.
    pub password: Option<Sourced<SecretSource>>,
    /// Where the code of the second factor comes from.
    pub mfa: Option<Sourced<SecretSource>>,
    /// Where an existing API key comes from.
    pub api_key: Option<Sourced<SecretSource>>,
    /// Which header that key goes into.
    pub api_key_scheme: ApiKeyScheme,
    /// Sign in although the lock-out guard says no.
    pub(crate) force_login: bool,
    /// Read secrets from files that others may read.
    pub allow_loose_permissions: bool,
    /// The certificates to trust.
    pub ca_cert: Option<Sourced<PathBuf>>,
    /// The keys to trust; none where certificates decide.
    pub(crate) tls_pins: Option<Sourced<Vec<Pin>>>,
    /// What says to trust any certificate, if anything does.
    pub insecure: Option<Source>,
    /// Pin an unknown manager's key without asking.
    pub(crate) tls_accept_new: bool,
    /// The proxy, where the command line names one.
    pub proxy: Option<String>,
    /// How long to wait for a manager that is starting.
    pub wait: Option<Duration>,
    /// How long one request may take.
    pub timeout: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How often a read may be repeated.
    pub retries: u32,
    /// How long to look for the outcome of a request whose answer was lost.
    pub(crate) settle_timeout: Duration,
    /// Make no secret where no record of the run can be kept.
    pub(crate) require_journal: bool,
    /// Leave the session on the manager.
    pub no_sign_out: bool,
    /// Never prompt.
    pub no_input: bool,
    /// Say more than the result.
    pub(crate) verbose: bool,
    /// What all of these are, and where each came from, for people.
    pub(crate) told: Vec<Told>,
}

impl Settings {
    /// Gives `global` its meaning; `matches` knows what was typed and what came from the environment.
    ///
    /// # Errors
    /// Of usage, naming the flag or variable at fault.
    pub(crate) fn resolve(global: Global, matches: &ArgMatches) -> Result<Self, Error> {
        let origin = Origin { matches };
        let password = password(&origin, &global)?;
        let mfa = mfa(&origin, &global)?;
        let api_key = api_key(&origin, &global)?;
        let insecure = trust::insecure(&origin, &global)?;
        let mut settings = Self {
            manager: address(&origin, global.url.clone())?,
            tenant: origin.text("tenant", "--tenant", "SWP_TENANT", global.tenant.clone()),
            username: origin.text(
                "username",
                "--username",
                "SWP_USERNAME",
                global.username.clone(),
            ),
            password,
            mfa,
            api_key,
            api_key_scheme: global.api_key_scheme,
            force_login: global.force_login,
            allow_loose_permissions: global.allow_loose_permissions,
            ca_cert: origin.path(
                "ca_cert",
                "--ca-cert",
                "SWP_CA_CERT",
                global.ca_cert.clone(),
            ),
            insecure,
            tls_accept_new: global.tls_accept_new,
            tls_pins: trust::pins(&origin, &global.tls_pin)?,
            proxy: global.proxy.clone().filter(|text| !text.is_empty()),
            wait: (global.wait.as_deref().filter(|text| !text.is_empty()))
                .map(|text| duration(&origin.of("wait", "--wait", "SWP_WAIT"), text))
                .transpose()?,
            timeout: duration(
                &origin.of("timeout", "--timeout", "SWP_TIMEOUT"),
                &global.timeout,
            )?,
            connect_timeout: duration(
                &origin.of(
                    "connect_timeout",
                    "--connect-timeout",
                    "SWP_CONNECT_TIMEOUT",
                ),
                &global.connect_timeout,
            )?,
            retries: global.retries,
            settle_timeout: duration(
                &origin.of("settle_timeout", "--settle-timeout", "SWP_SETTLE_TIMEOUT"),
                &global.settle_timeout,
            )?,
            require_journal: global.require_journal,
            no_sign_out: global.no_sign_out,
            no_input: global.no_input,
            verbose: global.verbose > 0,
            told: Vec::new(),
        };
        settings.told = told::all(&settings, &origin, &global);
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), Error> {
        let readers: Vec<Source> = [&self.password, &self.mfa, &self.api_key]
            .into_iter()
            .flatten()
            .filter(|secret| matches!(secret.value, SecretSource::Stdin))
            .map(|secret| secret.source)
            .collect();
        if let [first, second, ..] = readers[..] {
            return Err(Error::usage(
                format!("{first} and {second} both read stdin"),
                "give one of them a file or a command",
            ));
        }
        let typed = |secret: &Option<Sourced<SecretSource>>| {
            secret
                .as_ref()
                .is_some_and(|secret| matches!(secret.source, Source::Flag(_)))
        };
        if typed(&self.api_key) && (typed(&self.password) || typed(&self.mfa)) {
            return Err(Error::usage(
                "an API key and a password or code were both given on the command line",
                "give one way to sign in",
            ));
        }
        Ok(())
    }

    /// The manager's address.
    ///
    /// # Errors
    /// Of usage, where none was given.
    pub(crate) fn address(&self) -> Result<&Address, Error> {
        self.manager
            .as_ref()
            .map(|address| &address.value)
            .ok_or_else(|| {
                Error::usage(
                    "no manager is given",
                    "say where it is: `--url https://dsm.example.com:4119`, or SWP_URL",
                )
            })
    }
}

/// Tells flag from variable.
struct Origin<'a> {
    matches: &'a ArgMatches,
}

impl Origin<'_> {
    fn of(&self, id: &str, flag: &'static str, variable: &'static str) -> Source {
        match self.matches.value_source(id) {
            Some(ValueSource::EnvVariable) => Source::Variable(variable),
            _ => Source::Flag(flag),
        }
    }

    /// An empty value counts as none: that is how a variable is switched off in many a CI system.
    fn text(
        &self,
        id: &str,
        flag: &'static str,
        variable: &'static str,
        value: Option<String>,
    ) -> Option<Sourced<String>> {
        let value = value.filter(|text| !text.is_empty())?;
        Some(Sourced {
            value,
            source: self.of(id, flag, variable),
        })
    }

    fn path(
        &self,
        id: &str,
        flag: &'static str,
        variable: &'static str,
        value: Option<PathBuf>,
    ) -> Option<Sourced<PathBuf>> {
        let value = value.filter(|path| !path.as_os_str().is_empty())?;
        Some(Sourced {
            value,
            source: self.of(id, flag, variable),
        })
    }
}

fn address(origin: &Origin<'_>, url: Option<String>) -> Result<Option<Sourced<Address>>, Error> {
    let Some(url) = origin.text("url", "--url", "SWP_URL", url) else {
        return Ok(None);
    };
    match Address::parse(&url.value) {
        Ok(value) => Ok(Some(Sourced {
            value,
            source: url.source,
        })),
        Err(reason) => Err(Error::usage(
            format!("{} is not usable: {reason}", url.source),
            "write it like https://dsm.example.com:4119",
        )),
    }
}

/// What a flag or variable says of a span of time.
///
/// # Errors
/// Of usage, naming it.
pub(crate) fn duration(source: &Source, text: &str) -> Result<Duration, Error> {
    let usage = |reason: String| {
        Error::usage(
            format!("{source} is not usable: {reason}"),
            "write a duration such as 30s, 5m or 1h30m",
        )
    };
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err(usage("it is no time at all".to_owned())),
        Ok(duration) => Ok(duration),
        Err(error) => Err(usage(error.to_string())),
    }
}

/// Rank: a flag, then SWP_PASSWORD_FILE, SWP_PASSWORD_COMMAND, and SWP_PASSWORD last. Two flags contradict each other.
fn password(origin: &Origin<'_>, global: &Global) -> Result<Option<Sourced<SecretSource>>, Error> {
    let file = origin
        .path(
            "password_file",
            "--password-file",
            "SWP_PASSWORD_FILE",
            global.password_file.clone(),
        )
        .map(from_file);
    let stdin = global.password_stdin.then_some(Sourced {
        value: SecretSource::Stdin,
        source: Source::Flag("--password-stdin"),
    });
    let command = origin
        .text(
            "password_command",
            "--password-command",
            "SWP_PASSWORD_COMMAND",
            global.password_command.clone(),
        )
        .map(from_command);
    first_of([stdin, file, command, variable("SWP_PASSWORD")?])
}

fn mfa(origin: &Origin<'_>, global: &Global) -> Result<Option<Sourced<SecretSource>>, Error> {
    let code = global
        .mfa_code
        .clone()
        .filter(|code| !code.is_empty())
        .map(|code| Sourced {
            value: SecretSource::Value(Secret::new(code)),
            source: Source::Flag("--mfa-code"),
        });
    let command = origin
        .text(
            "mfa_command",
            "--mfa-command",
            "SWP_MFA_COMMAND",
            global.mfa_command.clone(),
        )
        .map(from_command);
    first_of([code, command, variable("SWP_MFA_CODE")?])
}

fn api_key(origin: &Origin<'_>, global: &Global) -> Result<Option<Sourced<SecretSource>>, Error> {
    let file = origin
        .path(
            "api_key_file",
            "--api-key-file",
            "SWP_API_KEY_FILE",
            global.api_key_file.clone(),
        )
        .map(from_file);
    first_of([file, variable("SWP_API_KEY")?])
}

fn from_file(path: Sourced<PathBuf>) -> Sourced<SecretSource> {
    let value = if path.value.as_os_str() == "-" {
        SecretSource::Stdin
    } else {
        SecretSource::File(path.value)
    };
    Sourced {
        value,
        source: path.source,
    }
}

fn from_command(command: Sourced<String>) -> Sourced<SecretSource> {
    Sourced {
        value: SecretSource::Command(command.value),
        source: command.source,
    }
}

fn variable(name: &'static str) -> Result<Option<Sourced<SecretSource>>, Error> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(Some(Sourced {
            value: SecretSource::Value(Secret::new(value)),
            source: Source::Variable(name),
        })),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::usage(
            format!("`{name}` is not UTF-8"),
            "the manager takes JSON, which is UTF-8",
        )),
    }
}

/// The first that was typed, else the first at all; two typed ones are an error.
fn first_of<const N: usize>(
    candidates: [Option<Sourced<SecretSource>>; N],
) -> Result<Option<Sourced<SecretSource>>, Error> {
    let (typed, other): (Vec<_>, Vec<_>) = candidates
        .into_iter()
        .flatten()
        .partition(|candidate| matches!(candidate.source, Source::Flag(_)));
    if let [first, second, ..] = &typed[..] {
        return Err(Error::usage(
            format!("{} and {} were both given", first.source, second.source),
            "give one of them",
        ));
    }
    Ok(typed.into_iter().chain(other).next())
}
