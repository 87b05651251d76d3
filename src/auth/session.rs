//! Signs in, runs the work of a command, and signs out.

use std::pin::Pin;

use super::connect::sign_out;
use super::login_input::LoginInput;
use super::method::AuthMethod;
use super::sign_in::{sign_in, with_renewal};
use crate::config::{SecretSource, Sourced};
use crate::context::Context;
use crate::error::Error;
use crate::journal::{Operation, notice};
use crate::manager::SignedIn;
use crate::target::Target;

/// What a command needs to work on a manager: the signed-in client, the manager's settings and the shared state of the run.
#[derive(Clone, Copy)]
pub(crate) struct Access<'a> {
    /// The client for authenticated requests to the manager.
    pub(crate) signed_in: &'a SignedIn,
    /// The manager to which the client is signed in.
    pub(crate) target: &'a Target,
    /// The state that the run shares between all managers.
    pub(crate) context: &'a Context,
}

impl Access<'_> {
    /// Returns the fields that every journal record contains: the operation's ID, the manager, the tenant, the fingerprint of the credential that
    /// authenticates the run, and the destinations of the new secret.
    pub(crate) fn operation(&self, id: &str, sinks: Vec<String>) -> Operation {
        Operation {
            signer: self.signed_in.signer_fingerprint(id),
            ..operation_of_session(self.target, id, sinks)
        }
    }
}

/// Like [`Access::operation`], for a run that signs in with a password. The run can call this function before the sign-in.
pub(crate) fn operation_of_session(target: &Target, id: &str, sinks: Vec<String>) -> Operation {
    Operation {
        id: id.to_owned(),
        manager: target.address.to_string(),
        tenant: target.tenant_name().map(str::to_owned),
        signer: None,
        sinks,
    }
}

/// Returns true if the run will sign in with a password, and will send the sign-in request without waiting for the user, for a command or for the
/// manager.
pub(crate) fn signs_in_at_once(method: &AuthMethod, target: &Target, context: &Context) -> bool {
    matches!(method, AuthMethod::Password)
        && target.username.is_some()
        && target.password.as_ref().is_some_and(is_at_hand)
        && target.mfa.as_ref().is_none_or(is_at_hand)
        && target.wait.is_none()
        && !context.prompt().is_available()
}

/// Returns true if the secret can be read without waiting.
fn is_at_hand(secret: &Sourced<SecretSource>) -> bool {
    matches!(secret.value, SecretSource::File(_) | SecretSource::Value(_))
}

/// Signs in, warns about unfinished work of earlier runs, runs `work`, and signs out even if the work fails.
///
/// # Errors
/// Returns the error of the sign-in or of the work. A failed sign-out is only logged.
pub(crate) async fn signed_in<T>(
    target: &Target,
    context: &Context,
    work: impl AsyncFnOnce(Access<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let method = AuthMethod::select(target, context)?;
    signed_in_with(&method, &LoginInput::default(), target, context, work).await
}

/// Like [`signed_in`], but signs in with `method`. `input` stores the user name and the password that the user types, so that the run can sign in
/// again.
///
/// # Errors
/// Returns the error of the sign-in or of the work.
pub(crate) async fn signed_in_with<T>(
    method: &AuthMethod,
    input: &LoginInput,
    target: &Target,
    context: &Context,
    work: impl AsyncFnOnce(Access<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut work = WorkSlot::new(async |access| {
        warn_unfinished(target, context, None);
        work(access).await
    });
    session(method, input, target, context, &mut work).await?;
    work.result()
}

/// Like [`signed_in`], but uses `method`, and does not warn about unfinished work. Commands that finish such work use this function.
///
/// # Errors
/// Returns the error of the sign-in or of the work.
pub(crate) async fn signed_in_to_recover<T>(
    method: &AuthMethod,
    target: &Target,
    context: &Context,
    work: impl AsyncFnOnce(Access<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut work = WorkSlot::new(work);
    session(method, &LoginInput::default(), target, context, &mut work).await?;
    work.result()
}

/// The work of a session. It is a trait object, so that all commands share one copy of the code that signs in and out.
trait SessionWork {
    /// Does the work of the session. The caller must call this method only once.
    fn run<'a>(
        &'a mut self,
        access: Access<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;
}

/// A function to run in a session, and its return value.
struct WorkSlot<W, T> {
    work: Option<W>,
    result: Option<T>,
}

impl<T, W: AsyncFnOnce(Access<'_>) -> Result<T, Error>> WorkSlot<W, T> {
    fn new(work: W) -> Self {
        Self {
            work: Some(work),
            result: None,
        }
    }

    /// Returns the result of the work.
    ///
    /// # Errors
    /// Returns an error if the work was not done.
    fn result(self) -> Result<T, Error> {
        self.result
            .ok_or_else(|| Error::unexpected("the session ended without running the command"))
    }
}

impl<T, W: AsyncFnOnce(Access<'_>) -> Result<T, Error>> SessionWork for WorkSlot<W, T> {
    fn run<'a>(
        &'a mut self,
        access: Access<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>> {
        Box::pin(async move {
            if let Some(work) = self.work.take() {
                self.result = Some(work(access).await?);
            }
            Ok(())
        })
    }
}

async fn session(
    method: &AuthMethod,
    input: &LoginInput,
    target: &Target,
    context: &Context,
    work: &mut dyn SessionWork,
) -> Result<(), Error> {
    let client = sign_in(method, target, input, context).await?;
    let work = async |signed_in: &SignedIn| {
        let access = Access {
            signed_in,
            target,
            context,
        };
        work.run(access).await
    };
    let (client, result) = with_renewal(method, client, target, context, work).await;
    let sign_out = async {
        if client.is_renewed() || matches!(method, AuthMethod::Password) {
            sign_out(target, &client, context).await;
        }
    };
    context.sign_out_begins();
    // The sign-out and the flushes of the journal run concurrently, because they are independent.
    tokio::join!(biased; sign_out, finish_flushes(context));
    result
}

/// Waits until the removal of journal records is flushed to disk. A second signal cancels the wait, so that the run can still report the result of
/// its work.
pub(crate) async fn finish_flushes(context: &Context) {
    tokio::select! {
        biased;
        _ = context.signals.second_signal() => {
            log::info!("this run removed its records, but was interrupted before the removal was flushed to disk");
        }
        () = context.flushes.finish() => {}
    }
}

/// Prints a warning for each unfinished operation of earlier runs on this manager and tenant. `except` is the ID of the operation that this run
/// continues.
pub(crate) fn warn_unfinished(target: &Target, context: &Context, except: Option<&str>) {
    let (manager, yes) = (target.address.to_string(), context.yes_flag());
    for warning in notice::unfinished_work(&manager, target.tenant_name(), yes, except) {
        context.output.warn(&warning);
    }
}
