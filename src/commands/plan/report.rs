//! Prints a plan, and determines the exit code.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::error::{Error, ErrorKind};
use crate::fleet::plan::{Plan, key_documents, meta, number, text};
use crate::target::Target;
use crate::terminal::output::{Format, Output, safe};

/// A plan and where it is printed.
pub(super) struct Report<'a> {
    pub(super) fleet: &'a str,
    pub(super) plan: &'a Plan<'a>,
    pub(super) target: &'a Target,
    pub(super) output: &'a Output,
    /// The manager's time.
    pub(super) now: DateTime<Utc>,
}

impl Report<'_> {
    /// Prints the plan to stdout. If `all` is true, the text lists keys that are as declared.
    ///
    /// # Errors
    /// Returns an error if writing to stdout fails.
    pub(super) fn print(&self, all: bool) -> Result<(), Error> {
        let Self {
            fleet,
            plan,
            target,
            output,
            ..
        } = self;
        let manager = target.address.to_string();
        let number = number(fleet, &manager, target.tenant_name(), plan);
        let place = json!({
            "manager": manager,
            "tenant": target.tenant_name(),
            "profile": target.profile,
        });
        match output.format() {
            Format::Text | Format::Env | Format::Tsv => output.data(&format!(
                "fleet {} on {}\n{}",
                safe(fleet),
                safe(&manager),
                text(plan, &number, all)
            )),
            Format::Json => {
                let document = json!({
                    "apiKeys": key_documents(plan, &place, self.now),
                    "meta": meta(fleet, &number, &manager, plan),
                });
                output.json(&document, true)
            }
            Format::Jsonl => {
                let lines = key_documents(plan, &place, self.now);
                output.json_lines(&lines).map(|_| ())
            }
        }
    }

    /// Returns the result of the run.
    ///
    /// # Errors
    /// Returns an error if a key has a problem, or with `--exit-code` if a key is not as declared.
    pub(super) fn result(&self, exit_code: bool) -> Result<(), Error> {
        let problems = match self.plan.problems() {
            0 if exit_code && self.plan.differs() => {
                return Err(Error::new(
                    ErrorKind::CheckFailed,
                    "the keys on the manager are not as declared",
                ));
            }
            0 => return Ok(()),
            1 => "1 key has a problem".to_owned(),
            count => format!("{count} keys have problems"),
        };
        Err(Error::new(ErrorKind::Partial, problems)
            .hint("see the lines with `!` in the plan, and fix their causes"))
    }
}
