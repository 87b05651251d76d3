//! The flags that every command accepts.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args};

use super::switch;
use crate::terminal::output::{Color, Format};

const MANAGER: &str = "Manager";
const SIGN_IN: &str = "Sign-in";
const TRUST: &str = "TLS and network";
const OUTPUT: &str = "Output";

/// The flags that every command accepts. A flag has precedence over its environment variable.
#[derive(Clone, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each field is a separate flag"
)]
pub(crate) struct GlobalArgs {
    /// Address of the manager: https://HOST:PORT, or a bare host (https, port 4119)
    #[arg(global = true, long, env = "SWP_URL", hide_env_values = true, value_name = "URL", help_heading = MANAGER)]
    pub url: Option<String>,

    /// Profile in config.toml for settings that no flag or variable sets
    #[arg(global = true, long, env = "SWP_PROFILE", hide_env_values = true, value_name = "NAME", help_heading = MANAGER)]
    pub(crate) profile: Option<String>,

    /// Tenant to sign in to, if the manager has several
    #[arg(global = true, long, env = "SWP_TENANT", hide_env_values = true, value_name = "NAME", help_heading = MANAGER)]
    pub tenant: Option<String>,

    /// Maximum time to wait for a manager that is still starting
    #[arg(global = true, long, env = "SWP_WAIT", hide_env_values = true, value_name = "DURATION", help_heading = MANAGER)]
    pub wait: Option<String>,

    /// User name of the administrator
    #[arg(global = true, long, env = "SWP_USERNAME", hide_env_values = true, value_name = "NAME", help_heading = SIGN_IN)]
    pub username: Option<String>,

    /// Read the password from this file ("-" is stdin). Without a file or a command, the password is read from SWP_PASSWORD
    #[arg(global = true, long, env = "SWP_PASSWORD_FILE", hide_env_values = true, value_name = "FILE", help_heading = SIGN_IN)]
    pub password_file: Option<PathBuf>,

    /// Read the password from stdin
    #[arg(global = true, long, help_heading = SIGN_IN)]
    pub password_stdin: bool,

    /// Read the password from the output of this command, run without a shell
    #[arg(global = true, long, env = "SWP_PASSWORD_COMMAND", hide_env_values = true, value_name = "COMMAND", help_heading = SIGN_IN)]
    pub password_command: Option<String>,

    /// Current code of the second factor [env: SWP_MFA_CODE]
    #[arg(global = true, long, value_name = "CODE", help_heading = SIGN_IN)]
    pub mfa_code: Option<String>,

    /// Read the MFA code from the output of this command, run without a shell just before signing in
    #[arg(global = true, long, env = "SWP_MFA_COMMAND", hide_env_values = true, value_name = "COMMAND", help_heading = SIGN_IN)]
    pub mfa_command: Option<String>,

    /// Authenticate with the existing API key in this file ("-" is stdin). Without a file, the key is read from SWP_API_KEY
    #[arg(global = true, long, env = "SWP_API_KEY_FILE", hide_env_values = true, value_name = "FILE", help_heading = SIGN_IN)]
    pub api_key_file: Option<PathBuf>,

    /// Header that carries the API key
    #[arg(global = true, long, env = "SWP_API_KEY_SCHEME", hide_env_values = true, value_name = "SCHEME", default_value = "auto", help_heading = SIGN_IN)]
    pub api_key_scheme: ApiKeyScheme,

    /// Sign in even if two sign-ins were rejected within 15 minutes, or if the MFA code was already sent
    #[arg(global = true, long, help_heading = SIGN_IN)]
    pub(crate) force_login: bool,

    /// Read secrets from files that other users can read
    #[arg(global = true, long, env = "SWP_ALLOW_LOOSE_PERMISSIONS", hide_env_values = true, value_parser = switch::parse, help_heading = SIGN_IN)]
    pub allow_loose_permissions: bool,

    /// Never prompt
    #[arg(global = true, long, env = "SWP_NO_INPUT", hide_env_values = true, value_parser = switch::parse, help_heading = SIGN_IN)]
    pub no_input: bool,

    /// Do not end the session on the manager after the run
    #[arg(global = true, long, env = "SWP_NO_SIGN_OUT", hide_env_values = true, value_parser = switch::parse, help_heading = SIGN_IN)]
    pub no_sign_out: bool,

