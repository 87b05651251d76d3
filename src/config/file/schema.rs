//! The fields of the settings file: what they are called, what may stand in them, and which names are refused.

use std::path::Path;

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use toml::de::DeValue;

use crate::config::credential_check::CredentialKind;
use crate::config::global_args::ApiKeyScheme;
use crate::config::values::{check_duration, like};
use crate::expiry::{Expiry, time_zone};
use crate::manager::{Address, Pin, ProxyAddress};
use crate::process::external_command::ExternalCommand;
use crate::terminal::output::Format;

/// A field, and what may stand in it.
pub(crate) struct Field {
    /// As the flag is called, without its dashes.
    pub(crate) name: &'static str,
    form: FieldType,
}

/// What may stand in a field.
#[derive(Clone, Copy)]
enum FieldType {
    Text,
    /// Of who signs in.
    Name(CredentialKind),
    Address,
    Proxy,
    /// Of a file; relative to the settings file.
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

/// The fields outside of the profiles.
pub(crate) const TOP: [&str; 2] = ["default-profile", "profiles"];

/// The fields of a profile.
pub(crate) const OF_PROFILE: [Field; 20] = [
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

/// The fields of the table `create` of a profile. The names are those under which a profile keeps them.
pub(crate) const OF_CREATE: [Field; 6] = [
    field("create.role", FieldType::Text),
    field("create.role-id", FieldType::Id),
    field("create.expires", FieldType::Expiry),
    field("create.description", FieldType::Text),
    field("create.locale", FieldType::Word(locales)),
    field("create.time-zone", FieldType::TimeZone),
];

/// The fields of a profile that are about its own manager and no other.
pub(crate) const OF_ITS_MANAGER: [&str; 9] = [
    "tenant",
    "username",
    "password-file",
    "password-command",
    "mfa-command",
    "api-key-file",
    "api-key-command",
    "ca-cert",
    "tls-pin",
];

/// Those that cannot stand in one profile together.
pub(crate) const CONTRADICTIONS: [(&str, &str); 7] = [
    ("password-file", "password-command"),
    ("api-key-file", "api-key-command"),
    ("api-key-file", "password-file"),
    ("api-key-file", "password-command"),
    ("api-key-command", "password-file"),
    ("api-key-command", "password-command"),
    ("create.role", "create.role-id"),
];

/// The name of every field of a profile; those of new keys begin with `create.`.
pub(crate) fn fields() -> impl Iterator<Item = &'static str> {
    let of_profile = OF_PROFILE.iter().map(|field| field.name);
    let is_value = |name: &&str| *name != "create";
    let of_create = OF_CREATE.iter().map(|field| field.name);
    of_profile.filter(is_value).chain(of_create)
}

/// The fields of a profile that are the defaults of a new key.
pub(crate) fn of_create() -> impl Iterator<Item = &'static str> {
    OF_CREATE.iter().map(|field| field.name)
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
    /// What the field holds, as a flag would be given it.
    ///
    /// # Errors
    /// What is wrong, in words that do not repeat the value.
    pub(crate) fn read(&self, value: &DeValue<'_>, folder: &Path) -> Result<Vec<String>, String> {
        if let (FieldType::Pins, DeValue::Array(pins)) = (self.form, value) {
            return pins
                .iter()
                .map(|pin| self.one(pin.get_ref(), folder))
                .collect();
        }
        self.one(value, folder).map(|value| vec![value])
    }

