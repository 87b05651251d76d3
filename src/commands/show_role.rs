//! `show-role`: what a role may do, and what another one may that it may not.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::context::Context;
use crate::context::Outcome;
use crate::error::{Error, ErrorKind};
use crate::keys::document::meta;
use crate::keys::roles::{explain, resolve};
use crate::manager::{Cause, Role, SignedIn};
use crate::terminal::output::{Format, json_text, safe};

/// Show what a role may do.
#[derive(clap::Args)]
#[command(
    after_help = "Each line is a field of the manager's role object that is on, by its path. With --diff, - is what only the \
                  first role may and + what only the other."
)]
pub(crate) struct Args {
    /// The role: its ID, or its exact name
    #[arg(value_name = "ROLE")]
    role: String,

    /// Show only what differs between it and this role
    #[arg(long, value_name = "ROLE")]
    diff: Option<String>,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    context.output.format().require_list()?;
    for role in [Some(&args.role), args.diff.as_ref()].into_iter().flatten() {
        id_of(role)?;
    }
    let (one, other) = context
        .signed_in(async |signed_in| {
            let one = find(&args.role, signed_in, context).await?;
            let other = match &args.diff {
                Some(other) => Some(find(other, signed_in, context).await?),
                None => None,
            };
            Ok((one, other))
        })
        .await?;
    let document = match &other {
        None => shown(&one, context)?,
        Some(other) => difference(&one, other, context)?,
    };
    context.output.data(&document)?;
    Ok(Outcome::Done)
}

/// All digits are an ID, and never taken for a name; `None` where it is a name.
///
/// # Errors
/// Where it can be neither.
fn id_of(role: &str) -> Result<Option<i64>, Error> {
    let neither = |problem: &str| {
        Error::usage(
            format!("the role {problem}"),
            "write an ID, or a name that is not all digits; `swp-keys list-roles` lists both",
        )
    };
    if role.is_empty() {
        return Err(neither("is empty"));
    }
    if !role.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    match role.parse() {
        Ok(id) if !role.starts_with('0') => Ok(Some(id)),
        _ => Err(neither("is all digits, and no ID")),
    }
}

async fn find(role: &str, signed_in: &SignedIn, context: &Context) -> Result<Role, Error> {
    let Some(id) = id_of(role)? else {
        return resolve(role, signed_in, context).await;
    };
    let looking = async { Ok(signed_in.role(id).await) };
    let error = match context.signals.cancel(looking).await? {
        Ok(role) => return Ok(role),
        Err(error) => error,
    };
    if *error.cause() == Cause::NotFound {
        return Err(Error::new(ErrorKind::NotFound, error.to_string())
            .http(Some(404))
            .hint(format!(
                "there is no role with the ID {id}; `swp-keys list-roles` lists the roles"
            )));
    }
    Err(explain(signed_in, error))
}

fn shown(role: &Role, context: &Context) -> Result<String, Error> {
    let format = context.output.format();
    let on = on(role)?;
    if format == Format::Text {
        return Ok(lines(on.iter().map(String::as_str)));
    }
    let mut object = json!(role);
    object["meta"] = meta(context, json!({"on": on}))?;
    Ok(json_text(&object, format == Format::Json) + "\n")
}

fn difference(one: &Role, other: &Role, context: &Context) -> Result<String, Error> {
    let (mine, theirs) = (on(one)?, on(other)?);
    let beyond = |all: &[String], known: &[String]| -> Vec<String> {
        let known: HashSet<&String> = known.iter().collect();
        let more = all.iter().filter(|path| !known.contains(path));
        more.cloned().collect()
    };
    let (less, more) = (beyond(&mine, &theirs), beyond(&theirs, &mine));
    if context.output.format() != Format::Text {
        let named = |role: &Role| json!({"ID": role.id, "name": role.name});
        let object = json!({"from": named(one), "to": named(other), "onlyFrom": less, "onlyTo": more, "meta": meta(context, json!({}))?});
        return Ok(json_text(&object, context.output.format() == Format::Json) + "\n");
    }
    if less.is_empty() && more.is_empty() {
        let same = format!("`{}` and `{}` may do the same", one.name, other.name);
        context.output.note(&same);
        return Ok(String::new());
    }
    let heading = |sign: &str, role: &Role| format!("{sign} {} (ID {})", role.name, role.id);
    let signed = |sign: &'static str, paths: Vec<String>| {
        paths.into_iter().map(move |path| format!("{sign}{path}"))
    };
    let all: Vec<String> = [heading("---", one), heading("+++", other)]
        .into_iter()
        .chain(signed("-", less))
        .chain(signed("+", more))
        .collect();
    Ok(lines(all.iter().map(String::as_str)))
}

fn lines<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.map(|line| safe(line) + "\n").collect()
}

/// The path of everything that is on, in the manager's order. A list that is not empty is on too: it says for which computers or
/// policies the rest counts.
fn on(role: &Role) -> Result<Vec<String>, Error> {
    let (mut found, mut room) = (Vec::new(), MOST);
    for (name, value) in &role.fields() {
        collect(name.clone(), value, &mut found, &mut room)?;
    }
    Ok(found)
}

/// The paths of a role with all rights come to some 20 KB. Long names with much below them would come to gigabytes.
const MOST: usize = 1024 * 1024;

fn collect(
    path: String,
    value: &Value,
    found: &mut Vec<String>,
    room: &mut usize,
) -> Result<(), Error> {
    *room = (room.checked_sub(path.len()))
        .ok_or_else(|| Error::unexpected("the role says more than anybody reads"))?;
    match value {
        Value::Bool(true) => found.push(path),
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(format!("{path}.{name}"), value, found, room)?;
            }
        }
        Value::Array(items) if !items.is_empty() => {
            found.push(format!("{path}={}", json_text(value, false)));
        }
        _ => {}
    }
    Ok(())
}
