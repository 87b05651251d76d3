//! Signs in to several managers, one after another, and keeps all sessions open until the work on all managers is done.

use std::pin::Pin;

use crate::auth::method::AuthMethod;
use crate::auth::session;
use crate::auth::session::Access;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::target::Target;

/// The session on one manager, and the sessions that were opened before it.
#[derive(Clone, Copy)]
pub(crate) struct OpenSessions<'a> {
    /// The position of the manager in the list of targets.
    place: usize,
    access: Access<'a>,
    before: Option<&'a OpenSessions<'a>>,
}

/// A future that is not sent to other threads.
pub(crate) type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The work on all managers. It is a trait object, because the sign-ins are nested.
pub(crate) trait WorkOnManagers {
    /// Does the work. `sessions` is `None` if no sign-in succeeded. `failures` contains the positions of the managers without a session, with the
    /// reasons.
    fn run<'a>(
        &'a mut self,
        sessions: Option<OpenSessions<'a>>,
        failures: Vec<(usize, Error)>,
    ) -> LocalFuture<'a, Result<(), Error>>;
}

impl<'a> OpenSessions<'a> {
    /// Returns the session on the manager at this position, or `None` if the sign-in failed.
    pub(crate) fn at(&self, place: usize) -> Option<Access<'a>> {
        match self.place == place {
            true => Some(self.access),
            false => self.before?.at(place),
        }
    }
}

/// The managers of a run.
#[derive(Clone, Copy)]
pub(crate) struct SignInQueue<'t> {
    /// The managers, or the reasons why they cannot be used.
    pub(crate) targets: &'t [Result<Target, Error>],
    pub(crate) context: &'t Context,
}

impl<'t> SignInQueue<'t> {
    /// Signs in to all managers, does the work, and signs out. A manager that rejects the sign-in does not stop the others.
    ///
    /// # Errors
    /// Returns the error of the work, or an error if a signal arrives.
    pub(crate) async fn run(self, work: &mut dyn WorkOnManagers) -> Result<(), Error> {
        self.open(0, None, Vec::new(), work).await
    }

    fn open<'a>(
        self,
        place: usize,
        before: Option<OpenSessions<'a>>,
        mut failures: Vec<(usize, Error)>,
        work: &'a mut dyn WorkOnManagers,
    ) -> LocalFuture<'a, Result<(), Error>>
    where
        't: 'a,
    {
        Box::pin(async move {
            let error = match self.targets.get(place) {
                None => return work.run(before, failures).await,
                Some(Err(error)) => error.clone(),
                Some(Ok(target)) => {
                    let mut is_signed_in = false;
                    let nested = failures.clone();
                    let work = async |access: Access<'_>| {
                        is_signed_in = true;
                        let sessions = OpenSessions {
                            place,
                            access,
                            before: before.as_ref(),
                        };
                        let next = self.open(place + 1, Some(sessions), nested, &mut *work);
                        next.await
                    };
                    let result = match AuthMethod::select(target, self.context) {
                        Ok(method) => {
                            session::signed_in_to_recover(&method, target, self.context, work).await
                        }
                        Err(error) => Err(error),
                    };
                    match result {
                        Err(error)
                            if !is_signed_in
                                && !matches!(error.kind(), ErrorKind::Interrupted(_)) =>
                        {
                            error
                        }
                        result => return result,
                    }
                }
            };
            failures.push((place, error));
            self.open(place + 1, before, failures, work).await
        })
    }
}
