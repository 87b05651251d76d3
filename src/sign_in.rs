//! From the settings to a signed-in manager: an existing key, a kept session, or a password, in this order.
//!
//! A password or code on the command line is meant, so it wins over a kept session and over a key in the environment.

use crate::cli::ApiKeyScheme;
use crate::context::Context;
use crate::error::{Error, Kind};
use crate::kept_session::KeptSession;
use crate::manager::{Cause, Credentials, KeyHeader, Manager, SignIn, SignedIn};
use crate::prompt::Prompt;
use crate::secret::Secret;
use crate::secret_source;
use crate::settings::{SecretSource, Source, Sourced};

/// How to sign in.
pub(crate) enum Way {
    /// With an existing key.
    ApiKey(Sourced<SecretSource>),
    /// With the session that `login` kept.
    Kept(KeptSession),
    /// With user name and password, for this run alone.
    Password,
}

impl Way {
    pub(crate) fn choose(context: &Context) -> Result<Self, Error> {
        let settings = &context.settings;
        let typed = |secret: &Option<Sourced<SecretSource>>| {
            secret
                .as_ref()
                .is_some_and(|secret| matches!(secret.source, Source::Flag(_)))
        };
        let password_is_meant = typed(&settings.password) || typed(&settings.mfa);
        if let Some(key) = &settings.api_key
            && (matches!(key.source, Source::Flag(_)) || !password_is_meant)
        {
            return Ok(Self::ApiKey(key.clone()));
        }
        if !password_is_meant {
            let tenant = settings.tenant.as_ref().map(|tenant| tenant.value.as_str());
            let username = settings
                .username
                .as_ref()
                .map(|username| username.value.as_str());
            let manager = settings.address()?.to_string();
            if let Some(kept) = KeptSession::find(&manager, tenant, username)? {
                return Ok(Self::Kept(kept));
            }
        }
        Ok(Self::Password)
    }

    /// A kept session that is not accepted any more is not renewed behind the user's back.
    pub(crate) fn advise(&self, error: Error) -> Error {
        match self {
            Self::Kept(kept) if error.kind() == Kind::SignIn => Error::new(
                Kind::SignIn,
                format!(
                    "the kept session of {} at {} has expired: {error}",
                    kept.username, kept.manager
                ),
            )
            .http(error.http_status())
            .hint("run `swp-keys login` again, or `swp-keys logout` to forget it"),
            _ => error,
        }
    }
}

/// Signs in.
pub(crate) async fn by(context: &Context, way: &Way) -> Result<SignedIn, Error> {
    match way {
        Way::ApiKey(key) => {
            let credentials = api_key(context, key).await?;
            Ok(up(context).await?.with(credentials))
        }
        Way::Kept(kept) => {
            log::info!("using the kept session of {}", kept.username);
            Ok(up(context)
                .await?
                .with(Credentials::Session(kept.session())))
        }
        Way::Password => with_password(context).await.map(|(signed_in, _)| signed_in),
    }
}

/// Reads the key that the settings name.
pub(crate) async fn api_key(
    context: &Context,
    key: &Sourced<SecretSource>,
) -> Result<Credentials, Error> {
    let settings = &context.settings;
    let secret = secret_source::read(
        key,
        "API key",
        settings.allow_loose_permissions,
        &context.interrupt,
    )
    .await?;
    let header = key_header(context, &secret);
    Ok(Credentials::ApiKey { secret, header })
}

/// The header that a key goes into, by its looks unless the user says otherwise.
pub(crate) fn key_header(context: &Context, secret: &Secret) -> KeyHeader {
    match context.settings.api_key_scheme {
        ApiKeyScheme::Auto => KeyHeader::for_key(secret),
        ApiKeyScheme::ApiSecretKey => KeyHeader::ApiSecretKey,
        ApiKeyScheme::CloudOne => KeyHeader::CloudOne,
    }
}

