//! Reads all managers, and applies the plan on all of them at the same time.

use std::cell::RefCell;
use std::time::Duration;

use super::args::Args;
use super::confirmation::confirm;
use crate::auth::session::Access;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::fleet::{
    DeclaredManager, FleetReport, Found, LocalFuture, Looked, ManagerResults, ManagerRun,
    OpenSessions, WorkOnManagers, list_keys,
};
use crate::process::concurrency::{BoxedWork, run_all};
use crate::target::Target;

/// How many managers are changed at the same time.
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
    /// Reads all managers.
    async fn look_at_all(
        &mut self,
        sessions: Sessions<'_>,
        mut failures: Vec<(usize, Error)>,
    ) -> Result<Vec<Looked<'m>>, Error> {
        let mut looked = Vec::new();
        for (place, manager) in std::mem::take(&mut self.managers).into_iter().enumerate() {
            let found = match sessions.and_then(|sessions| sessions.at(place)) {
                Some(access) => {
                    let (flags, verifies) = (&self.args.flags, self.args.verify);
                    Found::read(self.fleet, &manager.keys, flags, verifies, access).await
                }
                None => {
                    let failure = failures.iter().position(|(other, _)| *other == place);
                    Err(match failure {
                        Some(failure) => failures.swap_remove(failure).1,
                        None => Error::unexpected("there is no session on the manager"),
                    })
                }
            };
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
            return Err(Error::new(
                ErrorKind::CheckFailed,
                "`--plan` is the number of a different plan; nothing was changed",
            )
            .hint(format!("check the plan, then use `--plan {number}`")));
        }
        confirm(args, &report, self.context).await?;
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
        let mut runs: Vec<(usize, ManagerRun<'_>)> = Vec::new();
        for place in 0..results.len() {
            let session = sessions.and_then(|sessions| sessions.at(place));
            let (Some(access), Some((looked, plan))) = (session, report.plan_at(place)) else {
                continue;
            };
            if let Ok(found) = &looked.found {
                let options = self.args.options();
                let run = ManagerRun::new(self.fleet, plan, &found.inventory, options, access);
                runs.push((place, run));
            }
        }
        let notes = async {
            loop {
                tokio::time::sleep(NOTE_PAUSE).await;
                if !self.context.progress.is_visible() {
                    let progress: Vec<String> =
                        runs.iter().map(|(_, run)| run.progress()).collect();
                    self.context
                        .output
                        .note(&format!("keys changed: {}", progress.join(", ")));
                }
            }
        };
        let mut rest = runs.iter();
        let mut next = || -> Option<BoxedWork<'_>> {
            let (_, run) = rest.next()?;
            Some(Box::pin(run.carry_out()))
        };
        let work = run_all(AT_ONCE, &mut next);
        tokio::select! {
            biased;
            () = work => {}
            () = notes => {}
        }
        for (place, run) in runs {
            let (Some(slot), Some((looked, _))) = (results.get(place), report.plan_at(place))
            else {
                continue;
            };
            let is_interrupted = self.context.signals.received().is_some();
            let listed = match run.has_worked() && !is_interrupted {
                true => Some(self.list_again(looked, run.access()).await),
                false => None,
            };
            *slot.borrow_mut() = ManagerResults {
                results: run.results(),
                listed,
            };
        }
    }

    /// Lists the keys after the changes. After a signal, the run ends without this list.
    async fn list_again(
        &self,
        looked: &Looked<'_>,
        access: Access<'_>,
    ) -> Result<Vec<crate::manager::ApiKey>, Error> {
        let listed = list_keys(self.fleet, &looked.declared, access).await;
        listed.map(|listed| listed.keys)
    }
}
