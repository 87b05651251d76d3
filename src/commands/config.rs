//! `config`: prints the path of the settings file, shows each setting with its source, and checks the file. It connects to no
//! manager.

use std::path::Path;

use chrono::Utc;
use serde_json::{Value, json};

use crate::auth::secret_source::check_file;
use crate::config::credential_check::CredentialKind;
use crate::config::file;
use crate::config::file::{Profile, Profiles};
use crate::config::{ResolvedSetting, SecretSource, Settings, Source, settings_table};
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::expiry::Expiry;
use crate::terminal::output::{Format, json_text};
use crate::trust::policy;

/// Show the settings with their sources, or check the settings file.
#[derive(clap::Args)]
#[command(after_help = FILE, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

/// The subcommands of `config`.
#[derive(Clone, Copy, clap::Subcommand)]
enum Action {
    /// Print the path of the settings file
    Path,
    /// Show every setting with its value and source
    Show,
    /// Check all profiles of the settings file
    Check,
}

const FILE: &str = "\
The settings file is $SWP_CONFIG_DIR/config.toml, or else $XDG_CONFIG_HOME/swp-keys/config.toml, or else \
~/.config/swp-keys/config.toml. It contains `default-profile = \"NAME\"` and tables `[profiles.NAME]`. The fields have the names of the flags (url, tenant, username, ca-cert, tls-pin, proxy, output, timeout ...). `[profiles.NAME.create]` holds the defaults for new keys \
(role, role-id, expires, description, locale, time-zone). The file contains no secrets: password-command, mfa-command and api-key-command are commands that print them. A flag takes precedence over a variable, and a variable over the profile.";

impl Args {
    /// Returns true if the subcommand needs a valid settings file. `path` and `check` do not need one.
    pub(crate) fn uses_profiles(&self) -> bool {
        matches!(self.action, Action::Show)
    }

    /// Returns true if the command prints a table.
    pub(crate) fn prints_table(&self) -> bool {
        matches!(self.action, Action::Show)
    }
}

pub(crate) fn run(args: &Args, settings: Settings, context: &Context) -> Result<Outcome, Error> {
    if context.output.format() == Format::Env {
        return Err(Error::usage(
            "this command does not print a single value, so `-o env` cannot be used",
            "use text, json or jsonl",
        ));
    }
    match args.action {
        Action::Path => path(context)?,
        Action::Show => show(&settings, context)?,
        Action::Check => check(&settings, context)?,
    }
    Ok(Outcome::Done)
}

fn path(context: &Context) -> Result<(), Error> {
    let path = file::path().ok_or_else(|| {
        Error::usage(
            "could not determine the settings folder: no home folder is known",
            "set SWP_CONFIG_DIR to the folder of the settings file",
        )
    })?;
    let exists = path.exists();
    if !exists {
        context.output.note("the settings file does not exist");
    }
    let shown = path.display().to_string();
    let fields = json!({"path": shown, "exists": exists});
    print(
        context,
        &(crate::terminal::output::safe(&shown) + "\n"),
        &fields,
    )
}

fn show(settings: &Settings, context: &Context) -> Result<(), Error> {
    // If the proxy is invalid, `config show` fails, like every command that connects to a manager.
    settings
        .proxy
        .choose(settings.manager.as_ref().map(|manager| &manager.value))?;
    let rows: Vec<ResolvedSetting> = (settings.resolved.iter().cloned())
        .chain(defaults_for_keys(settings))
        .collect();
    let shown = rows.iter().map(|setting| {
        let value = setting.value.clone();
        (setting, value.unwrap_or_else(|| "-".to_owned()))
    });
    let text = settings_table(&shown.collect::<Vec<_>>(), &context.output);
    let settings_shown: serde_json::Map<String, Value> = (rows.iter())
        .map(|setting| {
            let source = setting.source.as_ref().map(source_fields);
            let fields = json!({"value": setting.value, "source": source});
            (setting.name.to_owned(), fields)
        })
        .collect();
    let file = &settings.file;
    let fields = json!({
        "file": file.path.as_ref().map(|path| path.display().to_string()),
        "profile": file.profile.as_ref().map(|profile| profile.value.name.clone()),
        "profileSource": file.profile.as_ref().map(|profile| source_fields(&profile.source)),
        "settings": settings_shown,
    });
    match (&file.profile, &file.path) {
        (Some(profile), _) => context.output.note(&format!(
            "profile `{}` is selected by {}",
            profile.value.name, profile.source
        )),
        (None, Some(path)) => {
            (context.output).note(&format!("no profile is selected in {}", path.display()))
        }
        (None, None) => context.output.note("no settings file found"),
    }
    print(context, &text, &fields)
}

/// Returns the profile's defaults for new keys.
fn defaults_for_keys(settings: &Settings) -> Vec<ResolvedSetting> {
    let Some(profile) = &settings.file.profile else {
        return Vec::new();
    };
    let resolved = |name: &'static str| {
        let setting = profile.value.text(name)?;
        Some(ResolvedSetting {
            name,
            value: Some(setting.value),
            source: Some(setting.source),
        })
    };
    file::create_fields().filter_map(resolved).collect()
}

