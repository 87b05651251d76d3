//! `find-role`: from a name to the role that bears it, exactly.

use serde::Serialize;
use serde_json::{Value, json};

use super::Outcome;
use super::list_roles::print_roles;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{Cause, ManagerError, NamedRole, Role, RoleSummary, SignedIn};
use crate::terminal::output::{Format, env_line};

/// Print the ID of the role with this name.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(crate) struct Args {
    /// The role's name, exactly
    #[arg(group = "which")]
    name: Option<String>,

    /// List the roles that match a pattern: % stands for any text, _ for one character
    #[arg(long, value_name = "PATTERN", group = "which")]
    like: Option<String>,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    let format = context.output.format();
    if let Some(pattern) = &args.like {
        super::list_roles::check_format(format)?;
        let roles = context
            .signed_in(async |signed_in| {
                let roles = signed_in.roles_like(pattern);
                context
                    .signals
                    .cancel(async { roles.await.map_err(|error| explain(signed_in, error)) })
                    .await
            })
            .await?;
        print_roles(&roles, context)?;
        return Ok(Outcome::Done);
    }
    let name = args.name.as_deref().unwrap_or_default();
    let role = context
        .signed_in(async |signed_in| resolve(name, signed_in, context).await)
        .await?;
    print(&role, context)?;
    Ok(Outcome::Done)
}

/// The manager's object, and `meta`.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    role: &'a Role,
    meta: Value,
}

fn print(role: &Role, context: &Context) -> Result<(), Error> {
    let format = context.output.format();
    match format {
        Format::Text => context.output.data(&format!("{}\n", role.id)),
        Format::Env => (context.output).data(&env_line("SWP_ROLE_ID", &role.id.to_string())),
        Format::Json | Format::Jsonl => {
            let meta = json!({"manager": context.settings.address()?.to_string()});
            (context.output).json(&Document { role, meta }, format == Format::Json)
        }
    }
}

/// The one role of this name. Names are compared here once more, because the manager's equality is not known (manager-api.md,
/// section 5.1).
///
/// # Errors
/// Not found, with the closest existing name; or several, with their IDs; or of the manager.
pub(crate) async fn resolve<R: NamedRole>(
    name: &str,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<R, Error> {
    let search = async {
        signed_in
            .roles_named(name)
            .await
            .map_err(|error| explain(signed_in, error))
    };
    let (mut exact, others): (Vec<R>, Vec<R>) = context
        .signals
        .cancel(search)
        .await?
        .into_iter()
        .partition(|role: &R| role.name() == name);
    match (exact.pop(), exact.len()) {
        (Some(role), 0) => Ok(role),
        (Some(last), _) => {
            let ids: Vec<_> = exact
                .iter()
                .chain([&last])
                .map(|role| role.id().to_string())
                .collect();
            Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "{} roles are named `{name}`, with the IDs {}",
                    ids.len(),
                    ids.join(", ")
                ),
            )
            .hint("choose one with `--role-id`"))
        }
        (None, _) => {
            let others = others.iter().map(|role| role.name().to_owned()).collect();
            Err(not_found(name, others, signed_in, context).await)
        }
    }
}

/// One more read is spent on a name that is close: the caller gets a message either way.
async fn not_found(
    name: &str,
    others: Vec<String>,
    signed_in: &SignedIn,
    context: &Context,
) -> Error {
    let names = if others.is_empty() {
        let all = async { Ok(signed_in.roles::<RoleSummary>().await?) };
        let all = context.signals.cancel(all).await.unwrap_or_default();
        all.into_iter().map(|role| role.name).collect()
    } else {
        others
    };
    let error = Error::new(
        ErrorKind::NotFound,
        format!("there is no role named `{name}`"),
    );
    let Some(closest) = closest(name, names.iter().map(String::as_str)) else {
        return error.hint("`swp-keys list-roles` lists the roles");
    };
    let same_letters = closest.to_lowercase() == name.trim().to_lowercase();
    error.hint(if same_letters {
        format!("did you mean `{closest}`? Upper and lower case, and blanks, count")
    } else {
        format!("did you mean `{closest}`? `swp-keys list-roles` lists the roles")
    })
}

/// The name that is nearest, if it is near at all: as near as clap wants its suggestions.
pub(crate) fn closest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.trim().to_lowercase();
    names
        .map(|other| {
            (
                strsim::jaro_winkler(&folded, &other.trim().to_lowercase()),
                other,
            )
        })
        .filter(|(nearness, _)| *nearness > 0.7)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, other)| other)
}

/// Whether a session may search roles is unknown (manager-api.md, section 11, no. 20), and with which status it would be refused, so
/// a refusal names the way around it. A key that is not accepted at all gets no further by it.
pub(super) fn explain(signed_in: &SignedIn, error: ManagerError) -> Error {
    let whose = match (error.cause(), signed_in.session()) {
        (Cause::Forbidden, None) => "this key may",
        (Cause::Forbidden, Some(_)) => "this session may",
        (Cause::Unauthorized, Some(_)) => "a session may",
        _ => return error.into(),
    };
    let first = match error.cause() {
        Cause::Unauthorized => format!("{}; or ", error.hint()),
        // It is refused in the same words as one whose role lacks the right.
        _ if signed_in.session().is_none() => "the key may be expired or locked; or ".to_owned(),
        _ => String::new(),
    };
    error
        .with_hint(format!(
            "{first}{whose} not search roles: give the role's ID with `--role-id` (2 is Auditor and 1 Full Access, unless they were changed)"
        ))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_offered_only_when_it_is_close() {
        let names = ["Full Access", "Auditor", "Auditors Abroad"];
        assert_eq!(closest("Audtior", names.into_iter()), Some("Auditor"));
        assert_eq!(closest("auditor ", names.into_iter()), Some("Auditor"));
        assert_eq!(
            closest("full-access", names.into_iter()),
            Some("Full Access")
        );
        assert_eq!(closest("xyzzy", names.into_iter()), None);
    }
}