/// Signs in with user name and password, and returns the user name too.
pub(crate) async fn with_password(context: &Context) -> Result<(SignedIn, String), Error> {
    let settings = &context.settings;
    // What can be found wrong without asking a person anything is found first.
    let manager = context.manager()?;
    let username = username(context).await?;
    let password = password(context, &username).await?;
    let manager = wait(context, manager).await?;
    // A code lives for seconds, so it is read last.
    let mut code = match &settings.mfa {
        None => None,
        Some(code) => Some(
            secret_source::read(
                code,
                "code",
                settings.allow_loose_permissions,
                &context.interrupt,
            )
            .await?,
        ),
    };
    let tenant = settings.tenant.as_ref().map(|tenant| tenant.value.as_str());
    let mut manager = manager;
    loop {
        let who = SignIn {
            username: &username,
            password: &password,
            tenant,
            mfa_code: code.as_ref(),
        };
        let (unused, error) = match attempt(context, manager, &who).await? {
            Ok(signed_in) => return Ok((signed_in, username)),
            Err(failed) => failed,
        };
        // The manager asks for a code that was not given: nothing that was refused is sent again, the code is added.
        let wants_code = matches!(
            error.cause(),
            Cause::SignInRefused {
                wants_code: true,
                locked: false
            }
        );
        if code.is_some() || !wants_code || context.prompt() == Prompt::Nobody {
            return Err(error.into());
        }
        manager = unused;
        code = Some(
            context
                .prompt()
                .visible(
                    "Code of the second factor: ",
                    CODE_FLAGS,
                    &context.interrupt,
                )
                .await?,
        );
    }
}

type Attempt = Result<SignedIn, (Manager, crate::manager::ManagerError)>;

/// One sign-in. A signal meanwhile leaves the run, but not a session on the manager that nobody knows of: its answer is waited for
/// as long as a farewell may take.
async fn attempt(context: &Context, manager: Manager, who: &SignIn<'_>) -> Result<Attempt, Error> {
    let mut signing_in = std::pin::pin!(manager.sign_in(who));
    tokio::select! {
        biased;
        attempt = &mut signing_in => Ok(attempt),
        signal = context.interrupt.first_signal() => {
            let budget = std::time::Duration::from_secs(3);
            if let Ok(Ok(signed_in)) = tokio::time::timeout(budget, signing_in).await {
                context.sign_out(&signed_in).await;
            }
            Err(Error::interrupted(signal))
        }
    }
}

const CODE_FLAGS: &str = "give it with `--mfa-code`, `--mfa-command` or SWP_MFA_CODE";

async fn username(context: &Context) -> Result<String, Error> {
    if let Some(username) = &context.settings.username {
        return Ok(username.value.clone());
    }
    let flags =
        "give it with `--username` or SWP_USERNAME, or sign in with an API key (`--api-key-file`)";
    let typed = context
        .prompt()
        .visible("User name: ", flags, &context.interrupt)
        .await?;
    Ok(typed.expose().to_owned())
}

async fn password(context: &Context, username: &str) -> Result<Secret, Error> {
    let settings = &context.settings;
    if let Some(password) = &settings.password {
        return secret_source::read(
            password,
            "password",
            settings.allow_loose_permissions,
            &context.interrupt,
        )
        .await;
    }
    let flags =
        "give it with `--password-file`, `--password-stdin`, `--password-command` or SWP_PASSWORD";
    let question = format!("Password of {}: ", crate::output::safe(username));
    context
        .prompt()
        .hidden(&question, flags, &context.interrupt)
        .await
}

/// The manager, once it is up.
pub(crate) async fn up(context: &Context) -> Result<Manager, Error> {
    let manager = context.manager()?;
    wait(context, manager).await
}

async fn wait(context: &Context, manager: Manager) -> Result<Manager, Error> {
    if let Some(duration) = context.settings.wait {
        context
            .interrupt
            .or(async { Ok(manager.wait_until_up(duration).await?) })
            .await?;
    }
    Ok(manager)
}
