//! The work on one manager: the order, the results, and when it stops.

use std::cell::{Cell, RefCell};

use super::operation_ids::OperationIds;
use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::fleet::inventory::Inventory;
use crate::fleet::manifest::{DeclaredPlace, PlaceKind};
use crate::fleet::plan::{Applied, Plan, PlannedAction, PlannedKey};
use crate::fleet::presence::SecretChecks;
use crate::mint::group::{LAST_WORK, NewerKeys, not_finished};
use crate::process::concurrency::run_all;
use crate::terminal::progress::Step;

/// How many keys a manager changes at the same time.
pub(super) const AT_ONCE: usize = 4;

/// The work of a run on one manager.
pub(crate) struct ManagerRun<'r> {
    pub(super) fleet: &'r str,
    pub(super) access: Access<'r>,
    pub(super) plan: &'r Plan<'r>,
    pub(super) inventory: &'r Inventory,
    pub(super) options: ApplyOptions,
    pub(super) operations: OperationIds,
    pub(super) checks: SecretChecks<'r>,
    results: RefCell<Vec<Option<Applied>>>,
    done: Cell<usize>,
    is_stopped: Cell<bool>,
    step: Step,
}

/// How a plan is applied.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ApplyOptions {
    /// True if the destinations must not be checked.
    pub(crate) no_look: bool,
    /// True if each new secret is used once before it is delivered.
    pub(crate) verify: bool,
    /// True if undeclared keys are deleted even if they were used recently.
    pub(crate) prune_used: bool,
    /// The maximum number of calls a minute.
    pub(crate) calls_per_minute: Option<usize>,
}

/// What was done with one key: the ID of the key or of its successor, and the operation.
pub(super) type KeyDone = (i64, Option<String>);

impl<'r> ManagerRun<'r> {
    /// Prepares the work.
    pub(crate) fn new(
        fleet: &'r str,
        plan: &'r Plan<'r>,
        inventory: &'r Inventory,
        options: ApplyOptions,
        access: Access<'r>,
    ) -> Self {
        let total = plan
            .keys
            .iter()
            .filter(|key| key.action.is_change())
            .count();
        let text = format!("changing keys on {}", access.target.address.host_and_port());
        access
            .signed_in
            .budget()
            .expect_many_calls(options.calls_per_minute);
        Self {
            fleet,
            access,
            plan,
            inventory,
            options,
            operations: OperationIds::of(&inventory.keys),
            checks: SecretChecks::new(access),
            results: RefCell::new(vec![None; plan.keys.len()]),
            done: Cell::new(0),
            is_stopped: Cell::new(false),
            step: access.context.progress.begin_items(text, Some(total)),
        }
    }

    /// Does the work. After the first signal, no further key is begun, and what was begun is finished.
    pub(crate) async fn carry_out(&self) {
        Box::pin(self.work()).await;
    }

    /// Returns the results, in the order of the plan.
    pub(crate) fn results(self) -> Vec<Option<Applied>> {
        let results = self.results.take().into_iter().zip(&self.plan.keys);
        let with_rest = results.map(|(result, key)| match result {
            None if key.action.is_change() => Some(Applied::NotTried),
            None if key.shown_action() != PlannedAction::None => Some(Applied::Left),
            result => result,
        });
        with_rest.collect()
    }

    /// Returns the progress as text: the manager, the number of finished keys and the number of all keys to change.
    pub(crate) fn progress(&self) -> String {
        let total = self.plan.keys.iter().filter(|key| key.action.is_change());
        let host = self.access.target.address.host_and_port();
        format!("{host} {}/{}", self.done.get(), total.count())
    }

    /// Returns true if the run has begun to change a key.
    pub(crate) fn has_worked(&self) -> bool {
        self.done.get() > 0
    }

