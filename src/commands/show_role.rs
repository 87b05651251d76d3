//! `show-role`: shows the permissions of a role, or how the permissions of two roles differ.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::auth::session;
use crate::auth::session::Access;
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::{Error, ErrorKind};
use crate::keys::document::meta;
use crate::keys::roles::{explain, resolve, rights_in_words};
use crate::manager::{Cause, Role};
use crate::target::Target;
use crate::terminal::output::{Format, TableLayout, json_text, safe};

/// Show the permissions of a role, or compare two roles.
#[derive(clap::Args)]
#[command(
    after_help = "In a pipe, each line is a permission that the role grants, as a path in the manager's role object. On a terminal, the permissions of \
                  one object are grouped. With --diff, - marks a permission that only the \
                  first role grants, and + a permission that only the second role grants."
)]
pub(crate) struct Args {
    /// The role: its ID or exact name
    #[arg(value_name = "ROLE")]
    role: String,

    /// Compare with this role and show only the differences
    #[arg(long, value_name = "ROLE")]
    diff: Option<String>,
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    context.output.format().require_list()?;
    for role in [Some(&args.role), args.diff.as_ref()].into_iter().flatten() {
        id_of(role)?;
    }
    let target = Target::find(settings, context).await?;
    let (one, other) = session::signed_in(&target, context, async |access| {
        let one = find(&args.role, access).await?;
        let other = match &args.diff {
            Some(other) => Some(find(other, access).await?),
            None => None,
        };
        Ok((one, other))
    })
    .await?;
    let document = match &other {
        None => permissions(&one, &target, context)?,
        Some(other) => difference(&one, other, &target, context)?,
    };
    context.output.data(&document)?;
    Ok(Outcome::Done)
}

/// Returns the ID if `role` consists of digits, or `None` if it is a name.
///
/// # Errors
/// Returns a usage error if `role` is empty, or consists of digits but is not a valid ID.
fn id_of(role: &str) -> Result<Option<i64>, Error> {
    let invalid = |problem: &str| {
        Error::usage(
            format!("the role {problem}"),
            "use an ID or an exact name from `swp-keys list-roles`",
        )
    };
    if role.is_empty() {
        return Err(invalid("is empty"));
    }
    if !role.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    match role.parse() {
        Ok(id) if !role.starts_with('0') => Ok(Some(id)),
        _ => Err(invalid("is a number but not a valid ID")),
    }
}

async fn find(role: &str, access: Access<'_>) -> Result<Role, Error> {
    let Some(id) = id_of(role)? else {
        return resolve(role, access).await;
    };
    let request = async { Ok(access.signed_in.role(id).await) };
    let error = match access.context.signals.cancel(request).await? {
        Ok(role) => return Ok(role),
        Err(error) => error,
    };
    if *error.cause() == Cause::NotFound {
        return Err(
            Error::new(ErrorKind::NotFound, format!("no role has ID {id}: {error}"))
                .http(Some(404))
                .hint("run `swp-keys list-roles` to list the roles"),
        );
    }
    Err(explain(access.signed_in, error))
}

fn permissions(role: &Role, target: &Target, context: &Context) -> Result<String, Error> {
    let format = context.output.format();
    let on = enabled_paths(role)?;
    if format == Format::Text {
        let is_terminal = matches!(context.output.destination(), TableLayout::Terminal { .. });
        return Ok(match is_terminal {
            true => grouped(role, &on),
            false => lines(on.iter().map(String::as_str)),
        });
    }
    let mut object = json!(role);
    object["meta"] = meta(target, json!({"on": on}));
    Ok(json_text(&object, format == Format::Json) + "\n")
}

