//! The results of a run on all managers of a fleet, and its exit code.

use super::look::Looked;
use super::plan::{Applied, Plan, PlannedAction, PlannedKey};
use super::report::FleetReport;
use crate::error::{Error, ErrorKind, Signal};
use crate::manager::ApiKey;
use crate::mint::FleetMark;
use crate::terminal::output::Output;

/// What a run did on one manager.
#[derive(Default)]
pub(crate) struct ManagerResults {
    /// The results, in the order of the plan.
    pub(crate) results: Vec<Option<Applied>>,
    /// The keys on the manager after the run, or the reason why they could not be listed.
    pub(crate) listed: Option<Result<Vec<ApiKey>, Error>>,
}

impl<'a> FleetReport<'a> {
    /// Returns the plan of the manager at this position, or `None` if it could not be read.
    pub(crate) fn plan_at(&self, place: usize) -> Option<(&Looked<'a>, &Plan<'a>)> {
        let (looked, plan) = self.managers.get(place)?;
        Some((*looked, plan.as_ref()?))
    }

    /// Adds the results of a run, and compares them with the keys that the managers list after it.
    #[must_use]
    pub(crate) fn with_results(
        mut self,
        results: &'a [ManagerResults],
        only_declared: bool,
    ) -> Self {
        self.has_results = true;
        for ((looked, plan), results) in self.managers.iter_mut().zip(results) {
            let Some(plan) = plan else { continue };
            for (key, result) in plan.keys.iter_mut().zip(&results.results) {
                key.result.clone_from(result);
            }
            match &results.listed {
                Some(Ok(listed)) => {
                    let after = looked.plan_after(self.fleet, listed, only_declared);
                    compare(
                        plan,
                        &after.map(|after| after.keys).unwrap_or_default(),
                        listed,
                    );
                }
                Some(Err(error)) => plan.notes.push(format!(
                    "the keys could not be listed after the changes: {error}"
                )),
                None => {}
            }
        }
        self
    }

    /// Prints the results to stdout. `number` is the number of the plan.
    ///
    /// # Errors
    /// Returns an error if writing to stdout fails.
    pub(crate) fn print_results(
        &self,
        number: &str,
        all: bool,
        output: &Output,
    ) -> Result<(), Error> {
        self.print_with(number, all, output)
    }

    /// Returns the outcome of the run.
    ///
    /// # Errors
    /// Returns an error if a signal ended the run, if a key was not changed as planned or has a problem, or if a manager could not be read.
    pub(crate) fn outcome(&self, signal: Option<Signal>, again: &str) -> Result<(), Error> {
        let plans = self.plans();
        let keys = || plans.iter().flat_map(|one| &one.plan.keys);
        let count = |word: &str| {
            let is_it =
                |key: &&PlannedKey<'_>| key.result.as_ref().is_some_and(|one| one.word() == word);
            keys().filter(is_it).count()
        };
        let (failed, not_tried) = (count("failed"), count("not-tried"));
        let problems = keys().filter(|key| key.has_problem()).count();
        let unread = self.managers.len() - plans.len();
        let pruned = plans.iter().filter(|one| one.plan.prunes);
        let not_deleted: usize = pruned
            .map(|one| one.plan.count(PlannedAction::LeftOver))
            .sum();
        let counts = [
            (failed, "could not be changed as planned"),
            (not_tried, "not tried"),
            (problems, "with a problem"),
            (not_deleted, "not deleted by `--prune`"),
        ];
        let mut parts: Vec<String> = (counts.iter().filter(|(count, _)| *count > 0))
            .map(|(count, what)| match count {
                1 => format!("1 key {what}"),
                count => format!("{count} keys {what}"),
            })
            .collect();
        match unread {
            0 => {}
            1 => parts.push("1 manager could not be read".to_owned()),
            count => parts.push(format!("{count} managers could not be read")),
        }
        let errors = || {
            keys().filter_map(|key| match &key.result {
                Some(Applied::Failed(error)) => Some(error),
                _ => None,
            })
        };
        let is_unknown = errors().any(|error| error.kind() == ErrorKind::Attention);
        let kind = match signal {
            _ if is_unknown => ErrorKind::Attention,
            Some(signal) if not_tried > 0 => ErrorKind::Interrupted(signal),
            _ if parts.is_empty() => return Ok(()),
            _ => ErrorKind::Partial,
        };
        let prefix = match kind {
            ErrorKind::Interrupted(_) => "interrupted; ",
            _ => "",
        };
        let hint = match kind {
            ErrorKind::Partial => {
                format!("fix the problems in the output, then run `{again}` again")
            }
            _ => format!("run `{again}` again to finish the work"),
        };
        let message = format!("{prefix}{}", parts.join(", "));
        Err(Error::new(kind, message).hint(hint))
    }
}

/// Compares the results with the plan for the keys that the manager lists after the run.
fn compare<'a>(plan: &mut Plan<'a>, after: &[PlannedKey<'a>], listed: &'a [ApiKey]) {
    let declared = plan.keys.iter_mut().filter(|key| key.declared.is_some());
    for (key, now) in declared.zip(after) {
        // The record of a finished run is still in the list of records that was read before the changes.
        let is_finished = key.action == PlannedAction::Finish && now.superseded.is_some();
        if matches!(key.result, Some(Applied::Done { .. }))
            && !is_finished
            && let Some(difference) = difference(key.action, now)
        {
            let message = format!("the manager reported success, but {difference}");
            key.result = Some(Applied::Failed(Error::new(ErrorKind::Partial, message)));
        }
        if key.action != PlannedAction::Delete {
            key.key = now.key.or(key.key);
        }
    }
    let deleted = |key: &&mut PlannedKey<'a>| key.action == PlannedAction::Delete;
    for key in plan.keys.iter_mut().filter(deleted) {
        if let Some(Applied::Done { id, .. }) = key.result
            && listed.iter().any(|one| one.id == id)
        {
            let message = "the manager reported success, but it still lists the key";
            key.result = Some(Applied::Failed(Error::new(ErrorKind::Partial, message)));
        }
    }
}

/// Returns the difference that remains after the action `done`. `now` is the new plan for the key.
fn difference(done: PlannedAction, now: &PlannedKey<'_>) -> Option<String> {
    let description = now.key.and_then(ApiKey::description).unwrap_or_default();
    // An adoption delivers no secret.
    if done != PlannedAction::Adopt && FleetMark::of(description).is_some_and(|mark| mark.pending) {
        return Some("the marker of the key still contains the word `pending`".to_owned());
    }
    match now.action {
        PlannedAction::Create => Some("it does not list the key".to_owned()),
        PlannedAction::Change
        | PlannedAction::Adopt
        | PlannedAction::Rename
        | PlannedAction::Lock
        | PlannedAction::Unlock => {
            let changes = now.changes.iter().map(|one| {
                let [is, wanted] = &one.shown;
                format!("{} is {is} instead of {wanted}", one.field)
            });
            let changes: Vec<String> = changes.collect();
            Some(format!("the key differs: {}", changes.join(", ")))
        }
        _ => None,
    }
}
