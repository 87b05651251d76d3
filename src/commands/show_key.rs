//! `show-key`: shows one key as the manager reports it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::auth::session;
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::keys::document::{meta, print_key};
use crate::keys::expiry_check::FailWithin;
use crate::keys::key_meta::KeyMeta;
use crate::keys::lookup;
use crate::keys::roles::RoleNames;
use crate::keys::state::State;
use crate::keys::table::KeyTable;
use crate::keys::times::detailed;
use crate::manager::ApiKey;
use crate::target::Target;
use crate::terminal::output::{Format, TableLayout};

/// Show one key.
#[derive(clap::Args)]
#[command(
    after_help = "With --fail-within, exit code 13 means that the key has expired or expires too soon. stdout contains the key in any case."
)]
pub(crate) struct Args {
    /// The key: its ID (N or id:N) or its unique name (TEXT or name:TEXT)
    #[arg(value_name = "KEY")]
    key: String,

    /// Fail if the key expires within this time; 1mo is a calendar month
    #[arg(long, value_name = "DURATION")]
    fail_within: Option<String>,
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    lookup::KeyRef::read(&args.key)?;
    let within = FailWithin::parse(args.fail_within.as_deref())?;
    let target = Target::find(settings, context).await?;
    let (key, roles, now) = session::signed_in(&target, context, async |access| {
        let key = lookup::resolve(&args.key, access).await?;
        let roles = match context.output.format() {
            // The name of the role is not requested for `-o env`, because this format prints only one value of the key.
            Format::Env => RoleNames::default(),
            _ => RoleNames::ask(access).await?,
        };
        Ok((key, roles, access.signed_in.time()))
    })
    .await?;
    let failure = within.and_then(|within| within.failure(&key, now));
    let role = roles.get(key.role_id());
    match context.output.format() {
        Format::Tsv => {
            let table = KeyTable { roles: &roles, now };
            context.output.table(&table.with_default_columns(&[key]))?;
        }
        Format::Text => {
            let lines = lines(&key, role, now, context.output.destination());
            context.output.data(&context.output.pairs(&lines))?;
        }
        _ => {
            let mut meta = meta(&target, json!({}));
            KeyMeta::of(&key, role, now).add_to(&mut meta);
            print_key(&key.fields(), meta, context)?;
        }
    }
    failure.map_or(Ok(Outcome::Done), Err)
}

/// Returns the text output: the name and the value of each field of the key.
fn lines(
    key: &ApiKey,
    role: Option<&str>,
    now: DateTime<Utc>,
    layout: TableLayout,
) -> Vec<[String; 2]> {
    let role = match (role, key.role_id()) {
        (Some(name), Some(id)) => format!("{name} (ID {id})"),
        (_, id) => id.map_or_else(|| "-".to_owned(), |id| format!("ID {id}")),
    };
    let fields = key.fields();
    let failures = fields
        .get("unsuccessfulSignInAttempts")
        .and_then(Value::as_i64);
    let or_none = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let time = |time, absent| detailed(time, absent, now, layout);
    let state = State::of(key, now);
    let mut lines = vec![
        ["ID", &key.id.to_string()].map(str::to_owned),
        ["Name".to_owned(), or_none(key.name())],
        ["Description".to_owned(), or_none(key.description())],
        ["Role".to_owned(), role],
        ["State", state.word()].map(str::to_owned),
        ["Created".to_owned(), time(key.created(), "-")],
        ["Last sign-in".to_owned(), time(key.last_sign_in(), "never")],
        ["Expires".to_owned(), time(key.expiry_date(), "never")],
        ["Locale".to_owned(), or_none(key.locale())],
        ["Time zone".to_owned(), or_none(key.time_zone())],
    ];
    if let Some(until) = state.locked_until() {
        lines.push(["Unlocks".to_owned(), time(Some(until), "")]);
    }
    if let Some(failures) = failures.filter(|failures| *failures > 0) {
        lines.push(["Failed sign-ins".to_owned(), failures.to_string()]);
    }
    lines
}
