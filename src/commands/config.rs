//! `config`: where the settings file is, what counts and who says so, and what is wrong in the file. No manager is asked.

use std::path::Path;

use chrono::Utc;
use serde_json::{Value, json};

use crate::config::file;
use crate::config::file::{Profile, Profiles};
use crate::config::{ResolvedSetting, Settings, Source};
use crate::context::Context;
use crate::context::Outcome;
use crate::error::{Error, ErrorKind};
use crate::expiry::Expiry;
use crate::terminal::output::{Format, json_text, table};
use crate::trust::policy;

/// Show the settings and where each comes from, and check the settings file.
#[derive(clap::Args)]
#[command(after_help = FILE, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

/// What of it.
#[derive(Clone, Copy, clap::Subcommand)]
enum Action {
    /// Print where the settings file is looked for
    Path,
    /// Print each setting that counts, and who says so
    Show,
    /// Look for everything that is wrong in the settings file, in all profiles
    Check,
}

const FILE: &str = "\
The settings file is config.toml in $SWP_CONFIG_DIR, else in swp-keys in $XDG_CONFIG_HOME, else in ~/.config/swp-keys. It holds \
`default-profile = \"NAME\"` and tables `[profiles.NAME]`, whose fields are called like the flags (url, tenant, username, ca-cert, \
tls-pin, proxy, output, timeout ...), with `[profiles.NAME.create]` for the defaults of new keys (role, role-id, expires, \
description, locale, time-zone). It holds no secret: password-command, mfa-command and api-key-command name what prints one. A \
flag wins over a variable, and that over the profile.";

impl Args {
    /// What is wrong in the file must not keep it from being found or checked.
    pub(crate) fn uses_profiles(&self) -> bool {
        matches!(self.action, Action::Show)
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    if context.output.format() == Format::Env {
        return Err(Error::usage(
            "`-o env` is for one secret, and this prints none",
            "use text or json",
        ));
    }
    match args.action {
        Action::Path => path(context)?,
        Action::Show => show(context)?,
        Action::Check => check(context)?,
    }
    Ok(Outcome::Done)
}

fn path(context: &Context) -> Result<(), Error> {
    let path = file::path().ok_or_else(|| {
        Error::usage(
            "this machine names no place for settings",
            "name a folder in SWP_CONFIG_DIR",
        )
    })?;
    let exists = path.exists();
    if !exists {
        context.output.note("there is no such file");
    }
    let shown = path.display().to_string();
    let fields = json!({"path": shown, "exists": exists});
    print(
        context,
        &(crate::terminal::output::safe(&shown) + "\n"),
        &fields,
    )
}

fn show(context: &Context) -> Result<(), Error> {
    let settings = &context.settings;
    // What a command that connects would refuse does not count.
    settings
        .proxy
        .choose(settings.manager.as_ref().map(|manager| &manager.value))?;
    let rows: Vec<ResolvedSetting> = (settings.told.iter().cloned())
        .chain(defaults_for_keys(settings))
        .collect();
    let text = table(
        ["SETTING", "VALUE", "SOURCE"],
        rows.iter().map(|told| {
            let value = told.value.clone().unwrap_or_else(|| "-".to_owned());
            [told.name.to_owned(), value, told.by()]
        }),
    );
    let settings_shown: serde_json::Map<String, Value> = (rows.iter())
        .map(|told| {
            let source = told.source.as_ref().map(source_fields);
            let fields = json!({"value": told.value, "source": source});
            (told.name.to_owned(), fields)
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
            "the profile is `{}`, named by {}",
            profile.value.name, profile.source
        )),
        (None, Some(path)) => {
            (context.output).note(&format!("no profile of {} is chosen", path.display()))
        }
        (None, None) => context.output.note("there is no settings file"),
    }
    print(context, &text, &fields)
}

