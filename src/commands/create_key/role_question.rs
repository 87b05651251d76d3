//! Asks for the role of a new key: shows a table of the roles with their rights, and reads the number or name of a role.

use super::args::ROLE_HINT;
use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::keys::roles;
use crate::manager::RoleSummary;
use crate::terminal::output::{Cell, Column, Table, TableLayout, filled, is_plain, safe};
use crate::terminal::prompt::{columns, rejection};
use crate::text::shorten;

const QUESTION: &str = "Role (number or name): ";
/// The maximum number of roles in a table. With 20 roles, the table and the question fit in a terminal of 24 lines.
const MAX_SHOWN: usize = 20;
/// The maximum length of a role name in a message, in characters. A longer name is shortened.
const MAX_NAME: usize = 60;

/// The role that the user chose.
pub(super) struct ChosenRole {
    /// The ID of the role. The run uses the ID, because an administrator could give the name to a different role after the question.
    pub(super) id: i64,
    /// The name of the role. `None` if the name contains characters that a terminal does not display unchanged.
    pub(super) name: Option<String>,
    /// True if the user confirmed a role that grants every right.
    pub(super) is_confirmed: bool,
}

/// What the user selects with a valid answer.
enum RoleAnswer {
    /// The role with this index.
    Role(usize),
    /// The answer is not the name of exactly one role. The value contains the indices of all roles that match the answer. The next table shows these
    /// roles.
    Matches(Vec<usize>),
}

/// Reads the manager's roles, and asks the user until the answer selects a role that allows API access.
///
/// # Errors
/// Returns an error if the manager's roles cannot be read, or if there are none. Returns a usage error if the input ends, and an interruption error
/// if a signal arrives.
pub(super) async fn ask(allow_full_access: bool, access: Access<'_>) -> Result<ChosenRole, Error> {
    let (context, prompt) = (access.context, access.context.prompt());
    let reading = async {
        let all = access.signed_in.roles::<RoleSummary>().await;
        all.map_err(|error| roles::explain(access.signed_in, error))
    };
    let mut roles = RoleChoices(context.signals.cancel(reading).await?);
    // Roles without API access come last, because the user cannot choose them.
    (roles.0).sort_by_cached_key(|role| usize::from(role.allow_web_service == Some(false)));
    if roles.0.is_empty() {
        let message = "the manager listed no roles";
        return Err(Error::new(ErrorKind::NotFound, message)
            .hint("ask the manager's administrator for a role, and pass its ID with `--role-id`"));
    }
    let all: Vec<usize> = (0..roles.0.len()).collect();
    let mut question = roles.table(&all) + QUESTION;
    loop {
        let answer = prompt
            .answer(&question, ROLE_HINT, &context.signals)
            .await?;
        question = match roles.find(&answer) {
            Ok(RoleAnswer::Matches(matches)) => roles.table(&matches) + QUESTION,
            Err(error) => format!("{}\n{QUESTION}", rejection(&error)),
            Ok(RoleAnswer::Role(index)) => {
                let role = &roles.0[index];
                let is_risky = role.grants_every_right() && !allow_full_access;
                let flags = "add `--allow-full-access` to use a role that grants every right";
                if !is_risky
                    || prompt
                        .confirm(&warning(role), flags, &context.signals)
                        .await?
                {
                    return Ok(roles.chosen(index, is_risky));
                }
                QUESTION.to_owned()
            }
        };
    }
}

/// Returns the warning that the role grants every right, followed by the question `Use this role?`.
fn warning(role: &RoleSummary) -> String {
    let sentence = format!(
        "{} grants every right, so a key with this role has full control of the manager.",
        quoted(&role.name)
    );
    format!("{}\nUse this role?", filled(&sentence, columns().min(80)))
}

fn quoted(name: &str) -> String {
    format!("`{}`", safe(&shorten(name, MAX_NAME)))
}

/// The roles of the manager. The number of a role in the table is its index plus 1.
struct RoleChoices(Vec<RoleSummary>);

impl RoleChoices {
    /// Returns the role or roles that the user's answer selects. If the answer consists of digits, it is the number of a role in the table. It is
    /// then never used as a role's name.
    ///
    /// # Errors
    /// Returns a usage error if no role matches the answer, or if the matching role does not allow API access.
    fn find(&self, answer: &str) -> Result<RoleAnswer, Error> {
        let usage = |message: String, hint: &str| Err(Error::usage(message, hint));
        if answer.is_empty() {
            return usage(
                "the answer is empty".to_owned(),
                "type the number or the name of a role",
            );
        }
        if answer.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = answer.parse::<usize>().unwrap_or(usize::MAX);
            return match number.checked_sub(1) {
                Some(index) if index < self.0.len() => self.usable(index),
                _ => usage(
                    "no role in the list has this number".to_owned(),
                    &format!("type a number from 1 to {}", self.0.len()),
                ),
            };
        }
        let folded = answer.to_lowercase();
        let matching = |fits: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let fitting = (self.0.iter().enumerate()).filter(|(_, role)| fits(&role.name));
            fitting.map(|(index, _)| index).collect()
        };
        for matches in [
            matching(&|name| name == answer),
            matching(&|name| name.to_lowercase() == folded),
        ] {
            match matches[..] {
                [] => {}
                [index] => return self.usable(index),
                _ => return Ok(RoleAnswer::Matches(matches)),
            }
        }
        let matches = matching(&|name| name.to_lowercase().contains(&folded));
        if !matches.is_empty() {
            return Ok(RoleAnswer::Matches(matches));
        }
        let names = self.0.iter().map(|role| role.name.as_str());
        let hint = roles::closest(answer, names).map_or_else(
            || "type a number or a name from the list".to_owned(),
            |name| format!("did you mean {}?", quoted(name)),
        );
        usage("no role has this name".to_owned(), &hint)
    }

    fn usable(&self, index: usize) -> Result<RoleAnswer, Error> {
        let role = &self.0[index];
        if role.allow_web_service == Some(false) {
            return Err(Error::usage(
                format!(
                    "the role {} does not allow API access, so its keys would not work",
                    quoted(&role.name)
                ),
                "choose a different role",
            ));
        }
        Ok(RoleAnswer::Role(index))
    }

    fn chosen(&self, index: usize, is_confirmed: bool) -> ChosenRole {
        let role = &self.0[index];
        ChosenRole {
            id: role.id,
            name: is_plain(&role.name).then(|| role.name.clone()),
            is_confirmed,
        }
    }

    /// Returns a table of the roles with these indices. If there are more than `MAX_SHOWN` roles, the last line contains the number of roles that the
    /// table omits.
    fn table(&self, indices: &[usize]) -> String {
        let mut table = Table::new([
            Column::whole("NO"),
            Column::cut("ROLE", 18),
            Column::cut("RIGHTS", 18),
        ]);
        for &index in indices.iter().take(MAX_SHOWN) {
            let role = &self.0[index];
            let rights = role.rights_in_words();
            let cells = [(index + 1).to_string(), role.name.clone(), rights];
            table.push(cells.map(Cell::from).into());
        }
        let hidden = indices.len().saturating_sub(MAX_SHOWN);
        if hidden > 0 {
            table.summarize(format!(
                "{hidden} more; type a part of a name to list the matching roles"
            ));
        }
        let width = columns();
        table.text(TableLayout::Terminal {
            width,
            color: false,
        })
    }
}
