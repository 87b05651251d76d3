//! Collects the findings of the checks. If a check fails, the checks that depend on it are skipped.

use super::finding::{CheckStatus, Finding};
use crate::error::{Error, ErrorKind};

/// A finding with the name of its check.
pub(super) struct NamedFinding {
    pub(super) name: &'static str,
    pub(super) finding: Finding,
}

/// The findings so far: one for each check, even for a skipped check.
#[derive(Default)]
pub(super) struct Checkup {
    pub(super) findings: Vec<NamedFinding>,
    /// The number of findings that were printed as text.
    pub(super) printed: usize,
    /// The reason why the remaining checks cannot run, and a hint. `None` if they can run.
    blocker: Option<(String, Option<&'static str>)>,
}

impl Checkup {
    /// Adds a finding.
    pub(super) fn add(&mut self, name: &'static str, finding: Finding) {
        self.findings.push(NamedFinding { name, finding });
    }

    /// Adds the result of a check as a finding. The later checks run even if the result is an error.
    ///
    /// # Errors
    /// Returns an error only if a signal interrupted the check.
    pub(super) fn add_result(
        &mut self,
        name: &'static str,
        result: Result<Finding, Error>,
    ) -> Result<(), Error> {
        let finding = match result {
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted(_)) => return Err(error),
            Err(error) => Finding::from(&error),
            Ok(finding) => finding,
        };
        self.add(name, finding);
        Ok(())
    }

    /// Runs a check, and returns its value. Returns `None` if the check fails or is skipped. After a failed check, all later checks are skipped. Each
    /// skipped check adds a finding.
    ///
    /// # Errors
    /// Returns an error only if a signal interrupted the check.
    pub(super) async fn step<T>(
        &mut self,
        name: &'static str,
        check: impl Future<Output = Result<(Finding, T), Error>>,
    ) -> Result<Option<T>, Error> {
        if self.skip(name) {
            return Ok(None);
        }
        match check.await {
            Ok((finding, value)) => {
                self.add(name, finding);
                Ok(Some(value))
            }
            Err(error) => {
                self.add_result(name, Err(error))?;
                self.block_after(name);
                Ok(None)
            }
        }
    }

    /// Returns true if the remaining checks must be skipped. In this case, adds the finding that the check `name` was skipped.
    pub(super) fn skip(&mut self, name: &'static str) -> bool {
        let Some((reason, hint)) = &self.blocker else {
            return false;
        };
        let finding = Finding::skipped(reason.as_str(), *hint);
        self.add(name, finding);
        true
    }

    /// Skips all later checks, because the check `name` failed. Has no effect if the later checks are already skipped.
    pub(super) fn block_after(&mut self, name: &'static str) {
        self.block(format!("not run, because `{name}` failed"), None);
    }

    /// Skips all later checks for this reason. Has no effect if the later checks are already skipped for another reason.
    pub(super) fn block(&mut self, reason: impl Into<String>, hint: Option<&'static str>) {
        self.blocker.get_or_insert((reason.into(), hint));
    }

    /// Returns true if all later checks are skipped.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocker.is_some()
    }

    /// Returns the names of the checks that failed.
    pub(super) fn failed(&self) -> Vec<&'static str> {
        let failed = |found: &&NamedFinding| found.finding.status == CheckStatus::Failed;
        let found = self.findings.iter().filter(failed);
        found.map(|found| found.name).collect()
    }
}
