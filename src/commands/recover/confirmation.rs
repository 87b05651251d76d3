//! The prompts of `recover`.

use crate::context::Context;
use crate::error::Error;
use crate::expiry::format_time;
use crate::journal::notice::secret_in_use;
use crate::journal::{Record, Stage};

/// Asks the user to confirm the deletion of the key or the creation of a new secret.
///
/// # Errors
/// Returns a usage error if the user declines, or if there is no terminal to prompt on.
pub(super) async fn confirm(
    record: &Record,
    id: i64,
    delete: bool,
    context: &Context,
) -> Result<(), Error> {
    let action = if delete {
        "Delete"
    } else {
        "Create a new secret for"
    };
    let name = crate::terminal::output::safe(&record.key_name);
    let in_use = match record.progress.stage {
        Stage::Delivering => "; its secret may have been delivered",
        _ => "",
    };
    let question = format!(
        "{action} the key `{name}` (ID {id}, from the run started at {}{in_use})?",
        format_time(record.started)
    );
    if context
        .prompt()
        .confirm_one_of_several(&question, "use `--yes`", &context.signals)
        .await?
    {
        return Ok(());
    }
    let message = format!("the key `{}` was not changed", record.key_name);
    let hint = match record.progress.stage {
        Stage::Delivering => secret_in_use(record, ""),
        _ => format!(
            "run `swp-keys recover {}` again and answer `y`, or use `--yes`",
            record.operation
        ),
    };
    Err(Error::usage(message, hint))
}
