//! The flags of `list-keys`, and the code that runs it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::filter::{Filter, FilterResult, offset, parse_duration};
use crate::auth::session;
use crate::auth::session::Access;
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::keys::document::meta;
use crate::keys::lookup;
use crate::keys::roles::{self, RoleNames, RoleRef};
use crate::keys::state::{State, time_or};
use crate::manager::{ApiKey, MAX_BYTES_HELD};
use crate::mint::Duplicates;
use crate::target::Target;
use crate::terminal::output;
use crate::terminal::output::Format;

/// List all keys, or only keys that match a filter.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only keys whose name matches this pattern (% is any text, _ is one character; case-sensitive)
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,

    /// Only keys of the role with this exact name
    #[arg(long, value_name = "NAME", conflicts_with = "role_id")]
    role: Option<String>,

    /// Only keys of the role with this ID
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    role_id: Option<i64>,

    /// Only keys that have not expired but will expire within this time: 14d, 12w, 36h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expiring: Option<Duration>,

    /// Only keys that have not been used for this time (or, if never used, were created before that)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    stale: Option<Duration>,

    /// Only keys that are locked, by an administrator or after failed sign-ins
    #[arg(long)]
    locked: bool,
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    context.output.format().require_list()?;
    let target = Target::new(settings)?;
    session::signed_in(&target, context, async |access| {
        let filter = args.filter(access).await?;
        list(&filter, access).await
    })
    .await?;
    Ok(Outcome::Done)
}

impl Args {
    /// Returns the filter. If it contains a time, this requests the manager's clock first.
    async fn filter(&self, access: Access<'_>) -> Result<Filter<'_>, Error> {
        let role_id = match RoleRef::given(self.role.as_deref(), self.role_id) {
            Some(role) => Some(roles::requested(role, false, access).await?.id),
            None => None,
        };
        if self.expiring.is_some() || self.stale.is_some() {
            let sync = async {
                let synced = access.signed_in.sync_clock().await;
                synced.map_err(|error| lookup::explain(access.signed_in, error))
            };
            access.context.signals.cancel(sync).await?;
        }
        let now = access.signed_in.time();
        Ok(Filter {
            name: self.name.as_deref(),
            role_id,
            expires_by: self.expiring.map(|span| offset(now, span, 1)),
            unused_since: self.stale.map(|span| offset(now, span, -1)),
            locked: self.locked,
            created_at: now.timestamp_millis(),
        })
    }
}

async fn list(filter: &Filter<'_>, access: Access<'_>) -> Result<(), Error> {
    let mut list = Listing::new(access);
    let mut pages = access.signed_in.api_keys(&filter.for_manager());
    let mut roles = None;
    loop {
        let next = async {
            let page = pages.next().await;
            page.map_err(|error| lookup::explain(access.signed_in, error))
        };
        let Some(page) = access.context.signals.cancel(next).await? else {
            break;
        };
        let now = access.signed_in.time();
        let mut matching = Vec::with_capacity(page.len());
        for key in page {
            list.duplicates.add(&key);
            let result = filter.apply(&key, now);
            list.without_times += usize::from(result == FilterResult::NoTimes);
            list.other_case |= result == FilterResult::OnlyCaseDiffers;
            if result == FilterResult::Match {
                matching.push(key);
            }
        }
        if matching.is_empty() {
            continue;
        }
        // The role names are requested only once, when the first key is shown.
        let roles = match roles.take() {
            Some(known) => roles.insert(known),
            None => roles.insert(RoleNames::ask(access).await?),
        };
        if !list.add(matching, roles, now)? {
            return Ok(());
        }
    }
    list.finish()
}

/// The matching keys of the pages that have been read.
struct Listing<'a> {
    access: Access<'a>,
    rows: Vec<[String; 6]>,
    objects: Vec<ListedKey>,
    held: usize,
    shown: usize,
    /// The number of keys that are not listed because the manager reports neither their last sign-in nor their creation time.
    without_times: usize,
    other_case: bool,
    duplicates: Duplicates,
}

impl<'a> Listing<'a> {
    fn new(access: Access<'a>) -> Self {
        Self {
            access,
            rows: Vec::new(),
            objects: Vec::new(),
            held: 0,
            shown: 0,
            without_times: 0,
            other_case: false,
            duplicates: Duplicates::default(),
        }
    }

    /// Adds the keys of a page. Returns false if the reader of stdout has closed the pipe.
    fn add(
        &mut self,
        keys: Vec<ApiKey>,
        roles: &RoleNames,
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        self.shown += keys.len();
        let format = self.access.context.output.format();
        if format == Format::Jsonl {
            let lines: Vec<_> = listed(keys, roles, now).collect();
            return self.access.context.output.json_lines(&lines);
        }
        self.held += keys.iter().map(ApiKey::weight).sum::<usize>();
        if self.held > MAX_BYTES_HELD {
            return Err(
                Error::unexpected("the list of keys is too large for memory")
                    .hint("use `-o jsonl` to print the keys page by page"),
            );
        }
        if format == Format::Json {
            self.objects.extend(listed(keys, roles, now));
        } else {
            (self.rows).extend(keys.iter().map(|key| row(key, roles, now)));
        }
        Ok(true)
    }

    fn finish(self) -> Result<(), Error> {
        let output = &self.access.context.output;
        for warning in self.duplicates.warnings() {
            output.warn(&warning);
        }
        if self.without_times > 0 {
            output.warn(&format!(
                "{} keys are not listed: the manager reports neither their last sign-in nor their creation time",
                self.without_times
            ));
        }
        if self.shown == 0 {
            output.note(if self.other_case {
                "no key matches, but some names would match in a different case"
            } else {
                "no key matches"
            });
        }
        match output.format() {
            Format::Text | Format::Env => {
                let header = ["ID", "NAME", "ROLE", "STATE", "CREATED", "LAST SIGN-IN"];
                output.data(&output::table(header, self.rows.into_iter()))
            }
            Format::Json => {
                let meta = meta(self.access.target, json!({}));
                let document = KeyList {
                    api_keys: &self.objects,
                    meta,
                };
                output.json(&document, true)
            }
            Format::Jsonl => Ok(()),
        }
    }
}

fn row(key: &ApiKey, roles: &RoleNames, now: DateTime<Utc>) -> [String; 6] {
    let role = match (roles.get(key.role_id()), key.role_id()) {
        (Some(name), _) => name.to_owned(),
        (None, Some(id)) => format!("ID {id}"),
        (None, None) => "-".to_owned(),
    };
    [
        key.id.to_string(),
        key.name().unwrap_or("-").to_owned(),
        role,
        State::of(key, now).words(now),
        time_or(key.created(), "-"),
        time_or(key.last_sign_in(), "never"),
    ]
}

/// The JSON document: the keys as the manager returned them, and `meta`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyList<'a> {
    api_keys: &'a [ListedKey],
    meta: Value,
}

/// A key as the manager returned it. `meta` adds the key's state and the name of its role.
#[derive(Serialize)]
struct ListedKey {
    #[serde(flatten)]
    key: ApiKey,
    meta: Value,
}

fn listed(
    keys: Vec<ApiKey>,
    roles: &RoleNames,
    now: DateTime<Utc>,
) -> impl Iterator<Item = ListedKey> {
    keys.into_iter().map(move |key| {
        let mut meta = json!({"state": State::of(&key, now).word()});
        if let Some(name) = roles.get(key.role_id()) {
            meta["role"] = name.into();
        }
        ListedKey { key, meta }
    })
}
