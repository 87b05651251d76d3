//! The names and types of all fields in the settings file, and the field names that are not allowed.

use std::path::Path;

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use toml::de::DeValue;

use crate::config::credential_check::CredentialKind;
use crate::config::global_args::ApiKeyScheme;
use crate::config::values::{ADDRESS_EXAMPLE, check_duration};
use crate::expiry::{Expiry, time_zone};
use crate::manager::{Address, Pin, ProxyAddress};
use crate::process::external_command::ExternalCommand;
use crate::terminal::output::Format;

/// A field with its type.
pub(crate) struct Field {
    /// The name of the field, which is the name of its flag without the leading dashes.
    pub(crate) name: &'static str,
    form: FieldType,
}

/// The type of a field.
#[derive(Clone, Copy)]
enum FieldType {
    Text,
    /// A user name or the name of a tenant.
    Name(CredentialKind),
    Address,
    Proxy,
    /// A path. A relative path starts at the folder of the settings file.
    Path,
    Command,
    Pins,
    Duration,
    Expiry,
    TimeZone,
    Count,
    Id,
    Switch,
    Word(fn() -> Vec<String>),
}

const fn field(name: &'static str, form: FieldType) -> Field {
    Field { name, form }
}

/// The top-level fields of the settings file, which are outside the profiles.
pub(crate) const TOP_FIELDS: [&str; 2] = ["default-profile", "profiles"];

/// The fields of a profile.
pub(crate) const PROFILE_FIELDS: [Field; 21] = [
    field("url", FieldType::Address),
    field("tenant", FieldType::Name(CredentialKind::Tenant)),
    field("wait", FieldType::Duration),
    field("username", FieldType::Name(CredentialKind::Username)),
    field("password-file", FieldType::Path),
    field("password-command", FieldType::Command),
    field("mfa-command", FieldType::Command),
    field("api-key-file", FieldType::Path),
    field("api-key-command", FieldType::Command),
    field("api-key-scheme", FieldType::Word(names::<ApiKeyScheme>)),
    field("allow-loose-permissions", FieldType::Switch),
    field("ca-cert", FieldType::Path),
    field("tls-pin", FieldType::Pins),
    field("proxy", FieldType::Proxy),
    field("timeout", FieldType::Duration),
    field("connect-timeout", FieldType::Duration),
    field("retries", FieldType::Count),
    field("settle-timeout", FieldType::Duration),
    field("require-journal", FieldType::Switch),
    field("output", FieldType::Word(names::<Format>)),
    field("create", FieldType::Text),
];

/// The fields of the table `create` in a profile, which contains defaults for new API keys. In this list, their names have the prefix `create.`.
pub(crate) const CREATE_FIELDS: [Field; 6] = [
    field("create.role", FieldType::Text),
    field("create.role-id", FieldType::Id),
    field("create.expires", FieldType::Expiry),
    field("create.description", FieldType::Text),
    field("create.locale", FieldType::Word(locales)),
    field("create.time-zone", FieldType::TimeZone),
];

/// The fields that apply only to the profile's own manager. They must not be used for any other manager.
pub(crate) const MANAGER_FIELDS: [&str; 10] = [
    "tenant",
    "username",
    "password-file",
    "password-command",
    "mfa-command",
    "api-key-file",
    "api-key-command",
    "allow-loose-permissions",
    "ca-cert",
    "tls-pin",
];

/// Pairs of fields that cannot be in the same profile.
pub(crate) const CONTRADICTIONS: [(&str, &str); 7] = [
    ("password-file", "password-command"),
    ("api-key-file", "api-key-command"),
    ("api-key-file", "password-file"),
    ("api-key-file", "password-command"),
    ("api-key-command", "password-file"),
    ("api-key-command", "password-command"),
    ("create.role", "create.role-id"),
];

/// Returns the names of all fields of a profile. The names of defaults for new API keys start with `create.`.
pub(crate) fn fields() -> impl Iterator<Item = &'static str> {
    let of_profile = PROFILE_FIELDS.iter().map(|field| field.name);
    let is_value = |name: &&str| *name != "create";
    let create_fields = CREATE_FIELDS.iter().map(|field| field.name);
    of_profile.filter(is_value).chain(create_fields)
}

/// Returns the names of the fields with defaults for new API keys.
pub(crate) fn create_fields() -> impl Iterator<Item = &'static str> {
    CREATE_FIELDS.iter().map(|field| field.name)
}

fn names<T: ValueEnum>() -> Vec<String> {
    let values = T::value_variants().iter();
    let names = values.filter_map(ValueEnum::to_possible_value);
    names.map(|value| value.get_name().to_owned()).collect()
}

fn locales() -> Vec<String> {
    ["en-US", "ja-JP"].map(str::to_owned).into()
}

