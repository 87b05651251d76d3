//! What the settings are and where each came from, for people. A secret is never part of it: only where it is read from.

use clap::parser::ValueSource;
use url::Url;

use super::{Origin, SecretSource, Settings, Source, Sourced};
use crate::cli::Global;
use crate::manager::Pin;

/// One setting.
pub(crate) struct Told {
    /// Its name: that of its flag, without the dashes.
    pub(crate) name: &'static str,
    /// Its value, or where a secret is read from.
    pub(crate) value: String,
    /// The flag or variable that it came from, or `default`.
    pub(crate) source: String,
}

/// Every setting that has a value, in the order of the help.
pub(super) fn all(settings: &Settings, origin: &Origin<'_>, global: &Global) -> Vec<Told> {
    let text = |name, value: &Option<Sourced<String>>| {
        (value.as_ref()).map(|given| told(name, given.value.clone(), given.source))
    };
    let secret = |name, value: &Option<Sourced<SecretSource>>| {
        (value.as_ref()).map(|given| told(name, place(&given.value), given.source))
    };
    let other = |name, id, value: String| {
        origin
            .matches
            .value_source(id)
            .map(|source| plain(name, id, value, source))
    };
    let switch = |name, id, on: bool| on.then(|| other(name, id, "yes".to_owned())).flatten();
    let manager = settings.manager.as_ref();
    let ca_cert = settings.ca_cert.as_ref();
    let pins = settings.tls_pins.as_ref().map(|given| {
        let pins: Vec<_> = given.value.iter().map(Pin::to_string).collect();
        told("tls-pin", pins.join(","), given.source)
    });
    [
        manager.map(|given| told("url", given.value.to_string(), given.source)),
        text("tenant", &settings.tenant),
        (settings.wait).and_then(|wait| other("wait", "wait", span(wait))),
        text("username", &settings.username),
        secret("password", &settings.password),
        secret("mfa-code", &settings.mfa),
        secret("api-key", &settings.api_key),
        other(
            "api-key-scheme",
            "api_key_scheme",
            word(settings.api_key_scheme),
        ),
        switch(
            "allow-loose-permissions",
            "allow_loose_permissions",
            settings.allow_loose_permissions,
        ),
        switch("no-input", "no_input", settings.no_input),
        switch("no-sign-out", "no_sign_out", settings.no_sign_out),
        ca_cert.map(|given| told("ca-cert", given.value.display().to_string(), given.source)),
        pins,
        (settings.insecure).map(|source| told("insecure", "yes".to_owned(), source)),
        proxy(settings),
        other("timeout", "timeout", span(settings.timeout)),
        other(
            "connect-timeout",
            "connect_timeout",
            span(settings.connect_timeout),
        ),
        other("retries", "retries", settings.retries.to_string()),
        other(
            "settle-timeout",
            "settle_timeout",
            span(settings.settle_timeout),
        ),
        switch(
            "require-journal",
            "require_journal",
            settings.require_journal,
        ),
        other("output", "output", word(global.output)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn told(name: &'static str, value: String, source: Source) -> Told {
    Told {
        name,
        value,
        source: source.to_string().trim_matches('`').to_owned(),
    }
}

fn plain(name: &'static str, id: &str, value: String, source: ValueSource) -> Told {
    let source = match source {
        ValueSource::CommandLine => format!("--{name}"),
        ValueSource::EnvVariable => format!("SWP_{}", id.to_uppercase()),
        _ => "default".to_owned(),
    };
    Told {
        name,
        value,
        source,
    }
}

/// Where a secret is read from. Of a command only the program is named: its arguments may hold anything.
fn place(secret: &SecretSource) -> String {
    match secret {
        SecretSource::Stdin => "from stdin".to_owned(),
        SecretSource::File(path) => format!("in the file {}", path.display()),
        SecretSource::Command(command) => {
            let words = shell_words::split(command).unwrap_or_default();
            let program = words.first().map_or("", String::as_str);
            format!("from the command {program}")
        }
        SecretSource::Value(_) => "[masked]".to_owned(),
    }
}

/// Host and port alone: the rest of the address of a proxy may hold a password.
fn proxy(settings: &Settings) -> Option<Told> {
    let host = |text: &str| match Url::parse(text) {
        Ok(url) if url.has_host() => {
            let host = url.host_str().unwrap_or_default();
            match url.port() {
                Some(port) => format!("{}://{host}:{port}", url.scheme()),
                None => format!("{}://{host}", url.scheme()),
            }
        }
        _ => "[masked]".to_owned(),
    };
    if let Some(proxy) = &settings.proxy {
        return Some(told("proxy", host(proxy), Source::Flag("--proxy")));
    }
    let found = ["HTTPS_PROXY", "https_proxy"].into_iter().find_map(|name| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        value.map(|value| (name, value))
    });
    found.map(|(name, value)| told("proxy", host(&value), Source::Variable(name)))
}

fn span(duration: std::time::Duration) -> String {
    humantime::format_duration(duration).to_string()
}

/// A choice as it is typed.
fn word(choice: impl clap::ValueEnum) -> String {
    choice
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}
