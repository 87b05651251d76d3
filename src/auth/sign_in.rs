//! Signs in with the selected method, and replaces a saved session that has expired.

use std::cell::Cell;

use super::connect::{connect, sign_out};
use super::key_header::{configured_header, read_key};
use super::login_input::LoginInput;
use super::method::AuthMethod;
use super::password;
use super::saved::SavedSecret;
use crate::context::Context;
use crate::error::Error;
use crate::manager::{Credentials, SessionRenewal, SignedIn};
use crate::target::Target;
use crate::terminal::output::safe;

/// Signs in. Only a user name and a password require a sign-in request. An API key or a saved credential is sent with each later request instead.
///
/// # Errors
/// Returns a usage error if a credential cannot be read, or a sign-in error if the manager rejects the credential.
pub(crate) async fn sign_in(
    method: &AuthMethod,
    target: &Target,
    input: &LoginInput,
    context: &Context,
) -> Result<SignedIn, Error> {
    let credentials = match method {
        AuthMethod::Password => {
            let (signed_in, _) = password::sign_in_as(None, target, input, context).await?;
            return Ok(signed_in);
        }
        AuthMethod::ApiKey(key) => {
            let (secret, header) = read_key(target, key, context).await?;
            Credentials::ApiKey { secret, header }
        }
        AuthMethod::Saved(saved) => {
            log::info!("using {}, saved by `swp-keys login`", saved.secret);
            match &saved.secret {
                SavedSecret::Session { session, .. } => Credentials::Session(session.clone()),
                SavedSecret::Key { secret, header, .. } => Credentials::ApiKey {
                    secret: secret.clone(),
                    header: configured_header(target).unwrap_or(*header),
                },
            }
        }
    };
    Ok(connect(target, context).await?.with(credentials))
}

/// Like [`sign_in`], but also returns the user name. The user name is `None` if an API key authenticates the requests.
///
/// # Errors
/// Returns the errors of [`sign_in`].
pub(crate) async fn sign_in_with_name(
    method: &AuthMethod,
    target: &Target,
    input: &LoginInput,
    context: &Context,
) -> Result<(SignedIn, Option<String>), Error> {
    if matches!(method, AuthMethod::Password) {
        let (signed_in, username) = password::sign_in_as(None, target, input, context).await?;
        return Ok((signed_in, Some(username)));
    }
    let username = match method {
        AuthMethod::Saved(saved) => saved.username().map(str::to_owned),
        AuthMethod::ApiKey(_) | AuthMethod::Password => None,
    };
    Ok((sign_in(method, target, input, context).await?, username))
}

/// Runs `work`. If the saved session has expired and a password is configured, signs in once with the password. `work` then continues with the new
/// session.
///
/// Returns the client and the result of the work. The caller must end the client's session.
pub(crate) async fn with_renewal<T>(
    method: &AuthMethod,
    signed_in: SignedIn,
    target: &Target,
    context: &Context,
    work: impl AsyncFnOnce(&SignedIn) -> Result<T, Error>,
) -> (SignedIn, Result<T, Error>) {
    let Some(username) = method.renewable_user(target) else {
        let result = work(&signed_in).await;
        return (signed_in, result.map_err(|error| method.advise(error)));
    };
    let (renewal, asked) = SessionRenewal::new();
    let signed_in = signed_in.renewable(renewal);
    let (busy, refused) = (Cell::new(false), Cell::new(None));
    let result = {
        let mut renewed = std::pin::pin!(async {
            let Ok(reply) = asked.await else { return };
            busy.set(true);
            match renew(username, target, context).await {
                Ok(renewed) => {
                    // If `work` was cancelled during the sign-in, nothing uses the new session. So the new session is ended.
                    if reply.send(renewed.session().cloned()).is_err() {
                        sign_out(target, &renewed, context).await;
                    }
                }
                Err(error) => refused.set(Some(error)),
            }
            busy.set(false);
        });
        let mut work = std::pin::pin!(work(&signed_in));
        let result = tokio::select! {
            biased;
            result = &mut work => result,
            () = &mut renewed => work.await,
        };
        if busy.get() {
            renewed.await;
        }
        result
    };
    let result = result.map_err(|error| match refused.take() {
        // If the new sign-in failed, its error is returned. The error of the expired session would not help the user, because the password or the
        // account is the problem to fix.
        Some(refused) => refused,
        None if signed_in.is_renewed() => error,
        None => method.advise(error),
    });
    (signed_in, result)
}

async fn renew(username: &str, target: &Target, context: &Context) -> Result<SignedIn, Error> {
    let source =
        (target.password.as_ref()).map_or_else(String::new, |password| password.source.to_string());
    context.output.note(&format!(
        "the saved session of {} has expired; this run signs in with the password from {source}; run `swp-keys login` to save a new session",
        safe(username),
    ));
    let input = LoginInput::default();
    let (signed_in, _) = password::sign_in_as(Some(username), target, &input, context).await?;
    Ok(signed_in)
}

/// Signs in again after the manager's session has expired. `input` contains the user name and the password of the first sign-in.
///
/// # Errors
/// Returns the error of the sign-in.
pub(crate) async fn sign_in_again(
    method: &AuthMethod,
    target: &Target,
    input: &LoginInput,
    context: &Context,
) -> Result<SignedIn, Error> {
    let username = method.renewable_user(target);
    let (signed_in, _) = password::sign_in_as(username, target, input, context).await?;
    Ok(signed_in)
}
