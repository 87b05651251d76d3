//! Reports the error that ended a run, and returns the exit code for it. The error is reported only once.

use std::process::ExitCode;

use serde_json::json;

use super::output::{Level, MAX_LINE, Output, json_text};
use crate::error::Error;
use crate::text::{rfc3339, shorten};

/// Prints `error` to stderr, and returns the exit code for it. If the output is JSON, the error is printed as JSON as well.
pub(crate) fn report(error: &Error, output: &Output) -> ExitCode {
    if output.format().is_json() {
        Output::raw_line(&json_text(&as_json(error), false));
    } else {
        output.error(&error.to_string(), error.next_step());
    }
    ExitCode::from(error.kind().exit_code())
}

/// Prints the error message for a panic, which ends the process. The output settings are not a parameter, because the panic hook has no
/// access to them.
pub(crate) fn report_bug(error: &Error) {
    if Output::has_json_messages() {
        Output::raw_line(&json_text(&as_json(error), false));
    } else {
        Output::plain_line(Level::Error, &error.to_string());
    }
}

/// Returns the error for a file with problems, each of which consists of a message and a hint. In text, this prints each problem first, on a
/// separate line, and `hint` is the hint of the error. In JSON, the message contains all problems.
pub(crate) fn report_problems(
    file: &str,
    problems: Vec<(String, String)>,
    hint: &str,
    output: &Output,
) -> Error {
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    if output.format().is_json() {
        let (messages, hints): (Vec<String>, Vec<String>) = problems.into_iter().unzip();
        let message = format!("{file} has {count}: {}", messages.join("; "));
        return Error::usage(message, hints.join("; "));
    }
    for (message, hint) in &problems {
        output.error(message, Some(hint));
    }
    Error::usage(format!("{file} has {count}"), hint)
}

/// Returns the error as a JSON object. The object has a field `level`, like every JSON object on stderr.
fn as_json(error: &Error) -> serde_json::Value {
    let mut object = json!({"level": "error", "error": {
        "code": error.kind().code(),
        "exit": error.kind().exit_code(),
        "message": shorten(&error.to_string(), MAX_LINE),
        "hint": error.next_step().map(|hint| shorten(hint, MAX_LINE)),
        "http": error.http_status(),
        "retryable": error.retryable(),
        "keyID": error.key_id(),
    }});
    if let Some(time) = error.retry_time() {
        object["error"]["retryAt"] = time.into();
        object["error"]["retryTime"] = rfc3339(time).into();
    }
    if let Some(problems) = error.listed_problems() {
        object["error"]["problems"] = problems.clone();
    }
    object
}
