//! The flags that every command takes.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args};

use super::switch;
use crate::terminal::output::{Color, Format};

const MANAGER: &str = "Manager";
const SIGN_IN: &str = "Signing in";
const TRUST: &str = "Trust and network";
const OUTPUT: &str = "Output";

/// The flags that every command takes. Each has an environment variable; a flag wins over it.
#[derive(Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub(crate) struct GlobalArgs {
    /// The manager: https://HOST:PORT, or a bare host (https, port 4119)
    #[arg(global = true, long, env = "SWP_URL", hide_env_values = true, value_name = "URL", help_heading = MANAGER)]
    pub url: Option<String>,

    /// The profile of config.toml that says what is not given here
    #[arg(global = true, long, env = "SWP_PROFILE", hide_env_values = true, value_name = "NAME", help_heading = MANAGER)]
    pub(crate) profile: Option<String>,

    /// The tenant to sign in to, where the manager has several
    #[arg(global = true, long, env = "SWP_TENANT", hide_env_values = true, value_name = "NAME", help_heading = MANAGER)]
    pub tenant: Option<String>,

    /// Wait this long for a manager that is still starting, before signing in
    #[arg(global = true, long, env = "SWP_WAIT", hide_env_values = true, value_name = "DURATION", help_heading = MANAGER)]
    pub wait: Option<String>,

    /// The administrator to sign in as
    #[arg(global = true, long, env = "SWP_USERNAME", hide_env_values = true, value_name = "NAME", help_heading = SIGN_IN)]
    pub username: Option<String>,

    /// Read the password from this file; "-" is stdin. SWP_PASSWORD, last in rank, holds the password itself
    #[arg(global = true, long, env = "SWP_PASSWORD_FILE", hide_env_values = true, value_name = "FILE", help_heading = SIGN_IN)]
    pub password_file: Option<PathBuf>,

    /// Read the password from stdin
    #[arg(global = true, long, help_heading = SIGN_IN)]
    pub password_stdin: bool,

    /// Run this command, without a shell, and take the password from its output
    #[arg(global = true, long, env = "SWP_PASSWORD_COMMAND", hide_env_values = true, value_name = "COMMAND", help_heading = SIGN_IN)]
    pub password_command: Option<String>,

    /// The current code of the second factor [env: SWP_MFA_CODE]
    #[arg(global = true, long, value_name = "CODE", help_heading = SIGN_IN)]
    pub mfa_code: Option<String>,

    /// Run this command, without a shell, just before signing in, and take the code from its output
    #[arg(global = true, long, env = "SWP_MFA_COMMAND", hide_env_values = true, value_name = "COMMAND", help_heading = SIGN_IN)]
    pub mfa_command: Option<String>,

    /// Sign requests with the existing API key in this file; "-" is stdin. SWP_API_KEY holds the key itself
    #[arg(global = true, long, env = "SWP_API_KEY_FILE", hide_env_values = true, value_name = "FILE", help_heading = SIGN_IN)]
    pub api_key_file: Option<PathBuf>,

    /// Which header the API key goes into
    #[arg(global = true, long, env = "SWP_API_KEY_SCHEME", hide_env_values = true, value_name = "SCHEME", default_value = "auto", help_heading = SIGN_IN)]
    pub api_key_scheme: ApiKeyScheme,

    /// Sign in although that was refused twice within 15 minutes, or with a code that was sent already
    #[arg(global = true, long, help_heading = SIGN_IN)]
    pub(crate) force_login: bool,

    /// Read secrets from files that others may read too
    #[arg(global = true, long, help_heading = SIGN_IN)]
    pub allow_loose_permissions: bool,

    /// Never prompt
    #[arg(global = true, long, env = "SWP_NO_INPUT", hide_env_values = true, value_parser = switch::parse, help_heading = SIGN_IN)]
    pub no_input: bool,

    /// Do not end the session on the manager
    #[arg(global = true, long, env = "SWP_NO_SIGN_OUT", hide_env_values = true, value_parser = switch::parse, help_heading = SIGN_IN)]
    pub no_sign_out: bool,

    /// Trust only the certificates in this PEM file
    #[arg(global = true, long, env = "SWP_CA_CERT", hide_env_values = true, value_name = "FILE", help_heading = TRUST)]
    pub ca_cert: Option<PathBuf>,

    /// Trust the manager with this public key (sha256:HEX, of the SPKI) alone, whatever its certificate says; can be repeated
    #[arg(global = true, long, env = "SWP_TLS_PIN", hide_env_values = true, value_name = "PIN", value_delimiter = ',', help_heading = TRUST)]
    pub(crate) tls_pin: Vec<String>,

    /// Pin the key of a manager that is met for the first time without asking; one that has changed is never accepted
    #[arg(global = true, long, env = "SWP_TLS_ACCEPT_NEW", hide_env_values = true, value_parser = switch::parse, help_heading = TRUST)]
    pub(crate) tls_accept_new: bool,

    /// Do not check the manager's certificate at all; whoever answers gets the password
    #[arg(global = true, long, env = "SWP_INSECURE", hide_env_values = true, value_parser = switch::parse, help_heading = TRUST)]
    pub insecure: bool,

    /// The proxy to the manager [env: HTTPS_PROXY, NO_PROXY]
    #[arg(global = true, long, value_name = "URL", help_heading = TRUST)]
    pub proxy: Option<String>,

    /// How long one request may take in all
    #[arg(global = true, long, value_name = "DURATION", env = "SWP_TIMEOUT", hide_env_values = true, default_value = "30s", help_heading = TRUST)]
    pub timeout: String,

    /// How long connecting may take
    #[arg(global = true, long, value_name = "DURATION", env = "SWP_CONNECT_TIMEOUT", hide_env_values = true, default_value = "10s", help_heading = TRUST)]
    pub connect_timeout: String,

    /// How often a read may be repeated
    #[arg(global = true, long, value_name = "N", env = "SWP_RETRIES", hide_env_values = true, default_value_t = 4, help_heading = TRUST)]
    pub retries: u32,

    /// How long to look for the outcome of a create whose answer was lost
    #[arg(global = true, long, value_name = "DURATION", env = "SWP_SETTLE_TIMEOUT", hide_env_values = true, default_value = "30s", help_heading = TRUST)]
    pub(crate) settle_timeout: String,

    /// Make no secret where no record of the run can be kept
    #[arg(global = true, long, env = "SWP_REQUIRE_JOURNAL", hide_env_values = true, value_parser = switch::parse, help_heading = TRUST)]
    pub(crate) require_journal: bool,

    /// The format of stdout
    #[arg(global = true, short, long, env = "SWP_OUTPUT", hide_env_values = true, value_name = "FORMAT", default_value = "text", help_heading = OUTPUT)]
    pub output: Format,

    /// No notes and no warnings
    #[arg(global = true, short, long, env = "SWP_QUIET", hide_env_values = true, value_parser = switch::parse, help_heading = OUTPUT)]
    pub quiet: bool,

    /// Say what is done; twice for each request
    #[arg(global = true, short, long, action = ArgAction::Count, help_heading = OUTPUT)]
    pub verbose: u8,

    /// Colour on stderr; NO_COLOR switches it off
    #[arg(global = true, long, env = "SWP_COLOR", hide_env_values = true, value_name = "WHEN", default_value = "auto", help_heading = OUTPUT)]
    pub color: Color,
}

/// Where each global flag came from: the command line, an environment variable, or its default.
pub(crate) struct Sources(Vec<(clap::Id, ValueSource)>);

impl Sources {
    /// Returns the sources as the parser found them.
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        let source = |id: &clap::Id| Some((id.clone(), matches.value_source(id.as_str())?));
        Self(matches.ids().filter_map(source).collect())
    }

    /// Returns the source of the flag with this ID in the parser.
    pub(crate) fn get(&self, id: &str) -> Option<ValueSource> {
        let known = self.0.iter().find(|(known, _)| known == id);
        known.map(|(_, source)| *source)
    }
}

/// Which header an API key goes into (docs/manager-api.md, "Authentication").
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ApiKeyScheme {
    /// `cloud-one` for keys that look like those of Cloud One, else `api-secret-key`.
    Auto,
    /// The header `api-secret-key` of Deep Security Manager.
    ApiSecretKey,
    /// `Authorization: ApiKey` of Trend Micro Cloud One.
    CloudOne,
}
