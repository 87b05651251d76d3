//! Finds roles by name or ID, reads the names of all roles, and prints roles.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::document::meta;
use super::refusal::explain_refusal;
use super::role_check;
use crate::auth::session::Access;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{Cause, ManagerError, NamedRole, Role, RoleSummary, SignedIn};
use crate::target::Target;
use crate::terminal::output::{Cell, Column, Format, Table};

/// A role as it is passed on the command line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RoleRef<'a> {
    /// The name in `--role`.
    Name(&'a str),
    /// The ID in `--role-id`.
    Id(i64),
}

impl<'a> RoleRef<'a> {
    /// Returns the value of `--role-id` or `--role`, or `None` if neither flag is set.
    pub(crate) fn given(name: Option<&'a str>, id: Option<i64>) -> Option<Self> {
        id.map(Self::Id).or(name.map(Self::Name))
    }
}

/// The role that the command line selects.
pub(crate) struct RequestedRole {
    /// The role's ID.
    pub(crate) id: i64,
    /// The role's name, if the role was selected by name.
    pub(crate) name: Option<String>,
    /// The role's rights, if they were read.
    pub(crate) summary: Option<RoleSummary>,
}

/// Returns the selected role. If the role is selected by ID, reads its rights only if `read_rights` is true. The rights are unknown if the
/// manager does not allow reading the role.
///
/// # Errors
/// Returns an error if the role does not exist, if several roles have the name, or if the request fails.
pub(crate) async fn requested(
    role: RoleRef<'_>,
    read_rights: bool,
    access: Access<'_>,
) -> Result<RequestedRole, Error> {
    match role {
        RoleRef::Id(id) => Ok(RequestedRole {
            id,
            name: None,
            summary: match read_rights {
                true => role_check::of_id(id, access).await?,
                false => None,
            },
        }),
        RoleRef::Name(name) => {
            let summary: RoleSummary = resolve(name, access).await?;
            Ok(RequestedRole {
                id: summary.id,
                name: Some(summary.name.clone()),
                summary: Some(summary),
            })
        }
    }
}

/// Searches for the role with this name. This function checks the names in the search results, because it is unknown how the manager compares
/// names (docs/manager-api.md, "Search").
///
/// # Errors
/// Returns an error if several roles have the name, or if no role has it. If no role has the name, the hint suggests the closest name.
/// Returns the manager's error if the search fails.
pub(crate) async fn resolve<R: NamedRole>(name: &str, access: Access<'_>) -> Result<R, Error> {
    let search = async {
        access
            .signed_in
            .roles_named(name)
            .await
            .map_err(|error| explain(access.signed_in, error))
    };
    let (mut exact, others): (Vec<R>, Vec<R>) = access
        .context
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
                    "{} roles are named `{name}` (IDs {})",
                    ids.len(),
                    ids.join(", ")
                ),
            )
            .hint("select a role by its ID with `--role-id`"))
        }
        (None, _) => {
            let others = others.iter().map(|role| role.name().to_owned()).collect();
            Err(not_found(name, others, access).await)
        }
    }
}

/// Returns the error for a name that no role has. If the results of the search contain no similar name, reads all roles to suggest one.
async fn not_found(name: &str, others: Vec<String>, access: Access<'_>) -> Error {
    let names = if others.is_empty() {
        let all = async { Ok(access.signed_in.roles::<RoleSummary>().await?) };
        let all = access.context.signals.cancel(all).await.unwrap_or_default();
        all.into_iter().map(|role| role.name).collect()
    } else {
        others
    };
    let error = Error::new(
        ErrorKind::NotFound,
        format!("there is no role named `{name}`"),
    );
    let Some(closest) = closest(name, names.iter().map(String::as_str)) else {
        return error.hint("run `swp-keys list-roles` to list the roles");
    };
    let same_letters = closest.to_lowercase() == name.trim().to_lowercase();
    error.hint(if same_letters {
        format!("did you mean `{closest}`? case and spaces must match")
    } else {
        format!("did you mean `{closest}`? run `swp-keys list-roles` to list the roles")
    })
}

