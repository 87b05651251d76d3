//! `create-key`: sign in, resolve the role, create the key, deliver its secret.

use std::path::PathBuf;

use chrono::Utc;
use serde_json::{Map, Value, json};

use super::{Outcome, find_role};
use crate::context::Context;
use crate::delivery::{FileSink, Sink, StdoutSink};
use crate::error::{Error, Kind};
use crate::expiry::{Expiry, shown};
use crate::manager::{ApiKey, Cause, NewApiKey, SignedIn};
use crate::mint::Prepared;
use crate::output::{Format, json_text};
use crate::random;

/// Sign in, resolve the role, create the key, and deliver its secret.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which-role").required(true))]
pub(crate) struct Args {
    /// The role of the key, by its exact name
    #[arg(long, value_name = "NAME", group = "which-role")]
    role: Option<String>,

    /// The role of the key, by its ID; needs no search
    #[arg(long, value_name = "ID", group = "which-role", value_parser = clap::value_parser!(i64).range(1..))]
    role_id: Option<i64>,

    /// The name of the key [default: role, time and eight random digits]
    #[arg(long)]
    name: Option<String>,

    /// Leave the mark of this run out of the description of a key you name
    #[arg(long)]
    no_mark: bool,

    /// What the key is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Language and country
    #[arg(long, value_parser = ["en-US", "ja-JP"])]
    locale: Option<String>,

    /// Time zone, an IANA name such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,

    /// When the key ends: 14d, 12w, 36h, a date, an RFC 3339 time, or never
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,

    /// What to do if a key of this name exists
    #[arg(long, value_name = "WHAT", default_value = "fail", requires = "name")]
    if_exists: IfExists,

    /// Sign in, resolve the role, check the name and the place for the secret, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Write the secret to this file (0600); stdout then carries the key without it
    #[arg(long, value_name = "FILE", help_heading = "Where the secret goes")]
    out_file: Vec<PathBuf>,

    /// Replace an existing file
    #[arg(long, requires = "out_file", help_heading = "Where the secret goes")]
    force: bool,

    /// The variable's name with -o env
    #[arg(long, value_name = "NAME", default_value = "SWP_API_KEY", value_parser = variable_name, help_heading = "Where the secret goes")]
    env_name: String,
}

/// What to do if a key of the name exists.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum IfExists {
    /// Fail, and name the key.
    Fail,
    /// Succeed without making a secret, and say where the key differs.
    Skip,
}

fn variable_name(text: &str) -> Result<String, &'static str> {
    let mut characters = text.chars();
    let good_start = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if good_start && characters.all(|other| other.is_ascii_alphanumeric() || other == '_') {
        Ok(text.to_owned())
    } else {
        Err("a variable's name is made of letters, digits and underscores")
    }
}

/// What the command line asks for, before the manager is asked for anything.
struct Plan<'a> {
    args: &'a Args,
    expiry: Option<Expiry>,
    /// Marks the key as this run's, so that its owner can be told from its name or description (design.md, "The transaction").
    operation: String,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    let plan = Plan::new(args)?;
    if plan.expiry.is_none() {
        context
            .output
            .note("this key will not end by itself; `--expires 90d` sets an end");
    }
    let prepared = Prepared::new(sinks(args, context)?);
    context
        .signed_in(async |signed_in| plan.carry_out(signed_in, prepared, context).await)
        .await?;
    Ok(Outcome::Done)
}

/// Files first: what is on stdout cannot be taken back. Two sinks on one file would be one too many.
fn sinks(args: &Args, context: &Context) -> Result<Vec<Box<dyn Sink>>, Error> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    for (index, path) in args.out_file.iter().enumerate() {
        if args.out_file[..index].contains(path) {
            return Err(Error::usage(
                format!("`--out-file` {} is given twice", path.display()),
                "name each file once",
            ));
        }
        sinks.push(Box::new(FileSink::prepare(path, args.force)?));
    }
    if sinks.is_empty() {
        sinks.push(Box::new(StdoutSink::prepare(
            context.output.format(),
            &args.env_name,
        )?));
    }
    Ok(sinks)
}

impl<'a> Plan<'a> {
    fn new(args: &'a Args) -> Result<Self, Error> {
        if let Some(name) = &args.name
            && (name.is_empty() || name.trim() != name)
        {
            return Err(Error::usage(
                "`--name` is empty, or begins or ends with a blank",
                "whether the manager keeps such blanks is unknown, so the key might not be found again",
            ));
        }
        let zone = args.time_zone.as_deref();
        let expiry = args
            .expires
            .as_deref()
            .map(|text| Expiry::parse(text, zone, Utc::now()))
            .transpose()?;
        Ok(Self {
            args,
            expiry,
            operation: random::hex(4),
        })
    }