impl Field {
    /// Returns the values of the field as text, in the form that the field's flag accepts.
    ///
    /// # Errors
    /// Returns the reason why the value is invalid. The reason does not repeat the value.
    pub(crate) fn read(&self, value: &DeValue<'_>, folder: &Path) -> Result<Vec<String>, String> {
        if let (FieldType::Pins, DeValue::Array(pins)) = (self.form, value) {
            return pins
                .iter()
                .map(|pin| self.one(pin.get_ref(), folder))
                .collect();
        }
        self.one(value, folder).map(|value| vec![value])
    }

    /// Returns the hint for a rejected value of this field, if there is one.
    pub(crate) fn suggestion(&self, value: &DeValue<'_>) -> Option<String> {
        match (self.form, value) {
            (FieldType::Address, DeValue::String(text)) => {
                let other = Address::parse(text)
                    .ok()
                    .and_then(|address| address.other_service());
                Some(other.map_or_else(|| ADDRESS_EXAMPLE.to_owned(), |(_, hint)| hint))
            }
            (FieldType::Proxy, DeValue::String(text)) => {
                (ProxyAddress::parse(text).err()).map(|problem| problem.hint.to_owned())
            }
            _ => None,
        }
    }

    fn one(&self, value: &DeValue<'_>, folder: &Path) -> Result<String, String> {
        let text = match (self.form, value) {
            (FieldType::Count | FieldType::Id, DeValue::Integer(number))
                if number.radix() == 10 =>
            {
                number.as_str().replace(['_', '+'], "")
            }
            (FieldType::Count | FieldType::Id, _) => return Err("expected a number".to_owned()),
            (FieldType::Switch, DeValue::Boolean(value)) => value.to_string(),
            (FieldType::Switch, _) => return Err("expected true or false".to_owned()),
            (_, DeValue::String(text)) => text.to_string(),
            (FieldType::Pins, _) => {
                return Err("expected a quoted string or a list of quoted strings".to_owned());
            }
            _ => return Err("expected a quoted string".to_owned()),
        };
        if text.trim().is_empty() {
            return Err("it is empty".to_owned());
        }
        self.fit(text, folder)
    }

    fn fit(&self, text: String, folder: &Path) -> Result<String, String> {
        match self.form {
            FieldType::Name(kind) => match kind.check(&text) {
                Ok(()) => Ok(text),
                Err(defect) => Err(format!("it {defect}")),
            },
            FieldType::Address => match Address::parse(&text)?.other_service() {
                Some((what, _)) => Err(format!("it names {what}")),
                None => Ok(text),
            },
            FieldType::Proxy => proxy(text),
            FieldType::Path => resolve_path(&text, folder),
            FieldType::Command => resolve_command(&text, folder),
            FieldType::Pins => text.parse::<Pin>().map(|_| text).map_err(str::to_owned),
            FieldType::Duration => match check_duration(&text) {
                Ok(()) => Ok(text),
                Err(reason) => Err(reason.to_owned()),
            },
            // An expiry in the past is not an error in the file. It is an error when an API key is created with it.
            FieldType::Expiry => match Expiry::parse(&text, None, DateTime::<Utc>::MIN_UTC) {
                Ok(_) => Ok(text),
                Err(_) => Err(
                    "expected a duration such as \"14d\", a date, a time, or \"never\"".to_owned(),
                ),
            },
            FieldType::TimeZone if time_zone(&text).is_none() => {
                Err("expected an IANA name such as \"Europe/Berlin\"".to_owned())
            }
            FieldType::Count => (text.parse::<u32>().map(|_| text))
                .map_err(|_| "expected a number of at least 0".to_owned()),
            FieldType::Id => match text.parse::<i64>() {
                Ok(1..) => Ok(text),
                _ => Err("expected a number of at least 1".to_owned()),
            },
            FieldType::Word(words) if !words().contains(&text) => {
                Err(format!("expected one of: {}", words().join(", ")))
            }
            FieldType::Text | FieldType::Switch | FieldType::Word(_) | FieldType::TimeZone => {
                Ok(text)
            }
        }
    }
}

/// Checks a proxy. A proxy with a password is rejected, because the file must not contain secrets.
fn proxy(text: String) -> Result<String, String> {
    match ProxyAddress::parse(&text) {
        Ok(proxy) if proxy.has_credentials() => Err(
            "the proxy contains a user name or password; set such a proxy in HTTPS_PROXY instead"
                .to_owned(),
        ),
        Ok(_) => Ok(text),
        Err(problem) => Err(problem.reason.to_owned()),
    }
}

