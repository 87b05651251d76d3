//! From the settings to a signed-in manager: an existing key, what `login` kept, or a password, in this order.
//!
//! A password or code on the command line is meant, so it wins over what is kept and over a key in the environment. A profile says what
//! is usual, so its key comes after what is kept, and after a password in the environment.

use crate::auth::password;
use std::cell::Cell;

use super::first_use;
use super::saved::{CredentialQuery, SavedCredential, What, shadowed};
use super::secret_source;
use crate::config::credential_check::CredentialKind;
use crate::config::global_args::ApiKeyScheme;
use crate::config::{SecretSource, Sourced};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{Credentials, KeyHeader, Manager, SessionRenewal, SignedIn};
use crate::secret::Secret;

/// How to sign in.
pub(crate) enum AuthMethod {
    /// With an existing key.
    ApiKey(Sourced<SecretSource>),
    /// With what `login` kept.
    Saved(SavedCredential),
    /// With user name and password, for this run alone.
    Password,
}

impl AuthMethod {
    pub(crate) fn select(context: &Context) -> Result<Self, Error> {
        let settings = &context.settings;
        let typed = |secret: &Option<Sourced<SecretSource>>| {
            (secret.as_ref()).is_some_and(|secret| secret.source.is_flag())
        };
        let password_is_meant = typed(&settings.password) || typed(&settings.mfa);
        let wanted = CredentialQuery::by(settings)?;
        match &settings.api_key {
            Some(key) if key.source.is_flag() => return Ok(Self::ApiKey(key.clone())),
            _ if password_is_meant => return Ok(Self::Password),
            Some(key) if key.source.is_variable() => {
                if let Ok(Some(kept)) = SavedCredential::find(&wanted) {
                    context.output.note(&shadowed(&key.source, &kept.what));
                }
                return Ok(Self::ApiKey(key.clone()));
            }
            _ => {}
        }
        if let Some(kept) = SavedCredential::find(&wanted)? {
            if let Some(password) = &settings.password {
                log::info!("{} is not used: {} was kept", password.source, kept.what);
            }
            return Ok(Self::Saved(kept));
        }
        let nearer = |key: &&Sourced<SecretSource>| {
            (settings.password.as_ref())
                .is_none_or(|password| key.source.rank() <= password.source.rank())
        };
        Ok(match settings.api_key.as_ref().filter(nearer) {
            Some(key) => Self::ApiKey(key.clone()),
            None => Self::Password,
        })
    }

    /// The user whose kept session may be replaced by a sign-in, since a password for it is at hand without asking anyone.
    pub(crate) fn replaceable<'a>(&'a self, context: &Context) -> Option<&'a str> {
        match self {
            Self::Saved(kept) => kept
                .username()
                .filter(|_| context.settings.password.is_some()),
            Self::ApiKey(_) | Self::Password => None,
        }
    }

    /// What was kept and is not accepted any more is not renewed without a password.
    fn advise(&self, error: Error) -> Error {
        let Self::Saved(kept) = self else {
            return error;
        };
        // A key that is expired or locked is refused like one whose role lacks the right.
        if error.kind() == ErrorKind::Forbidden && kept.username().is_none() {
            let hint = error.next_step().unwrap_or_default();
            let hint =
                format!("{hint}; `swp-keys login` kept this key, and `swp-keys logout` forgets it");
            return error.hint(hint);
        }
        if error.kind() != ErrorKind::SignIn {
            return error;
        }
        let (what, manager) = (&kept.what, &kept.manager);
        let (problem, hint) = match what {
            What::Session { .. } => (
                "has expired",
                "run `swp-keys login` again, or `swp-keys logout` to forget it",
            ),
            What::Key { .. } => (
                "is not accepted any more",
                "run `swp-keys login` with another one, or `swp-keys logout` to forget it",
            ),
        };
        let what = what.to_string().replacen("the ", "the kept ", 1);
        Error::new(
            ErrorKind::SignIn,
            format!("{what} at {manager} {problem}: {error}"),
        )
        .http(error.http_status())
        .hint(hint)
    }
}

/// Signs in. `begin` is called where a request for a session is on its way, and not where the first request is the work itself.
pub(crate) async fn by(
    context: &Context,
    way: &AuthMethod,
    begin: &dyn Fn(),
) -> Result<SignedIn, Error> {
    match way {
        AuthMethod::ApiKey(key) => {
            let credentials = api_key(context, key).await?;
            Ok(connect(context).await?.with(credentials))
        }
        AuthMethod::Saved(kept) => {
            log::info!("using {} that was kept", kept.what);
            let credentials = match &kept.what {
                What::Session { session, .. } => Credentials::Session(session.clone()),
                What::Key { secret, header, .. } => Credentials::ApiKey {
                    secret: secret.clone(),
                    header: scheme(context).unwrap_or(*header),
                },
            };
            Ok(connect(context).await?.with(credentials))
        }
        AuthMethod::Password => {
            let (signed_in, _) = with_password(context, begin).await?;
            Ok(signed_in)
        }
    }
}