/// Formats the permissions of a role for a terminal. The first line names the role. Then each object follows, with its permissions on indented lines
/// below.
fn grouped(role: &Role, on: &[String]) -> String {
    let heading = format!("{} (ID {}): {}", role.name, role.id, rights_in_words(role));
    let mut all = vec![heading];
    let groups = on.chunk_by(|one, next| split(one).0 == split(next).0);
    for group in groups {
        match split(&group[0]).0 {
            "" => {}
            object => all.push(format!("{object} ({})", group.len())),
        }
        all.extend(group.iter().map(|path| format!("  {}", split(path).1)));
    }
    lines(all.iter().map(String::as_str))
}

/// Splits the path of a permission at its last dot: `"a.b.c"` becomes `"a.b"` and `"c"`. Dots after `=` do not count.
fn split(path: &str) -> (&str, &str) {
    let names = path.split('=').next().unwrap_or_default();
    let dot = names.rfind('.');
    dot.map_or(("", path), |dot| (&path[..dot], &path[dot + 1..]))
}

fn difference(
    one: &Role,
    other: &Role,
    target: &Target,
    context: &Context,
) -> Result<String, Error> {
    let (first, second) = (enabled_paths(one)?, enabled_paths(other)?);
    let missing_from = |known: &[String], paths: &[String]| -> Vec<String> {
        let known: HashSet<&String> = known.iter().collect();
        let missing = paths.iter().filter(|path| !known.contains(path));
        missing.cloned().collect()
    };
    let only_first = missing_from(&second, &first);
    let only_second = missing_from(&first, &second);
    if context.output.format() != Format::Text {
        let named = |role: &Role| json!({"ID": role.id, "name": role.name});
        let object = json!({"from": named(one), "to": named(other), "onlyFrom": only_first, "onlyTo": only_second, "meta": meta(target, json!({}))});
        return Ok(json_text(&object, context.output.format() == Format::Json) + "\n");
    }
    if only_first.is_empty() && only_second.is_empty() {
        let same = format!(
            "`{}` and `{}` grant the same permissions",
            one.name, other.name
        );
        context.output.note(&same);
        return Ok(String::new());
    }
    let heading = |sign: &str, role: &Role| format!("{sign} {} (ID {})", role.name, role.id);
    let signed = |sign: &'static str, paths: Vec<String>| {
        paths.into_iter().map(move |path| format!("{sign}{path}"))
    };
    let all: Vec<String> = [heading("---", one), heading("+++", other)]
        .into_iter()
        .chain(signed("-", only_first))
        .chain(signed("+", only_second))
        .collect();
    Ok(lines(all.iter().map(String::as_str)))
}

fn lines<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.map(|line| safe(line) + "\n").collect()
}

/// Returns the paths of all permissions whose value is true, in the manager's order. The paths of non-empty lists are included too, because a
/// non-empty list restricts the role to some computers or policies.
///
/// # Errors
/// Returns an error if the paths are longer than `MAX_PATH_BYTES` in total.
fn enabled_paths(role: &Role) -> Result<Vec<String>, Error> {
    let (mut paths, mut bytes_left) = (Vec::new(), MAX_PATH_BYTES);
    for (name, value) in &role.fields() {
        collect(name.clone(), value, &mut paths, &mut bytes_left)?;
    }
    Ok(paths)
}

/// The maximum total length of the paths. Without a limit, a hostile response with long, nested names could use much memory. The paths of a role with
/// all permissions need about 20 KB.
const MAX_PATH_BYTES: usize = 1024 * 1024;

fn collect(
    path: String,
    value: &Value,
    paths: &mut Vec<String>,
    bytes_left: &mut usize,
) -> Result<(), Error> {
    *bytes_left = (bytes_left.checked_sub(path.len()))
        .ok_or_else(|| Error::unexpected("the role has too many permissions to show"))?;
    match value {
        Value::Bool(true) => paths.push(path),
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(format!("{path}.{name}"), value, paths, bytes_left)?;
            }
        }
        Value::Array(items) if !items.is_empty() => {
            paths.push(format!("{path}={}", json_text(value, false)));
        }
        _ => {}
    }
    Ok(())
}