/// Resolves a path relative to `folder`, the folder of the file that contains the path, or to the user's home folder if the path starts with
/// `~/`.
///
/// # Errors
/// Returns the reason why the path is invalid.
pub(crate) fn resolve_path(text: &str, folder: &Path) -> Result<String, String> {
    if text == "-" {
        return Err("`-` (stdin) is only allowed on the command line".to_owned());
    }
    let path = match text.strip_prefix('~') {
        None => folder.join(text),
        Some("") => return Err("the path is a folder".to_owned()),
        Some(rest) => match (rest.strip_prefix('/'), std::env::home_dir()) {
            (Some(rest), Some(home)) => home.join(rest),
            (None, _) => {
                return Err("`~` is only supported as `~/`, for your own home folder".to_owned());
            }
            (_, None) => {
                return Err(
                    "could not resolve `~/`: the home folder could not be determined".to_owned(),
                );
            }
        },
    };
    let path = path.into_os_string().into_string();
    path.map_err(|_| "the path is not UTF-8".to_owned())
}

/// Resolves the program of a command relative to `folder` if the program is a path. A name without a slash is not changed, because it is
/// searched for in PATH. Arguments are not changed.
///
/// # Errors
/// Returns the reason why the command is invalid.
pub(crate) fn resolve_command(text: &str, folder: &Path) -> Result<String, String> {
    let mut command = ExternalCommand::parse(text).map_err(|problem| format!("it {problem}"))?;
    if !command.program.contains(std::path::is_separator) {
        return Ok(text.to_owned());
    }
    command.program = resolve_path(&command.program, folder)?;
    Ok(command.text())
}

/// Returns the field for which other programs use this name.
pub(crate) fn synonym(name: &str) -> Option<&'static str> {
    Some(match name {
        "host" | "server" | "manager" | "address" | "endpoint" => "url",
        "user" | "login" | "account" => "username",
        "ca" | "cacert" | "ca-file" | "certificate" => "ca-cert",
        "pin" | "fingerprint" => "tls-pin",
        "format" => "output",
        "expiry" | "ttl" => "expires",
        "timezone" | "tz" => "time-zone",
        _ => return None,
    })
}

/// If a field with this name is not allowed, returns the reason and a hint.
pub(crate) fn rejection(name: &str) -> Option<(&'static str, &'static str)> {
    const SECRET: &str = "is not allowed in this file, because it is a secret";
    let folded: String = name
        .chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    match folded.as_str() {
        "password" | "passwd" | "passphrase" | "pass" | "pwd" | "swppassword" => Some((
            SECRET,
            "set a command that prints the password, as in `password-command = \"pass show dsm/admin\"`, or set `password-file`",
        )),
        "apikey" | "apisecretkey" | "secretkey" | "secret" | "key" | "token" | "apitoken"
        | "accesskey" | "swpapikey" => Some((
            SECRET,
            "set a command that prints the API key, as in `api-key-command = \"pass show dsm/key\"`, or set `api-key-file`",
        )),
        "mfacode" | "mfa" | "code" | "otp" | "totp" | "totpsecret" | "mfasecret" | "swpmfacode" => {
            Some((
                SECRET,
                "set a command that prints the current code, as in `mfa-command = \"oathtool ...\"`",
            ))
        }
        "sid" | "rid" | "session" | "sessionid" | "cookie" | "cookies" => Some((
            SECRET,
            "run `swp-keys login` to save a session in a separate file",
        )),
        "insecure" => Some((
            "is not allowed in this file, because a disabled check in a file is easy to overlook",
            "set `ca-cert` to a file with the trusted certificates, or `tls-pin` to the trusted public key",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file_or_to_the_home_folder() {
        let folder = Path::new("/etc/swp-keys");
        let at = |text: &str| resolve_path(text, folder).ok();
        assert_eq!(at("dsm.pem").as_deref(), Some("/etc/swp-keys/dsm.pem"));
        assert_eq!(at("/etc/dsm.pem").as_deref(), Some("/etc/dsm.pem"));
        let home = std::env::home_dir().map(|home| home.join("dsm.pem").display().to_string());
        assert_eq!(at("~/dsm.pem"), home);
        assert_eq!((at("~other/dsm.pem"), at("~"), at("-")), (None, None, None));
    }

    #[test]
    fn a_program_with_a_slash_is_resolved_as_a_path() {
        let folder = Path::new("/etc/swp-keys");
        let run = |text: &str| resolve_command(text, folder).ok();
        assert_eq!(run("pass show 'a b'").as_deref(), Some("pass show 'a b'"));
        assert_eq!(
            run("bin/get 'a b' ~/x").as_deref(),
            Some("/etc/swp-keys/bin/get 'a b' '~/x'")
        );
        assert_eq!(
            (run("''"), run("it's"), run("# nothing")),
            (None, None, None)
        );
    }

    #[test]
    fn the_name_of_a_secret_is_recognized_in_every_spelling() {
        for name in ["password", "API_KEY", "secretKey", "mfa-code", "Pass-Word"] {
            assert!(rejection(name).is_some(), "{name}");
        }
        for field in PROFILE_FIELDS.iter().chain(&CREATE_FIELDS) {
            assert!(rejection(field.name).is_none(), "{}", field.name);
        }
    }
}
