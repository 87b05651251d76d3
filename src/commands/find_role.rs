//! `find-role`: prints the ID of the role with an exact name, or the roles that match a pattern.

use serde::Serialize;
use serde_json::{Value, json};

use crate::auth::session;
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::keys::document::meta;
use crate::keys::roles;
use crate::manager::Role;
use crate::target::Target;
use crate::terminal::output::{Format, env_line};

/// Print the ID of a role.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(crate) struct Args {
    /// Exact name of the role
    #[arg(group = "which")]
    name: Option<String>,

    /// List the roles whose name matches this pattern (% is any text, _ is one character)
    #[arg(long, value_name = "PATTERN", group = "which")]
    like: Option<String>,
}

impl Args {
    /// Returns true if the command prints a table.
    pub(crate) fn prints_table(&self) -> bool {
        self.like.is_some()
    }
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    let format = context.output.format();
    if args.like.is_some() {
        format.require_list()?;
    }
    let target = Target::find(settings, context).await?;
    if let Some(pattern) = &args.like {
        let found = session::signed_in(&target, context, async |access| {
            let found = access.signed_in.roles_like(pattern);
            context
                .signals
                .cancel(async {
                    found
                        .await
                        .map_err(|error| roles::explain(access.signed_in, error))
                })
                .await
        })
        .await?;
        roles::print(&found, &target, context)?;
        return Ok(Outcome::Done);
    }
    let name = args.name.as_deref().unwrap_or_default();
    let role = session::signed_in(&target, context, async |access| {
        roles::resolve(name, access).await
    })
    .await?;
    print(&role, &target, context)?;
    Ok(Outcome::Done)
}

/// The JSON document: the fields of the role as the manager returned them, and `meta`.
#[derive(Serialize)]
struct FoundRole<'a> {
    #[serde(flatten)]
    role: &'a Role,
    meta: Value,
}

fn print(role: &Role, target: &Target, context: &Context) -> Result<(), Error> {
    let format = context.output.format();
    match format {
        Format::Text | Format::Tsv => context.output.data(&format!("{}\n", role.id)),
        Format::Env => (context.output).data(&env_line("SWP_ROLE_ID", &role.id.to_string())),
        Format::Json | Format::Jsonl => {
            let meta = meta(target, json!({}));
            (context.output).json(&FoundRole { role, meta }, format == Format::Json)
        }
    }
}