/// What the profile says of new keys.
fn defaults_for_keys(settings: &Settings) -> Vec<ResolvedSetting> {
    let Some(profile) = &settings.file.profile else {
        return Vec::new();
    };
    let told = |name: &'static str| {
        let found = profile.value.text(name)?;
        Some(ResolvedSetting {
            name,
            value: Some(found.value),
            source: Some(found.source),
        })
    };
    file::of_create().filter_map(told).collect()
}

fn source_fields(source: &Source) -> Value {
    match source {
        Source::Flag(name) => json!({"kind": "flag", "name": name}),
        Source::Variable(name) => json!({"kind": "variable", "name": name}),
        Source::File(spot) => json!({
            "kind": "file",
            "name": spot.field(),
            "profile": spot.profile(),
            "file": spot.file().display().to_string(),
        }),
    }
}

fn check(context: &Context) -> Result<(), Error> {
    let manager = context.settings.manager.as_ref();
    (context.settings.proxy).choose(manager.map(|manager| &manager.value))?;
    let wanted = context.settings.file.wanted.as_ref();
    let Some(file) = file::read()? else {
        return match wanted {
            Some(wanted) => Err(file::no_file(wanted)),
            None => {
                context.output.note("there is no settings file");
                print(context, "", &json!({"file": null, "profiles": []}))
            }
        };
    };
    if !file.problems.is_empty() {
        let problems = file.problems.iter();
        let found = problems.map(|problem| (problem.placed(&file.path), problem.hint.clone()));
        return Err(wrong(&file, found.collect(), context));
    }
    file.choose(wanted)?;
    let found: Vec<_> = (file.profiles().iter())
        .flat_map(|profile| unusable(profile, context))
        .map(|error| {
            (
                error.to_string(),
                error.next_step().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    if !found.is_empty() {
        return Err(wrong(&file, found, context));
    }
    let names = file.names();
    let shown = file.path.display().to_string();
    context.output.note(&match names.len() {
        1 => format!("{shown} is right, with one profile"),
        more => format!("{shown} is right, with {more} profiles"),
    });
    print(context, "", &json!({"file": shown, "profiles": names}))
}

/// What hangs on this day and this machine: an end that has passed, and a file of certificates that cannot be used.
fn unusable(profile: &Profile, context: &Context) -> Vec<Error> {
    let mut found = Vec::new();
    if let Some(expires) = profile.text("create.expires") {
        let zone = profile.text("create.time-zone").map(|zone| zone.value);
        if let Err(error) = Expiry::parse(&expires.value, zone.as_deref(), Utc::now()) {
            let hint = error.next_step().unwrap_or_default();
            found.push(Error::usage(format!("{}: {error}", expires.source), hint));
        }
    }
    if let Some(ca_cert) = profile.text("ca-cert") {
        let path = Path::new(&ca_cert.value);
        let loose = context.settings.allow_loose_permissions;
        found.extend(policy::load_certificates(path, &ca_cert.source, loose).err());
    }
    found
}

/// Each problem on a line of its own, and their number; a program gets them in one message.
fn wrong(file: &Profiles, found: Vec<(String, String)>, context: &Context) -> Error {
    let count = match found.len() {
        1 => "one thing is wrong".to_owned(),
        more => format!("{more} things are wrong"),
    };
    let shown = file.path.display();
    if context.output.format().is_json() {
        let (said, hints): (Vec<String>, Vec<String>) = found.into_iter().unzip();
        return Error::new(ErrorKind::Usage, format!("{count}: {}", said.join("; ")))
            .hint(hints.join("; "));
    }
    for (said, hint) in &found {
        context.output.error(said, Some(hint));
    }
    let hint = "fix every problem listed; the file is rejected until then";
    Error::usage(format!("{count} in {shown}"), hint)
}

fn print(context: &Context, text: &str, fields: &Value) -> Result<(), Error> {
    let document = match context.output.format() {
        Format::Json => json_text(fields, true) + "\n",
        Format::Jsonl => json_text(fields, false) + "\n",
        Format::Text | Format::Env => text.to_owned(),
    };
    context.output.data(&document)
}
