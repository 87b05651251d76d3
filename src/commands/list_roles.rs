//! `list-roles`.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use super::Outcome;
use super::find_role::explain;
use crate::context::Context;
use crate::error::Error;
use crate::manager::Role;
use crate::output::{Format, json_text, safe};

/// List the roles.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(_args: &Args, context: &Context) -> Result<Outcome, Error> {
    check_format(context.output.format())?;
    let roles = context
        .signed_in(async |signed_in| {
            let roles = async {
                signed_in
                    .roles()
                    .await
                    .map_err(|error| explain(signed_in, error))
            };
            context.interrupt.or(roles).await
        })
        .await?;
    print_roles(&roles, context)?;
    Ok(Outcome::Done)
}

/// A list has no single value that a variable could hold.
pub(super) fn check_format(format: Format) -> Result<(), Error> {
    if format == Format::Env {
        return Err(Error::usage(
            "`-o env` is for one value, and this is a list",
            "use text, json or jsonl",
        ));
    }
    Ok(())
}

/// Prints roles as a table, as `{"roles": [...]}` like the manager does, or one a line.
pub(super) fn print_roles(roles: &[Role], context: &Context) -> Result<(), Error> {
    let document = match context.output.format() {
        Format::Text | Format::Env => table(roles),
        Format::Json => {
            let manager = context.settings.address()?.to_string();
            json_text(&json!({"roles": roles, "meta": {"manager": manager}}), true) + "\n"
        }
        Format::Jsonl => roles
            .iter()
            .map(|role| json_text(role, false) + "\n")
            .collect(),
    };
    context.output.data(&document)
}

fn table(roles: &[Role]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["ID", "NAME", "DESCRIPTION"]);
    for role in roles {
        table.add_row([
            role.id.to_string(),
            safe(&role.name),
            safe(role.description().unwrap_or_default()),
        ]);
    }
    table.trim_fmt() + "\n"
}
