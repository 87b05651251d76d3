//! Prints the findings, and returns an error if a check failed.

use serde_json::{Value, json};

use super::checkup::{Checkup, NamedFinding};
use super::finding::CheckStatus;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::terminal::output::{Format, Output, json_text, safe};

/// The widths of the first two columns, which contain the status and the name of a check.
const MARK_WIDTH: usize = 7;
const NAME_WIDTH: usize = 15;

/// Prints the finding of each check.
///
/// # Errors
/// Returns an error if a check failed, or if writing to stdout fails.
pub(super) fn print(checkup: &Checkup, meta: Value, context: &Context) -> Result<(), Error> {
    let output = &context.output;
    let document = match output.format() {
        Format::Json => json_text(&as_json(checkup, meta), true) + "\n",
        Format::Jsonl => json_text(&as_json(checkup, meta), false) + "\n",
        _ => (checkup.findings.iter())
            .map(|found| as_text(found, output))
            .collect(),
    };
    output.data(&document)?;
    let failed = checkup.failed();
    let message = match failed.as_slice() {
        [] => return Ok(()),
        [one] => format!("the check `{one}` failed"),
        several => format!("{} checks failed: {}", several.len(), several.join(", ")),
    };
    let hint = "follow the hint of the first check that failed, then run `swp-keys doctor` again";
    Err(Error::new(ErrorKind::CheckFailed, message).hint(hint))
}

fn as_json(checkup: &Checkup, meta: Value) -> Value {
    let check = |NamedFinding { name, finding }: &NamedFinding| {
        json!({
            "name": name,
            "status": finding.status.word(),
            "message": finding.message,
            "hint": finding.hint,
        })
    };
    let checks: Vec<Value> = checkup.findings.iter().map(check).collect();
    json!({"checks": checks, "ok": checkup.failed().is_empty(), "meta": meta})
}

fn as_text(NamedFinding { name, finding }: &NamedFinding, output: &Output) -> String {
    let color = match finding.status {
        CheckStatus::Ok => "32",
        CheckStatus::Warning => "33",
        CheckStatus::Failed => "31",
        CheckStatus::Skipped => "2",
    };
    let mark = output.colored_data(color, &format!("{:<MARK_WIDTH$}", finding.status.word()));
    let message = safe(&finding.message);
    let line = format!("{mark}  {name:<NAME_WIDTH$}  {message}\n");
    match &finding.hint {
        None => line,
        Some(hint) => format!(
            "{line}{:MARK_WIDTH$}  {:NAME_WIDTH$}  hint: {}\n",
            "",
            "",
            safe(hint)
        ),
    }
}
