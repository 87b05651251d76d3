//! Asks for the role and the expiry in a guided run of `create-key`.

use chrono::Utc;

use super::args::Args;
use super::role_question;
use crate::auth::session::Access;
use crate::error::Error;
use crate::expiry::Expiry;

/// The expiry of the key if the user presses Enter without an answer.
const DEFAULT_EXPIRY: &str = "90d";

/// Asks for the role, and for the expiry if `--expires` is not set. Returns a copy of the flags that includes the answers.
///
/// # Errors
/// Returns the manager's error if the roles cannot be read, a usage error if the input ends, and an interruption error if a signal arrives.
pub(super) async fn complete(args: &Args, access: Access<'_>) -> Result<Args, Error> {
    let mut args = args.clone();
    let role = role_question::ask(args.allow_full_access, access).await?;
    args.role = role.name;
    args.role_id = Some(role.id);
    args.allow_full_access |= role.is_confirmed;
    if args.expires.is_none() {
        args.expires = Some(expiry(args.time_zone.as_deref(), access).await?);
    }
    Ok(args)
}

/// Asks for the expiry until the user types a valid value for `--expires`.
async fn expiry(zone: Option<&str>, access: Access<'_>) -> Result<String, Error> {
    let question = "Expiry (such as 30d, 2027-01-31 or never) [90d]: ";
    let accept = |answer: &str| {
        let text = if answer.is_empty() {
            DEFAULT_EXPIRY
        } else {
            answer
        };
        Expiry::parse_answer(text, zone, Utc::now())?;
        Ok(text.to_owned())
    };
    let context = access.context;
    context
        .prompt()
        .accepted(
            question,
            "set the expiry with `--expires`",
            &context.signals,
            accept,
        )
        .await
}
