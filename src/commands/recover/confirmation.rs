//! The questions of `recover`, and the answer no.

use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::journal::{Record, Stage};

pub(super) async fn confirm(
    record: &Record,
    id: i64,
    delete: bool,
    context: &Context,
) -> Result<(), Error> {
    let what = if delete {
        "Delete"
    } else {
        "Make a new secret for"
    };
    let name = crate::terminal::output::safe(&record.key_name);
    let in_use = match record.progress.stage {
        Stage::Delivering => ", and its secret may have been delivered",
        _ => "",
    };
    let question = format!(
        "{what} the key `{name}` (ID {id}, left by a run of {}{in_use})?",
        format_time(record.started)
    );
    if context
        .prompt()
        .confirm(&question, "say `--yes`", &context.signals)
        .await?
    {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Usage,
        format!("the key `{}` is left as it is", record.key_name),
    )
    .hint("its record stays, until `swp-keys recover` is answered with yes"))
}

pub(super) fn unproven(error: Error, record: &Record) -> Error {
    if error.kind() != ErrorKind::Attention {
        return error;
    }
    error.hint(format!(
        "look at the manager's keys yourself; then say `swp-keys recover {} --forget`",
        record.operation
    ))
}
