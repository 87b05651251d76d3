//! The flags of `list-keys`, and the code that runs it.

use super::filter::{Filter, parse_duration};
use super::listing::{Listing, Presentation};
use crate::auth::session;
use crate::auth::session::Access;
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::expiry::Span;
use crate::keys::lookup;
use crate::keys::roles::{self, RoleRef};
use crate::keys::table::KeyColumn;
use crate::target::Target;

/// List all keys, or only keys that match a filter.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only keys whose name matches this pattern (% is any text, _ is any one character; case-sensitive)
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,

    /// Only keys of the role with this exact name
    #[arg(long, value_name = "NAME", conflicts_with = "role_id")]
    role: Option<String>,

    /// Only keys of the role with this ID
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    role_id: Option<i64>,

    /// Only keys that have not expired but will expire within this time: 14d, 12w, 36h, 6mo
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expiring: Option<Span>,

    /// Only keys that have expired
    #[arg(long, conflicts_with = "expiring")]
    expired: bool,

    /// Only keys that have not been used for this long (if never used, since their creation)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    stale: Option<Span>,

    /// Only keys that are locked, by an administrator or after failed sign-ins
    #[arg(long)]
    locked: bool,

    /// Sort by this column instead of the ID; keys without a value come last
    #[arg(long, value_name = "COLUMN")]
    sort: Option<KeyColumn>,

    /// Sort in descending order
    #[arg(long)]
    reverse: bool,

    /// Print at most this many keys
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,

    /// Print these columns of the table, in this order (separated by commas)
    #[arg(
        long,
        value_name = "COLUMNS",
        value_delimiter = ',',
        ignore_case = true
    )]
    columns: Option<Vec<KeyColumn>>,
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    let format = context.output.format();
    format.require_list()?;
    if args.columns.is_some() && format.is_json() {
        return Err(Error::usage(
            "`--columns` selects columns of a table, but the output is JSON",
            "use `-o text` or `-o tsv`",
        ));
    }
    let target = Target::find(settings, context).await?;
    session::signed_in(&target, context, async |access| {
        let filter = args.filter(access).await?;
        list(&filter, args, access).await
    })
    .await?;
    Ok(Outcome::Done)
}

impl Args {
    fn presentation(&self) -> Presentation<'_> {
        Presentation {
            columns: self.columns.as_deref(),
            sort: self.sort.or(self.reverse.then_some(KeyColumn::Id)),
            reverse: self.reverse,
            limit: self.limit.map(|limit| limit as usize),
        }
    }

    /// Returns the filter. If the filter contains a time, requests the manager's time first.
    async fn filter(&self, access: Access<'_>) -> Result<Filter<'_>, Error> {
        let role_id = match RoleRef::given(self.role.as_deref(), self.role_id) {
            Some(role) => Some(roles::requested(role, false, access).await?.id),
            None => None,
        };
        if self.expiring.is_some() || self.stale.is_some() || self.expired {
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
            expires_by: self.expiring.map(|span| {
                span.after(now)
                    .map_or(i64::MAX, |end| end.timestamp_millis())
            }),
            unused_since: self.stale.map(|span| {
                span.before(now)
                    .map_or(i64::MIN, |start| start.timestamp_millis())
            }),
            expired: self.expired,
            locked: self.locked,
            created_at: now.timestamp_millis(),
        })
    }
}

async fn list(filter: &Filter<'_>, args: &Args, access: Access<'_>) -> Result<(), Error> {
    let mut list = Listing::new(access, args.presentation());
    let mut pages = access.signed_in.api_keys(&filter.for_manager());
    loop {
        let next = async {
            let page = pages.next().await;
            page.map_err(|error| lookup::explain(access.signed_in, error))
        };
        let Some(page) = access.context.signals.cancel(next).await? else {
            break;
        };
        let keys = list.matching(page, filter);
        if !list.add(keys).await? {
            break;
        }
    }
    list.finish(pages.ended(), args.name.as_deref())
}