    async fn carry_out(
        &self,
        signed_in: &SignedIn,
        prepared: Prepared,
        context: &Context,
    ) -> Result<(), Error> {
        let (role_id, role_name) = self.role(signed_in, context).await?;
        say_skew(signed_in, self.expiry, context);
        let key = self.key(role_id, role_name.as_deref(), signed_in);
        let meta = self.meta(role_name.as_deref(), &prepared, context)?;
        if let Some(existing) = self.existing(signed_in, context).await? {
            return self.keep(&existing, &key, meta, context);
        }
        if self.args.dry_run {
            return dry_run(&key, &prepared, meta, context);
        }
        let on_stdout = self.args.out_file.is_empty();
        let delivered = prepared.mint(context, signed_in, &key, &meta).await?;
        if let Some(asked) = key.expiry_date
            && delivered.expiry_date != Some(asked)
        {
            let got = delivered
                .expiry_date
                .map_or_else(|| "never".to_owned(), shown);
            context.output.warn(&format!(
                "the manager set another end than asked: {got} instead of {}",
                shown(asked)
            ));
        }
        if on_stdout {
            Ok(())
        } else {
            print_key(&delivered.fields, meta, context)
        }
    }

    async fn role(
        &self,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<(i64, Option<String>), Error> {
        match (&self.args.role, self.args.role_id) {
            (_, Some(id)) => Ok((id, None)),
            (name, None) => {
                let name = name.as_deref().unwrap_or_default();
                let role = find_role::resolve(name, signed_in, context).await?;
                Ok((role.id, Some(role.name)))
            }
        }
    }

    fn key(&self, role_id: i64, role_name: Option<&str>, signed_in: &SignedIn) -> NewApiKey {
        let args = self.args;
        let key_name = args.name.clone().unwrap_or_else(|| {
            let role = role_name.map_or_else(
                || format!("role-{role_id}"),
                |name| name.replace(char::is_whitespace, "-"),
            );
            format!(
                "{role}-{}-{}",
                Utc::now().format("%Y%m%dT%H%M%SZ"),
                self.operation
            )
        });
        // The default name carries the operation already.
        let mark = (args.name.is_some() && !args.no_mark)
            .then(|| format!("[swp-keys {}]", self.operation));
        let description = match (args.description.clone(), mark) {
            (Some(description), Some(mark)) if !description.is_empty() => {
                Some(format!("{description} {mark}"))
            }
            (description, mark) => mark.or(description),
        };
        NewApiKey {
            key_name,
            description,
            role_id,
            locale: args.locale.clone(),
            time_zone: args.time_zone.clone(),
            expiry_date: self
                .expiry
                .and_then(|expiry| expiry.milliseconds(signed_in.time())),
        }
    }

    fn meta(
        &self,
        role_name: Option<&str>,
        prepared: &Prepared,
        context: &Context,
    ) -> Result<Value, Error> {
        let mut meta = json!({
            "manager": context.settings.address()?.to_string(),
            "created": true,
            "operation": self.operation,
            "sinks": prepared.places(),
        });
        if let Some(name) = role_name {
            meta["role"] = name.into();
        }
        if let Some(tenant) = &context.settings.tenant {
            meta["tenant"] = tenant.value.clone().into();
        }
        Ok(meta)
    }

    /// The key that bears the name already; a name made here needs no look, it is random.
    async fn existing(
        &self,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<Option<ApiKey>, Error> {
        let Some(name) = &self.args.name else {
            return Ok(None);
        };
        let search = async { Ok(signed_in.api_keys_named(name).await) };
        let found = match context.interrupt.or(search).await? {
            Ok(found) => found,
            // Whether a session may look at keys is unknown (manager-api.md, section 11, no. 20).
            Err(error)
                if self.args.if_exists == IfExists::Fail
                    && matches!(error.cause(), Cause::Forbidden | Cause::Unauthorized) =>
            {
                context.output.warn(&format!(
                    "whether a key named `{name}` exists was not checked: {error}"
                ));
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let mut exact: Vec<_> = found
            .into_iter()
            .filter(|key| key.name() == Some(name))
            .collect();
        let ids = exact
            .iter()
            .map(|key| key.id.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        match (exact.pop(), exact.len(), self.args.if_exists) {
            (None, ..) => Ok(None),
            (Some(key), 0, IfExists::Skip) => Ok(Some(key)),
            (Some(key), 0, IfExists::Fail) => Err(Error::new(
                Kind::Conflict,
                format!("a key named `{name}` exists already, with the ID {ids}"),
            )
            .hint("choose another `--name`, or say `--if-exists skip` to leave it as it is")
            .key(key.id)),
            (Some(_), ..) => Err(Error::new(
                Kind::Conflict,
                format!("several keys are named `{name}`, with the IDs {ids}"),
            )
            .hint("choose another `--name`, or delete the ones that nobody uses")),
        }
    }

    /// `--if-exists skip`: no secret, and a word where the key is not what was asked for.
    fn keep(
        &self,
        existing: &ApiKey,
        wanted: &NewApiKey,
        mut meta: Value,
        context: &Context,
    ) -> Result<(), Error> {
        let drift = drift(existing, wanted, self.expiry);
        let same = if drift.is_empty() {
            ""
        } else {
            "; it differs in "
        };
        context.output.note(&format!(
            "the key `{}` exists already (ID {}) and is left as it is{same}{}",
            wanted.key_name,
            existing.id,
            drift.join(", ")
        ));
        meta["created"] = false.into();
        meta["sinks"] = json!([]);
        meta["drift"] = json!(drift);
        match context.output.format() {
            // There is no secret to print, and nothing else may stand in its place.
            Format::Text | Format::Env => Ok(()),
            Format::Json | Format::Jsonl => print_key(&existing.fields(), meta, context),
        }
    }
}

/// Where an existing key is not what was asked for. A life span cannot be compared, since it is not known from when it counted.
fn drift(existing: &ApiKey, wanted: &NewApiKey, expiry: Option<Expiry>) -> Vec<String> {
    let fields = existing.fields();
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut drift = Vec::new();
    if existing.role_id() != Some(wanted.role_id) {
        drift.push("roleID".to_owned());
    }
    let differs = |wanted: &Option<String>, name| wanted.is_some() && *wanted != text(name);
    if differs(&wanted.locale, "locale") {
        drift.push("locale".to_owned());
    }
    if differs(&wanted.time_zone, "timeZone") {
        drift.push("timeZone".to_owned());
    }
    let expiry_differs = match expiry {
        None | Some(Expiry::After(_)) => false,
        Some(Expiry::Never) => existing.expiry_date().is_some(),
        Some(Expiry::At(at)) => existing.expiry_date() != Some(at.timestamp_millis()),
    };
    if expiry_differs {
        drift.push("expiryDate".to_owned());
    }
    if fields.get("active").and_then(Value::as_bool) == Some(false) {
        drift.push("active".to_owned());
    }
    drift
}

/// A duration counts from the manager's clock; more than a minute of difference also breaks codes of a second factor.
fn say_skew(signed_in: &SignedIn, expiry: Option<Expiry>, context: &Context) {
    if !matches!(expiry, Some(Expiry::After(_))) {
        return;
    }
    let Some(skew) = signed_in.clock_skew() else {
        return;
    };
    if skew.num_seconds().abs() > 60 {
        let ahead = if skew.num_seconds() > 0 {
            "ahead of"
        } else {
            "behind"
        };
        context.output.warn(&format!(
            "the manager's clock is {} {ahead} this machine's; `--expires` counts from the manager's",
            humantime::format_duration(std::time::Duration::from_secs(skew.num_seconds().unsigned_abs()))
        ));
    }
}

fn dry_run(
    key: &NewApiKey,
    prepared: &Prepared,
    mut meta: Value,
    context: &Context,
) -> Result<(), Error> {
    let place = prepared.places().join(", ");
    let end = key.expiry_date.map_or_else(|| "never".to_owned(), shown);
    context.output.note(&format!(
        "would create the key `{}` with the role ID {}, ending {end}, and write its secret to {place}; nothing was changed",
        key.key_name, key.role_id
    ));
    meta["created"] = false.into();
    meta["dryRun"] = true.into();
    match (context.output.format(), json!(key)) {
        (Format::Json | Format::Jsonl, Value::Object(fields)) => print_key(&fields, meta, context),
        // What a script takes from stdout is a secret, and there is none.
        _ => Ok(()),
    }
}

/// The key without its secret: its ID as text, the manager's object and `meta` as JSON.
fn print_key(fields: &Map<String, Value>, meta: Value, context: &Context) -> Result<(), Error> {
    let id = fields.get("ID").map(Value::to_string).unwrap_or_default();
    let mut object = Value::Object(fields.clone());
    object["meta"] = meta;
    context.output.data(&match context.output.format() {
        Format::Text => format!("{id}\n"),
        Format::Env => crate::output::env_line("SWP_API_KEY_ID", &id),
        Format::Json => json_text(&object, true) + "\n",
        Format::Jsonl => json_text(&object, false) + "\n",
    })
}