/// Returns the name in `names` that is most similar to `name`. Returns `None` if no name is similar enough. The measure of similarity and the
/// threshold are the same as in clap.
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

/// Adds a hint to the error of a role search. The hint suggests passing the role ID, because an ID needs no search. Two facts about
/// the manager are unknown: whether a session may search roles, and which status code a forbidden search returns (docs/manager-api.md, "Unknowns",
/// no. 20).
pub(crate) fn explain(signed_in: &SignedIn, error: ManagerError) -> Error {
    let instead =
        "pass the role's ID with `--role-id` (by default 1 is Full Access and 2 is Auditor)";
    explain_refusal(signed_in, error, "search roles", instead)
}

/// The JSON output: the manager's list of roles, with `meta` added.
#[derive(Serialize)]
struct RoleList<'a> {
    roles: &'a [Role],
    meta: Value,
}

/// Prints roles as a table, as the manager's `{"roles": [...]}` object, or as one JSON object per line.
pub(crate) fn print(roles: &[Role], target: &Target, context: &Context) -> Result<(), Error> {
    match context.output.format() {
        Format::Text | Format::Env | Format::Tsv => {
            let mut table = table(roles);
            if !roles.is_empty() && !context.output.is_quiet() {
                table.summarize(summary(roles));
            }
            context.output.table(&table)
        }
        Format::Json => {
            let meta = meta(target, json!({}));
            context.output.json(&RoleList { roles, meta }, true)
        }
        Format::Jsonl => context.output.json_lines(roles).map(|_| ()),
    }
}

/// Describes the rights of a role in a few words, such as `view only, 12 of 80 rights`.
pub(crate) fn rights_in_words(role: &Role) -> String {
    let summary = role.parsed::<RoleSummary>();
    summary.map_or_else(|| "unknown".to_owned(), |role| role.rights_in_words())
}

fn table(roles: &[Role]) -> Table {
    let mut table = Table::new([
        Column::whole("ID"),
        Column::cut("NAME", 18),
        Column::cut("DESCRIPTION", 11),
        Column::cut("RIGHTS", 18),
    ]);
    for role in roles {
        let description = role.description().unwrap_or_default().to_owned();
        let rights = rights_in_words(role);
        let cells = [role.id.to_string(), role.name.clone(), description, rights];
        table.push(cells.map(Cell::from).into());
    }
    table
}

fn summary(roles: &[Role]) -> String {
    let plural = if roles.len() == 1 { "" } else { "s" };
    format!("{} role{plural}", roles.len())
}

/// The names of the roles, by role ID. The map does not contain roles that this run has no permission to view.
#[derive(Default)]
pub(crate) struct RoleNames(HashMap<i64, String>);

impl RoleNames {
    /// Reads the names of all roles. If the user lacks permission to view roles, the result is empty, and the output shows IDs instead of
    /// names.
    ///
    /// # Errors
    /// Returns the manager's error, unless the error means that the permission is missing.
    pub(crate) async fn ask(access: Access<'_>) -> Result<Self, Error> {
        let asking = async { Ok(access.signed_in.roles::<RoleSummary>().await) };
        match access.context.signals.cancel(asking).await? {
            Ok(roles) => Ok(Self::from_iter(roles)),
            // A manager may forbid sessions to search roles (docs/manager-api.md, "Unknowns", no. 20). So a rejected search is not an error, and
            // the run continues without role names.
            Err(error) if matches!(error.cause(), Cause::Forbidden | Cause::Unauthorized) => {
                log::info!("could not read the role names: {error}");
                Ok(Self::default())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the name of the role with this ID, or `None` if the name is unknown.
    pub(crate) fn get(&self, id: Option<i64>) -> Option<&str> {
        self.0.get(&id?).map(String::as_str)
    }
}

impl FromIterator<RoleSummary> for RoleNames {
    fn from_iter<T: IntoIterator<Item = RoleSummary>>(roles: T) -> Self {
        Self(roles.into_iter().map(|role| (role.id, role.name)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_suggested_only_if_it_is_similar() {
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
