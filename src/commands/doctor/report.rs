//! Prints the findings, and returns an error if a check failed.

use serde_json::{Value, json};

use super::checkup::{Checkup, NamedFinding};
use super::finding::CheckStatus;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::terminal::output::{Format, Output, TableLayout, filled, json_text, safe};

/// The widths of the first two columns, which contain the status and the name of a check.
const MARK_WIDTH: usize = 7;
const NAME_WIDTH: usize = 15;
/// The column at which the message begins.
const INDENT: usize = MARK_WIDTH + 2 + NAME_WIDTH + 2;

/// Prints the finding of each check.
///
/// # Errors
/// Returns an error if a check failed, or if writing to stdout fails.
pub(super) fn print(checkup: &mut Checkup, meta: Value, context: &Context) -> Result<(), Error> {
    let output = &context.output;
    match output.format() {
        Format::Json => output.data(&(json_text(&as_json(checkup, meta), true) + "\n"))?,
        Format::Jsonl => output.data(&(json_text(&as_json(checkup, meta), false) + "\n"))?,
        _ => print_new(checkup, context)?,
    }
    let failed = checkup.failed();
    let message = match failed.as_slice() {
        [] => {
            output.note(&summary(checkup));
            return Ok(());
        }
        [one] => format!("the check `{one}` failed"),
        several => format!("{} checks failed: {}", several.len(), several.join(", ")),
    };
    let hint = "follow the hint of the first check that failed, then run `swp-keys doctor` again";
    Err(Error::new(ErrorKind::CheckFailed, message).hint(hint))
}

/// Prints the findings that were not printed yet, if the output is text.
///
/// # Errors
/// Returns an error if writing to stdout fails.
pub(super) fn print_new(checkup: &mut Checkup, context: &Context) -> Result<(), Error> {
    let output = &context.output;
    if output.format().is_json() {
        return Ok(());
    }
    let new = checkup.findings.iter().skip(checkup.printed);
    let text: String = new.map(|found| as_text(found, output)).collect();
    checkup.printed = checkup.findings.len();
    output.data(&text)
}

/// Returns the summary of a run in which no check failed.
fn summary(checkup: &Checkup) -> String {
    let is_warning = |found: &&NamedFinding| found.finding.status == CheckStatus::Warning;
    match checkup.findings.iter().filter(is_warning).count() {
        0 => "no check found a problem".to_owned(),
        1 => "no check failed, but 1 check has a warning".to_owned(),
        count => format!("no check failed, but {count} checks have warnings"),
    }
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
    let line = format!("{mark}  {name:<NAME_WIDTH$}  ") + &wrapped(&finding.message, output);
    match &finding.hint {
        None => line,
        Some(hint) => format!(
            "{line}{:INDENT$}{}",
            "",
            wrapped(&format!("hint: {hint}"), output)
        ),
    }
}

/// Returns the text of the last column with a line break at its end. On a terminal, the text is wrapped between words.
fn wrapped(text: &str, output: &Output) -> String {
    let text = safe(text);
    let width = match output.destination() {
        TableLayout::Terminal { width, .. } => width.saturating_sub(INDENT),
        TableLayout::Pipe | TableLayout::Tsv => usize::MAX,
    };
    filled(&text, width).replace("\n    ", &format!("\n{:INDENT$}", "")) + "\n"
}