    /// Trust only the certificates in this PEM file
    #[arg(global = true, long, env = "SWP_CA_CERT", hide_env_values = true, value_name = "FILE", help_heading = TRUST)]
    pub ca_cert: Option<PathBuf>,

    /// Trust only this public key (sha256:HEX of the SPKI) and do not verify the certificate (repeatable)
    #[arg(global = true, long, env = "SWP_TLS_PIN", hide_env_values = true, value_name = "PIN", value_delimiter = ',', help_heading = TRUST)]
    pub(crate) tls_pin: Vec<String>,

    /// Pin an unknown manager's key without asking (a changed key is still rejected)
    #[arg(global = true, long, env = "SWP_TLS_ACCEPT_NEW", hide_env_values = true, value_parser = switch::parse, help_heading = TRUST)]
    pub(crate) tls_accept_new: bool,

    /// Do not verify the manager's certificate (a man in the middle can then read the password)
    #[arg(global = true, long, env = "SWP_INSECURE", hide_env_values = true, value_parser = switch::parse, help_heading = TRUST)]
    pub insecure: bool,

    /// Proxy to the manager [env: HTTPS_PROXY, NO_PROXY]
    #[arg(global = true, long, value_name = "URL", help_heading = TRUST)]
    pub proxy: Option<String>,

    /// Maximum duration of one request
    #[arg(global = true, long, value_name = "DURATION", env = "SWP_TIMEOUT", hide_env_values = true, default_value = "30s", help_heading = TRUST)]
    pub timeout: String,

    /// Time limit for connecting to the manager
    #[arg(global = true, long, value_name = "DURATION", env = "SWP_CONNECT_TIMEOUT", hide_env_values = true, default_value = "10s", help_heading = TRUST)]
    pub connect_timeout: String,

    /// Maximum number of retries of a read request
    #[arg(global = true, long, value_name = "N", env = "SWP_RETRIES", hide_env_values = true, default_value_t = 4, help_heading = TRUST)]
    pub retries: u32,

    /// After a lost response, maximum time to determine whether the key was created
    #[arg(global = true, long, value_name = "DURATION", env = "SWP_SETTLE_TIMEOUT", hide_env_values = true, default_value = "30s", help_heading = TRUST)]
    pub(crate) settle_timeout: String,

    /// If the record of the run cannot be written, fail before creating a secret
    #[arg(global = true, long, env = "SWP_REQUIRE_JOURNAL", hide_env_values = true, value_parser = switch::parse, help_heading = TRUST)]
    pub(crate) require_journal: bool,

    /// Format of stdout
    #[arg(global = true, short, long, env = "SWP_OUTPUT", hide_env_values = true, value_name = "FORMAT", default_value = "text", help_heading = OUTPUT)]
    pub output: Format,

    /// Print no notes, and only warnings that require an action
    #[arg(global = true, short, long, env = "SWP_QUIET", hide_env_values = true, value_parser = switch::parse, help_heading = OUTPUT)]
    pub quiet: bool,

    /// Increase log verbosity (-v: steps, -vv: every request)
    #[arg(global = true, short, long, action = ArgAction::Count, help_heading = OUTPUT)]
    pub verbose: u8,

    /// Use of colour (the variable NO_COLOR disables it)
    #[arg(global = true, long, env = "SWP_COLOR", hide_env_values = true, value_name = "WHEN", default_value = "auto", help_heading = OUTPUT)]
    pub color: Color,
}

/// The source of each global flag's value: the command line, an environment variable, or the default.
#[derive(Clone)]
pub(crate) struct Sources(Vec<(clap::Id, ValueSource)>);

impl Sources {
    /// Returns the sources of the global flags. `matches` is the command line as parsed by clap.
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        let source = |id: &clap::Id| Some((id.clone(), matches.value_source(id.as_str())?));
        Self(matches.ids().filter_map(source).collect())
    }

    /// Returns where the value of a flag comes from. `id` is the flag's ID in the parser.
    pub(crate) fn get(&self, id: &str) -> Option<ValueSource> {
        let known = self.0.iter().find(|(known, _)| known == id);
        known.map(|(_, source)| *source)
    }
}

/// The header that carries an API key (docs/manager-api.md, "Authentication").
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ApiKeyScheme {
    /// `cloud-one` if the key has the format of Cloud One, and `api-secret-key` if not.
    Auto,
    /// The header `api-secret-key` of Deep Security Manager.
    ApiSecretKey,
    /// `Authorization: ApiKey` of Trend Micro Cloud One.
    CloudOne,
}