/// Does `work`. If it finds that the kept session has ended, and a password is at hand, that signs in for this run. An error says what
/// to do about something kept that is not accepted any more.
pub(crate) async fn renewing<T>(
    context: &Context,
    way: &AuthMethod,
    signed_in: SignedIn,
    work: impl AsyncFnOnce(&SignedIn) -> Result<T, Error>,
) -> (SignedIn, Result<T, Error>) {
    let Some(username) = way.replaceable(context) else {
        let result = work(&signed_in).await;
        return (signed_in, result.map_err(|error| way.advise(error)));
    };
    let (renewal, asked) = SessionRenewal::new();
    let signed_in = signed_in.renewable(renewal);
    let (busy, refused) = (Cell::new(false), Cell::new(None));
    let result = {
        let mut renewed = std::pin::pin!(async {
            let Ok(reply) = asked.await else { return };
            busy.set(true);
            match anew(context, username).await {
                Ok(renewed) => {
                    // The work may have been left meanwhile.
                    if reply.send(renewed.session().cloned()).is_err() {
                        context.sign_out(&renewed).await;
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
        // What stood in the way of a new session says more than that the old one has ended.
        Some(refused) => refused,
        None if signed_in.is_renewed() => error,
        None => way.advise(error),
    });
    (signed_in, result)
}

async fn anew(context: &Context, username: &str) -> Result<SignedIn, Error> {
    let password = context.settings.password.as_ref();
    context.output.note(&format!(
        "the kept session of {} has expired; signing in for this run with the password of {}; `swp-keys login` keeps a new session",
        crate::terminal::output::safe(username),
        password.map_or_else(String::new, |password| password.source.to_string()),
    ));
    let (signed_in, _) = password::as_user(context, Some(username), &|| ()).await?;
    Ok(signed_in)
}

/// Signs in with user name and password, and returns the user name too. `begin` is called while the answer to them is on its way,
/// once for each time that they are sent and not refused at once.
pub(crate) async fn with_password(
    context: &Context,
    begin: &dyn Fn(),
) -> Result<(SignedIn, String), Error> {
    password::as_user(context, None, begin).await
}

/// Signs in once more, after the session of this way has ended.
pub(crate) async fn again(context: &Context, way: &AuthMethod) -> Result<SignedIn, Error> {
    let username = way.replaceable(context);
    let (signed_in, _) = password::as_user(context, username, &|| ()).await?;
    Ok(signed_in)
}

/// Reads the key that the settings name.
pub(crate) async fn api_key(
    context: &Context,
    key: &Sourced<SecretSource>,
) -> Result<Credentials, Error> {
    let (secret, header) = key_and_header(context, key).await?;
    Ok(Credentials::ApiKey { secret, header })
}

/// The same in parts.
pub(crate) async fn key_and_header(
    context: &Context,
    key: &Sourced<SecretSource>,
) -> Result<(Secret, KeyHeader), Error> {
    let settings = &context.settings;
    let secret = secret_source::read(
        key,
        CredentialKind::ApiKey,
        settings.allow_loose_permissions,
        &context.signals,
    )
    .await?;
    let header = key_header(context, &secret);
    Ok((secret, header))
}

/// The header that a key goes into, by its looks unless the user says otherwise.
pub(crate) fn key_header(context: &Context, secret: &Secret) -> KeyHeader {
    scheme(context).unwrap_or_else(|| KeyHeader::for_key(secret))
}

/// The header that the user says keys go into.
fn scheme(context: &Context) -> Option<KeyHeader> {
    match context.settings.api_key_scheme {
        ApiKeyScheme::Auto => None,
        ApiKeyScheme::ApiSecretKey => Some(KeyHeader::ApiSecretKey),
        ApiKeyScheme::CloudOne => Some(KeyHeader::CloudOne),
    }
}

/// The manager, once it is up and, where nobody vouches for it, a person does.
pub(crate) async fn connect(context: &Context) -> Result<Manager, Error> {
    let manager = wait(context, context.manager()?).await?;
    if first_use::is_possible(context)? && first_use::trust_on_first_use(context).await? {
        return context.manager();
    }
    Ok(manager)
}

pub(crate) async fn wait(context: &Context, manager: Manager) -> Result<Manager, Error> {
    let Some(duration) = context.settings.wait else {
        return Ok(manager);
    };
    let waiting = async { Ok(manager.wait_until_ready(duration).await?) };
    match context.signals.cancel(waiting).await {
        // It is up, and waiting longer makes it no more trusted.
        Err(error)
            if error.kind() == ErrorKind::Trust
                && first_use::is_possible(context)?
                && first_use::trust_on_first_use(context).await? =>
        {
            context.manager()
        }
        result => result.map(|()| manager),
    }
}
