//! Reads all managers, and applies the plan on all of them at the same time.

use std::cell::RefCell;
use std::time::Duration;

use super::args::Args;
use super::confirmation::confirm;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::fleet::{
    DeclaredManager, FleetReport, Found, LocalFuture, Looked, ManagerResults, ManagerRun,
    OpenSessions, WorkOnManagers, list_keys,
};
use crate::manager::ApiKey;
use crate::process::concurrency::{BoxedWork, run_all};
use crate::target::Target;

/// How many managers are read or changed at the same time.
const AT_ONCE: usize = 8;
/// The time between two notes about the progress, if no progress line is visible.
const NOTE_PAUSE: Duration = Duration::from_secs(60);

/// The work of `apply` after the sign-in.
pub(super) struct ApplyWork<'m> {
    pub(super) args: &'m Args,
    pub(super) fleet: &'m str,
    pub(super) managers: Vec<DeclaredManager<'m>>,
    pub(super) targets: &'m [Result<Target, Error>],
    pub(super) verbose: bool,
    pub(super) context: &'m Context,
}

/// The sessions on all managers.
type Sessions<'a> = Option<OpenSessions<'a>>;

impl WorkOnManagers for ApplyWork<'_> {
    fn run<'a>(
        &'a mut self,
        sessions: Option<OpenSessions<'a>>,
        failures: Vec<(usize, Error)>,
    ) -> LocalFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let looked = self.look_at_all(sessions, failures).await?;
            if let Some(error) = Looked::error_of_all(&looked) {
                return Err(error.clone());
            }
            self.apply(&looked, sessions).await
        })
    }
}

impl<'m> ApplyWork<'m> {
    /// Reads all managers at the same time.
    async fn look_at_all(
        &mut self,
        sessions: Sessions<'_>,
        failures: Vec<(usize, Error)>,
    ) -> Result<Vec<Looked<'m>>, Error> {
        let managers = std::mem::take(&mut self.managers);
        let slots: Vec<RefCell<Option<Result<Found, Error>>>> =
            managers.iter().map(|_| RefCell::default()).collect();
        for (place, error) in failures {
            if let Some(slot) = slots.get(place) {
                slot.replace(Some(Err(error)));
            }
        }
        let (fleet, flags, verifies) = (self.fleet, &self.args.flags, self.args.verify);
        let mut rest = managers.iter().zip(&slots).enumerate();
        let mut next = || -> Option<BoxedWork<'_>> {
            let (place, (manager, slot)) = rest.next()?;
            Some(Box::pin(async move {
                if let Some(access) = sessions.and_then(|sessions| sessions.at(place)) {
                    let found = Found::read(fleet, &manager.keys, flags, verifies, access).await;
                    slot.replace(Some(found));
                }
            }))
        };
        run_all(AT_ONCE, &mut next).await;
        let mut looked = Vec::with_capacity(managers.len());
        for (place, (manager, slot)) in managers.into_iter().zip(slots).enumerate() {
            let no_session = || Err(Error::unexpected("there is no session on the manager"));
            let found = slot.into_inner().unwrap_or_else(no_session);
            if let Err(error) = &found
                && matches!(error.kind(), ErrorKind::Interrupted(_))
            {
                return Err(error.clone());
            }
            let target = self
                .targets
                .get(place)
                .and_then(|target| target.as_ref().ok());
            looked.push(Looked::new(manager, target, found));
        }
        Ok(looked)
    }

    async fn apply(&self, looked: &[Looked<'_>], sessions: Sessions<'_>) -> Result<(), Error> {
        let (args, output) = (self.args, &self.context.output);
        let report = FleetReport::of(self.fleet, looked, &args.flags);
        let number = report.number();
        if args.plan.as_ref().is_some_and(|wanted| *wanted != number) {
            report.print(self.verbose, output)?;
            return Err(other_plan(&report, &number));
        }
        confirm(args, &report, self.verbose, self.context).await?;
        self.context.pending.finish_after_signal();
        let results: Vec<RefCell<ManagerResults>> =
            looked.iter().map(|_| RefCell::default()).collect();
        self.change_all(&report, sessions, &results).await;
        let results: Vec<ManagerResults> = results.into_iter().map(RefCell::into_inner).collect();
        let report = report.with_results(&results, !args.flags.only.is_empty());
        report.print_results(&number, self.verbose, output)?;
        report.outcome(self.context.signals.received(), &args.command())
    }

    /// Changes the keys on all managers.
    async fn change_all(
        &self,
        report: &FleetReport<'_>,
        sessions: Sessions<'_>,
        results: &[RefCell<ManagerResults>],
    ) {
        let mut runs: Vec<(ManagerRun<'_>, &Looked<'_>, &RefCell<ManagerResults>)> = Vec::new();
        for (place, slot) in results.iter().enumerate() {
            let session = sessions.and_then(|sessions| sessions.at(place));
            let (Some(access), Some((looked, plan))) = (session, report.plan_at(place)) else {
                continue;
            };
            if let Ok(found) = &looked.found {
                let options = self.args.options();
                let run = ManagerRun::new(self.fleet, plan, &found.inventory, options, access);
                runs.push((run, looked, slot));
            }
        }
        let notes = async {
            loop {
                tokio::time::sleep(NOTE_PAUSE).await;
                if !self.context.progress.is_visible() {
                    let progress: Vec<String> =
                        runs.iter().map(|(run, ..)| run.progress()).collect();
                    self.context
                        .output
                        .note(&format!("keys changed: {}", progress.join(", ")));
                }
            }
        };
        let mut rest = runs.iter();
        let mut next = || -> Option<BoxedWork<'_>> {
            let (run, looked, slot) = rest.next()?;
            Some(Box::pin(async move {
                run.carry_out().await;
                slot.borrow_mut().listed = self.list_again(run, looked).await;
            }))
        };
        let work = run_all(AT_ONCE, &mut next);
        tokio::select! {
            biased;
            () = work => {}
            () = notes => {}
        }
        for (run, _, slot) in runs {
            slot.borrow_mut().results = run.results();
        }
    }

    /// Lists the keys after the changes. After a signal and if nothing was changed, the run ends without this list.
    async fn list_again(
        &self,
        run: &ManagerRun<'_>,
        looked: &Looked<'_>,
    ) -> Option<Result<Vec<ApiKey>, Error>> {
        if !run.has_worked() || self.context.signals.received().is_some() {
            return None;
        }
        let listed = list_keys(self.fleet, &looked.declared, run.access()).await;
        Some(listed.map(|listed| listed.keys))
    }
}

/// Returns the error for a plan that has a different number than `--plan`. An earlier run may have done the work already.
fn other_plan(report: &FleetReport<'_>, number: &str) -> Error {
    let other = "`--plan` is the number of a different plan";
    match report.changes_something() {
        true => Error::new(
            ErrorKind::CheckFailed,
            format!("{other}; nothing was changed"),
        )
        .hint(format!("check the plan, then use `--plan {number}`")),
        false => Error::new(
            ErrorKind::CheckFailed,
            format!("{other}; the new plan has nothing to do"),
        ),
    }
}