    /// Returns the session on the manager.
    pub(crate) fn access(&self) -> Access<'r> {
        self.access
    }

    async fn work(&self) {
        let mut newer = NewerKeys::above(self.inventory.highest);
        for place in self.positions(&|key| key.superseded.is_some()) {
            if let Some(planned) = self.plan.keys.get(place)
                && let Err(error) = self.remove_superseded(planned)
            {
                self.end(place, Err(error));
            }
        }
        self.each(&|key| key.action == PlannedAction::Finish).await;
        let is_changed = |action| {
            matches!(
                action,
                PlannedAction::Change
                    | PlannedAction::Adopt
                    | PlannedAction::Rename
                    | PlannedAction::Lock
                    | PlannedAction::Unlock
            )
        };
        self.each(&|key| is_changed(key.action)).await;
        self.create(PlannedAction::Create, &mut newer).await;
        self.create(PlannedAction::Rotate, &mut newer).await;
        self.each(&|key| key.action == PlannedAction::Rekey).await;
        let is_deleted = |key: &PlannedKey<'_>| key.action == PlannedAction::Delete;
        self.each(&|key| is_deleted(key) && !key.is_pruned).await;
        if !self.has_failures() {
            self.each(&|key| is_deleted(key) && key.is_pruned).await;
        }
    }

    /// Returns the positions of some keys in the plan. Keys that already have a result are left out.
    pub(super) fn positions(&self, is_wanted: &dyn Fn(&PlannedKey<'_>) -> bool) -> Vec<usize> {
        let results = self.results.borrow();
        let keys = self.plan.keys.iter().zip(results.iter()).enumerate();
        keys.filter(|(_, (key, result))| is_wanted(key) && result.is_none())
            .map(|(place, _)| place)
            .collect()
    }

    async fn each(&self, is_wanted: &dyn Fn(&PlannedKey<'_>) -> bool) {
        let mut places = self.positions(is_wanted).into_iter();
        run_all(AT_ONCE, &mut || {
            let place = places.next()?;
            Some(Box::pin(self.change_one(place)))
        })
        .await;
    }

    async fn change_one(&self, place: usize) {
        let Some(planned) = self.plan.keys.get(place).filter(|_| !self.must_stop()) else {
            return;
        };
        let work = async {
            match planned.action {
                PlannedAction::Finish => self.finish(planned).await,
                PlannedAction::Rekey => self.rekey(planned).await,
                PlannedAction::Delete => self.delete(planned).await,
                _ => self.change(planned).await,
            }
        };
        let delivers = matches!(planned.action, PlannedAction::Finish | PlannedAction::Rekey);
        let is_command = |place: &DeclaredPlace| matches!(place.kind, PlaceKind::Command(_));
        let places = planned
            .declared
            .iter()
            .flat_map(|declared| &declared.places);
        // A command that receives a secret has a time limit of its own.
        let result = match delivers && places.into_iter().any(is_command) {
            true => work.await,
            false => {
                let what = match planned.action {
                    PlannedAction::Delete => "the key may have been deleted",
                    _ if delivers => "the key may have a new secret that was not delivered",
                    _ => "the key may have been changed",
                };
                self.limited((planned.name(), what), work).await
            }
        };
        self.end(place, result);
    }

    /// Does the work on a key, and ends it some time after the first signal. What is not finished then is left as after the end of the process: the
    /// record or the marker shows it to the next run. `what` is what may have happened to the key.
    pub(super) async fn limited<T>(
        &self,
        (name, what): (&str, &str),
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let signals = &self.access.context.signals;
        let done = signals.limit_after(LAST_WORK, work).await;
        done.unwrap_or_else(|| Err(not_finished(name, what)))
    }

    /// Returns true if no further key must be begun.
    pub(super) fn must_stop(&self) -> bool {
        self.is_stopped.get() || self.access.context.signals.received().is_some()
    }

    /// Begins no further key, because the manager cannot be reached or rejects every request.
    pub(super) fn stop(&self) {
        self.is_stopped.set(true);
    }

    /// Stores the result for a key.
    pub(super) fn end(&self, place: usize, result: Result<KeyDone, Error>) {
        let result = match result {
            Ok((id, operation)) => Applied::Done { id, operation },
            // The key was not changed, because a signal arrived before the request.
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted(_)) => Applied::NotTried,
            Err(error) => {
                if error.concerns_all_requests() {
                    self.stop();
                }
                Applied::Failed(error)
            }
        };
        self.done.set(self.done.get() + 1);
        self.step.set_done(self.done.get());
        if let Some(slot) = self.results.borrow_mut().get_mut(place) {
            *slot = Some(result);
        }
    }

    /// Returns true if a declared key is not as declared.
    fn has_failures(&self) -> bool {
        let is_problem =
            |key: &PlannedKey<'_>| key.declared.is_some() && key.action == PlannedAction::Problem;
        if self.plan.keys.iter().any(is_problem) {
            return true;
        }
        let results = self.results.borrow();
        let mut results = results.iter().flatten();
        results.any(|result| !matches!(result, Applied::Done { .. }))
    }
}