    /// What to write instead of a value that is refused, if that can be known.
    pub(crate) fn instead(&self, value: &DeValue<'_>) -> Option<String> {
        match (self.form, value) {
            (FieldType::Address, DeValue::String(text)) => {
                let other = Address::parse(text)
                    .ok()
                    .and_then(|address| address.other_service());
                Some(other.map_or_else(|| like(text), |(_, hint)| hint.to_string()))
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
            (FieldType::Count | FieldType::Id, _) => return Err("it takes a number".to_owned()),
            (FieldType::Switch, DeValue::Boolean(value)) => value.to_string(),
            (FieldType::Switch, _) => return Err("it takes true or false".to_owned()),
            (_, DeValue::String(text)) => text.to_string(),
            (FieldType::Pins, _) => {
                return Err("it takes a text in quotes, or a list of such".to_owned());
            }
            _ => return Err("it takes a text in quotes".to_owned()),
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
            FieldType::Path => file(&text, folder),
            FieldType::Command => command(&text, folder),
            FieldType::Pins => text.parse::<Pin>().map(|_| text).map_err(str::to_owned),
            FieldType::Duration => match check_duration(&text) {
                Ok(()) => Ok(text),
                Err(reason) => Err(format!(
                    "{reason}; it takes a duration such as \"30s\", \"5m\" or \"1h30m\""
                )),
            },
            // Whether it has passed matters when a key is made.
            FieldType::Expiry => match Expiry::parse(&text, None, DateTime::<Utc>::MIN_UTC) {
                Ok(_) => Ok(text),
                Err(_) => Err(
                    "it takes a duration such as \"14d\", a date, a time, or \"never\"".to_owned(),
                ),
            },
            FieldType::TimeZone if time_zone(&text).is_none() => {
                Err("it takes a name of the IANA database such as \"Europe/Berlin\"".to_owned())
            }
            FieldType::Count => (text.parse::<u32>().map(|_| text))
                .map_err(|_| "it takes a number from 0 on".to_owned()),
            FieldType::Id => match text.parse::<i64>() {
                Ok(1..) => Ok(text),
                _ => Err("it takes a number from 1 on".to_owned()),
            },
            FieldType::Word(words) if !words().contains(&text) => {
                Err(format!("it takes {}", words().join(", ")))
            }
            FieldType::Text | FieldType::Switch | FieldType::Word(_) | FieldType::TimeZone => {
                Ok(text)
            }
        }
    }
}

/// A proxy's own password is a secret as well.
fn proxy(text: String) -> Result<String, String> {
    match ProxyAddress::parse(&text) {
        Ok(proxy) if proxy.has_credentials() => {
            Err("it holds a user name or a password; give such a proxy in HTTPS_PROXY".to_owned())
        }
        Ok(_) => Ok(text),
        Err(problem) => Err(problem.reason.to_owned()),
    }
}

/// Of the user's home where it begins with `~/`, since no shell is there to say so; else of the folder of the settings file.
fn file(text: &str, folder: &Path) -> Result<String, String> {
    if text == "-" {
        return Err("stdin is named on the command line alone".to_owned());
    }
    let path = match text.strip_prefix('~') {
        None => folder.join(text),
        Some("") => return Err("it is a folder".to_owned()),
        Some(rest) => match (rest.strip_prefix('/'), std::env::home_dir()) {
            (Some(rest), Some(home)) => home.join(rest),
            (None, _) => return Err("only `~/` is known here, the own home".to_owned()),
            (_, None) => return Err("this machine names no home for `~/`".to_owned()),
        },
    };
    let path = path.into_os_string().into_string();
    path.map_err(|_| "the path is not UTF-8".to_owned())
}

/// The program is a file like others where it is a path; a bare name is looked for in PATH. Arguments are left as they are.
fn command(text: &str, folder: &Path) -> Result<String, String> {
    let mut command = ExternalCommand::parse(text).map_err(|problem| format!("it {problem}"))?;
    if !command.program.contains(std::path::is_separator) {
        return Ok(text.to_owned());
    }
    command.program = file(&command.program, folder)?;
    Ok(command.text())
}

/// Why a field of this name is refused, and what to do instead.
pub(crate) fn refused(name: &str) -> Option<(&'static str, &'static str)> {
    const SECRET: &str = "holds a secret, and this file holds none";
    let folded: String = name
        .chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    match folded.as_str() {
        "password" | "passwd" | "passphrase" | "pass" | "pwd" | "swppassword" => Some((
            SECRET,
            "name the command that prints it, as in `password-command = \"pass show dsm/admin\"`, or `password-file`",
        )),
        "apikey" | "apisecretkey" | "secretkey" | "secret" | "key" | "token" | "apitoken"
        | "accesskey" | "swpapikey" => Some((
            SECRET,
            "name the command that prints it, as in `api-key-command = \"pass show dsm/key\"`, or `api-key-file`",
        )),
        "mfacode" | "mfa" | "code" | "otp" | "totp" | "totpsecret" | "mfasecret" | "swpmfacode" => {
            Some((
                SECRET,
                "name the command that prints the code of the moment, as in `mfa-command = \"oathtool ...\"`",
            ))
        }
        "sid" | "rid" | "session" | "sessionid" | "cookie" | "cookies" => Some((
            SECRET,
            "`swp-keys login` keeps a session, in a place of its own",
        )),
        "insecure" => Some((
            "is not taken from a file: nobody would notice that the checks are off",
            "name whom to trust in `ca-cert` or `tls-pin`",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_file_and_of_the_home() {
        let folder = Path::new("/etc/swp-keys");
        let at = |text: &str| file(text, folder).ok();
        assert_eq!(at("dsm.pem").as_deref(), Some("/etc/swp-keys/dsm.pem"));
        assert_eq!(at("/etc/dsm.pem").as_deref(), Some("/etc/dsm.pem"));
        let home = std::env::home_dir().map(|home| home.join("dsm.pem").display().to_string());
        assert_eq!(at("~/dsm.pem"), home);
        assert_eq!((at("~other/dsm.pem"), at("~"), at("-")), (None, None, None));
    }

    #[test]
    fn a_program_is_a_file_where_it_is_a_path() {
        let folder = Path::new("/etc/swp-keys");
        let run = |text: &str| command(text, folder).ok();
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
    fn a_secret_is_known_however_it_is_written() {
        for name in ["password", "API_KEY", "secretKey", "mfa-code", "Pass-Word"] {
            assert!(refused(name).is_some(), "{name}");
        }
        for field in OF_PROFILE.iter().chain(&OF_CREATE) {
            assert!(refused(field.name).is_none(), "{}", field.name);
        }
    }
}
