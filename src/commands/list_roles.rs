//! `list-roles`.

use serde::Serialize;
use serde_json::{Value, json};

use super::Outcome;
use super::find_role::explain;
use crate::context::Context;
use crate::error::Error;
use crate::manager::Role;
use crate::terminal::output;
use crate::terminal::output::Format;

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
            context.signals.cancel(roles).await
        })
        .await?;
    print_roles(&roles, context)?;
    Ok(Outcome::Done)
}

/// A list has no single value that a variable could hold.
pub(super) fn check_format(format: Format) -> Result<(), Error> {
    if format == Format::Env {
        Err(no_list_as_env())
    } else {
        Ok(())
    }
}

pub(super) fn no_list_as_env() -> Error {
    Error::usage(
        "`-o env` is for one value, and this is a list",
        "use text, json or jsonl",
    )
}

/// The manager's list, and `meta`.
#[derive(Serialize)]
struct Document<'a> {
    roles: &'a [Role],
    meta: Value,
}

/// Prints roles as a table, as `{"roles": [...]}` like the manager does, or one a line.
pub(super) fn print_roles(roles: &[Role], context: &Context) -> Result<(), Error> {
    match context.output.format() {
        Format::Text | Format::Env => context.output.data(&table(roles)),
        Format::Json => {
            let meta = json!({"manager": context.settings.address()?.to_string()});
            context.output.json(&Document { roles, meta }, true)
        }
        Format::Jsonl => context.output.json_lines(roles).map(|_| ()),
    }
}

fn table(roles: &[Role]) -> String {
    let rows = roles.iter().map(|role| {
        [
            role.id.to_string(),
            role.name.clone(),
            role.description().unwrap_or_default().to_owned(),
        ]
    });
    output::table(["ID", "NAME", "DESCRIPTION"], rows)
}
