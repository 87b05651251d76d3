//! Collects the keys to list, and prints them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::filter::{Filter, FilterResult};
use crate::auth::session::Access;
use crate::error::Error;
use crate::keys::document::meta;
use crate::keys::key_meta::KeyMeta;
use crate::keys::roles::RoleNames;
use crate::keys::table::{KeyColumn, KeyTable};
use crate::manager::{ApiKey, MAX_BYTES_HELD};
use crate::mint::Duplicates;
use crate::terminal::output::Format;

/// The settings for printing the matching keys.
pub(super) struct Presentation<'a> {
    /// The columns of the table. `None` for the default columns.
    pub(super) columns: Option<&'a [KeyColumn]>,
    /// The column by which the keys are sorted. `None` for the manager's order, which is by ID.
    pub(super) sort: Option<KeyColumn>,
    pub(super) reverse: bool,
    /// The maximum number of keys.
    pub(super) limit: Option<usize>,
}

/// The matching keys of the pages that have been read.
pub(super) struct Listing<'a> {
    access: Access<'a>,
    presentation: Presentation<'a>,
    keys: Vec<ApiKey>,
    roles: Option<RoleNames>,
    held: usize,
    shown: usize,
    /// The number of matching keys on the pages that have been read. `--limit` does not change it.
    matched: usize,
    /// The number of keys that are not listed because the manager reports neither their last sign-in nor their creation time.
    without_times: usize,
    other_case: bool,
    duplicates: Duplicates,
}

impl<'a> Listing<'a> {
    pub(super) fn new(access: Access<'a>, presentation: Presentation<'a>) -> Self {
        Self {
            access,
            presentation,
            keys: Vec::new(),
            roles: None,
            held: 0,
            shown: 0,
            matched: 0,
            without_times: 0,
            other_case: false,
            duplicates: Duplicates::default(),
        }
    }

    /// Returns the keys of a page that match the filter.
    pub(super) fn matching(&mut self, page: Vec<ApiKey>, filter: &Filter<'_>) -> Vec<ApiKey> {
        let now = self.access.signed_in.time();
        let mut matching = Vec::with_capacity(page.len());
        for key in page {
            self.duplicates.add(&key);
            let result = filter.apply(&key, now);
            self.without_times += usize::from(result == FilterResult::NoTimes);
            self.other_case |= result == FilterResult::OnlyCaseDiffers;
            if result == FilterResult::Match {
                matching.push(key);
            }
        }
        matching
    }

    /// Adds matching keys. Returns false if no more keys are needed: the limit is reached, or the reader of stdout has closed the pipe.
    pub(super) async fn add(&mut self, mut keys: Vec<ApiKey>) -> Result<bool, Error> {
        if keys.is_empty() {
            return Ok(true);
        }
        // The role names are requested when the first key is shown, and are not requested again for later pages.
        if self.roles.is_none() {
            self.roles = Some(RoleNames::ask(self.access).await?);
        }
        self.matched += keys.len();
        if self.presentation.sort.is_none() {
            keys.truncate(self.left());
        }
        self.shown += keys.len();
        if self.prints_page_by_page() {
            let now = self.access.signed_in.time();
            let lines: Vec<_> = listed(keys, &self.roles, now).collect();
            let is_open = self.access.context.output.json_lines(&lines)?;
            return Ok(is_open && self.left() > 0);
        }
        self.held += keys.iter().map(ApiKey::weight).sum::<usize>();
        if self.held > MAX_BYTES_HELD {
            return Err(
                Error::unexpected("the list of keys is too large for memory")
                    .hint("use `-o jsonl` without `--sort` to print the keys page by page"),
            );
        }
        self.keys.extend(keys);
        Ok(self.presentation.sort.is_some() || self.left() > 0)
    }

    /// Returns how many more keys `--limit` allows.
    fn left(&self) -> usize {
        let limit = self.presentation.limit.unwrap_or(usize::MAX);
        limit.saturating_sub(self.shown)
    }

    fn prints_page_by_page(&self) -> bool {
        let format = self.access.context.output.format();
        format == Format::Jsonl && self.presentation.sort.is_none()
    }

    /// Prints the warnings and the keys. `is_complete` is true if the last page was read, and `pattern` is the value of `--name`.
    pub(super) fn finish(mut self, is_complete: bool, pattern: Option<&str>) -> Result<(), Error> {
        self.warn(pattern);
        let now = self.access.signed_in.time();
        let no_roles = RoleNames::default();
        let roles = self.roles.as_ref().unwrap_or(&no_roles);
        let table = KeyTable { roles, now };
        if let Some(column) = self.presentation.sort {
            table.sort(&mut self.keys, column, self.presentation.reverse);
        }
        let limit = self.presentation.limit.unwrap_or(usize::MAX);
        self.keys.truncate(limit);
        let output = &self.access.context.output;
        match output.format() {
            Format::Text | Format::Env | Format::Tsv => {
                let mut lines = match self.presentation.columns {
                    Some(columns) => table.with_columns(columns, &self.keys),
                    None => table.with_default_columns(&self.keys),
                };
                if !self.keys.is_empty() && !output.is_quiet() {
                    let count = self.count(is_complete);
                    lines.summarize(table.summary(&self.keys, &count));
                }
                output.table(&lines)
            }
            Format::Json => {
                let api_keys: Vec<_> = listed(self.keys, &self.roles, now).collect();
                let meta = meta(self.access.target, json!({}));
                let document = KeyList {
                    api_keys: &api_keys,
                    meta,
                };
                output.json(&document, true)
            }
            Format::Jsonl if self.keys.is_empty() => Ok(()),
            Format::Jsonl => {
                let lines: Vec<_> = listed(self.keys, &self.roles, now).collect();
                output.json_lines(&lines).map(|_| ())
            }
        }
    }

    /// Returns the number of the keys, such as `2 of 13 keys` if `--limit` excludes keys.
    fn count(&self, is_complete: bool) -> String {
        let plural = |count| if count == 1 { "" } else { "s" };
        let (shown, all) = (self.keys.len(), self.matched);
        match (is_complete, all > shown) {
            (true, true) => format!("{shown} of {all} key{}", plural(all)),
            (true, false) => format!("{shown} key{}", plural(shown)),
            (false, true) => format!("the first {shown} key{}; there are more", plural(shown)),
            (false, false) => {
                format!("the first {shown} key{}; there may be more", plural(shown))
            }
        }
    }

    fn warn(&self, pattern: Option<&str>) {
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
            output.note(match pattern {
                _ if self.other_case => {
                    "no key matches, but some names would match if case were ignored"
                }
                Some(pattern) if !pattern.contains('%') => {
                    "no key matches; in `--name`, `%` matches any text, `_` matches one character, and the pattern must match the whole name"
                }
                _ => "no key matches",
            });
        }
    }
}

/// The JSON document: the keys as the manager returned them, and `meta`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyList<'a> {
    api_keys: &'a [ListedKey<'a>],
    meta: Value,
}

/// A key as the manager returned it, with the additional field `meta`. `meta` contains the key's state and the name of its role.
#[derive(Serialize)]
struct ListedKey<'a> {
    #[serde(flatten)]
    key: ApiKey,
    meta: KeyMeta<'a>,
}

fn listed(
    keys: Vec<ApiKey>,
    roles: &Option<RoleNames>,
    now: DateTime<Utc>,
) -> impl Iterator<Item = ListedKey<'_>> {
    keys.into_iter().map(move |key| {
        let role = roles.as_ref().and_then(|roles| roles.get(key.role_id()));
        ListedKey {
            meta: KeyMeta::of(&key, role, now),
            key,
        }
    })
}