fn source_fields(source: &Source) -> Value {
    match source {
        Source::Flag(name) => json!({"kind": "flag", "name": name}),
        Source::Variable(name) => json!({"kind": "variable", "name": name}),
        Source::File(location) => json!({
            "kind": "file",
            "name": location.field(),
            "profile": location.profile(),
            "file": location.file().display().to_string(),
        }),
    }
}

fn check(settings: &Settings, context: &Context) -> Result<(), Error> {
    let manager = settings.manager.as_ref();
    (settings.proxy).choose(manager.map(|manager| &manager.value))?;
    let requested = settings.file.wanted.as_ref();
    let Some(file) = file::read()? else {
        return match requested {
            Some(requested) => Err(file::no_file(requested)),
            None => {
                context.output.note("no settings file found");
                print(context, "", &json!({"file": null, "profiles": []}))
            }
        };
    };
    if !file.problems.is_empty() {
        let problems = file.problems.iter();
        let messages = problems.map(|problem| Problem {
            message: problem.with_location(&file.path),
            hint: file.hint(problem),
        });
        let consequence = "other commands reject the file until then";
        return Err(invalid(&file, messages.collect(), consequence, context));
    }
    file.choose(requested)?;
    let problems: Vec<_> = (file.profiles().iter())
        .flat_map(|profile| unusable_values(profile, settings))
        .map(|error| Problem {
            message: error.to_string(),
            hint: error.next_step().unwrap_or_default().to_owned(),
        })
        .collect();
    if !problems.is_empty() {
        let consequence = "commands that use such a profile may fail until then";
        return Err(invalid(&file, problems, consequence, context));
    }
    let names = file.names();
    let shown = file.path.display().to_string();
    context.output.note(&match names.len() {
        1 => format!("{shown} is valid (1 profile)"),
        count => format!("{shown} is valid ({count} profiles)"),
    });
    print(context, "", &json!({"file": shown, "profiles": names}))
}

/// A problem of the settings file.
#[derive(serde::Serialize)]
struct Problem {
    message: String,
    hint: String,
}

/// Checks the default expiry of new keys and the files that the profile names. They can become invalid while the settings file stays the same, for
/// example when the date of the expiry passes.
fn unusable_values(profile: &Profile, settings: &Settings) -> Vec<Error> {
    let loose = allows_loose_permissions(profile, settings);
    let mut errors = Vec::new();
    if let Some(expires) = profile.text("create.expires") {
        let zone = profile.text("create.time-zone").map(|zone| zone.value);
        if let Err(error) = Expiry::parse(&expires.value, zone.as_deref(), Utc::now()) {
            let hint = error.next_step().unwrap_or_default();
            errors.push(Error::usage(format!("{}: {error}", expires.source), hint));
        }
    }
    if let Some(ca_cert) = profile.text("ca-cert") {
        let path = Path::new(&ca_cert.value);
        errors.extend(policy::load_certificates(path, &ca_cert.source, loose).err());
    }
    for (field, kind) in [
        ("password-file", CredentialKind::Password),
        ("api-key-file", CredentialKind::ApiKey),
    ] {
        let file = profile.text(field);
        let file = file.map(|path| path.map(|path| SecretSource::File(path.into())));
        let checked = file.map(|file| check_file(&file, kind, loose));
        errors.extend(checked.and_then(Result::err));
    }
    errors
}

/// Returns true if a run with this profile reads secrets from files that other users can read.
fn allows_loose_permissions(profile: &Profile, settings: &Settings) -> bool {
    const FIELD: &str = "allow-loose-permissions";
    let is_given = |setting: &ResolvedSetting| setting.name == FIELD && setting.source.is_some();
    let in_profile = || (profile.text(FIELD)).is_some_and(|field| field.value == "true");
    settings.allow_loose_permissions || (!settings.resolved.iter().any(is_given) && in_profile())
}

/// Returns the error for an invalid settings file. In JSON output, the error contains all problems. In text output, each problem is printed on its
/// own line before the error. `consequence` says what happens if the problems are not fixed.
fn invalid(file: &Profiles, problems: Vec<Problem>, consequence: &str, context: &Context) -> Error {
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    let shown = file.path.display();
    if context.output.format().is_json() {
        let list = json!(problems);
        let (messages, hints): (Vec<String>, Vec<String>) = (problems.into_iter())
            .map(|problem| (problem.message, problem.hint))
            .unzip();
        let message = format!("{shown} has {count}: {}", messages.join("; "));
        return Error::usage(message, hints.join("; ")).problems(list);
    }
    for Problem { message, hint } in &problems {
        context.output.error(message, Some(hint));
    }
    let hint = format!("fix every problem listed above; {consequence}");
    Error::usage(format!("{shown} has {count}"), hint)
}

fn print(context: &Context, text: &str, fields: &Value) -> Result<(), Error> {
    let document = match context.output.format() {
        Format::Json => json_text(fields, true) + "\n",
        Format::Jsonl => json_text(fields, false) + "\n",
        Format::Text | Format::Env | Format::Tsv => text.to_owned(),
    };
    context.output.data(&document)
}
