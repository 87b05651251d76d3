//! From the settings to a signed-in manager: an existing key, what `login` kept, or a password, in this order.
//!
//! A password or code on the command line is meant, so it wins over what is kept and over a key in the environment. A profile says what
//! is usual, so its key comes after what is kept, and after a password in the environment.

use std::convert::Infallible;

use crate::cli::ApiKeyScheme;
use crate::context::Context;
use crate::credential_check::CredentialKind;
use crate::error::{Error, Kind};
use crate::first_use;
use crate::kept::{Kept, Wanted, What, shadowed};
use crate::lockout::{self, Guard, Spent};
use crate::manager::{Cause, Credentials, KeyHeader, Manager, ManagerError, SignIn, SignedIn};
use crate::prompt::Prompt;
use crate::secret::Secret;
use crate::secret_source;
use crate::settings::{SecretSource, Sourced};

/// How to sign in.
pub(crate) enum Way {
    /// With an existing key.
    ApiKey(Sourced<SecretSource>),
    /// With what `login` kept.
    Kept(Kept),
    /// With user name and password, for this run alone.
    Password,
}

impl Way {
    pub(crate) fn choose(context: &Context) -> Result<Self, Error> {
        let settings = &context.settings;
        let typed = |secret: &Option<Sourced<SecretSource>>| {
            (secret.as_ref()).is_some_and(|secret| secret.source.is_flag())
        };
        let password_is_meant = typed(&settings.password) || typed(&settings.mfa);
        let wanted = Wanted::by(settings)?;
        match &settings.api_key {
            Some(key) if key.source.is_flag() => return Ok(Self::ApiKey(key.clone())),
            _ if password_is_meant => return Ok(Self::Password),
            Some(key) if key.source.is_variable() => {
                if let Ok(Some(kept)) = Kept::find(&wanted) {
                    context.output.note(&shadowed(&key.source, &kept.what));
                }
                return Ok(Self::ApiKey(key.clone()));
            }
            _ => {}
        }
        if let Some(kept) = Kept::find(&wanted)? {
            if let Some(password) = &settings.password {
                log::info!("{} is not used: {} was kept", password.source, kept.what);
            }
            return Ok(Self::Kept(kept));
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

    /// What was kept and is not accepted any more is not renewed behind the user's back.
    pub(crate) fn advise(&self, error: Error) -> Error {
        let Self::Kept(kept) = self else {
            return error;
        };
        if error.kind() != Kind::SignIn {
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
            Kind::SignIn,
            format!("{what} at {manager} {problem}: {error}"),
        )
        .http(error.http_status())
        .hint(hint)
    }
}

/// Signs in. `begin` is called where a request for a session is on its way, and not where the first request is the work itself.
pub(crate) async fn by(context: &Context, way: &Way, begin: &dyn Fn()) -> Result<SignedIn, Error> {
    match way {
        Way::ApiKey(key) => {
            let credentials = api_key(context, key).await?;
            Ok(up(context).await?.with(credentials))
        }
        Way::Kept(kept) => {
            log::info!("using {} that was kept", kept.what);
            let credentials = match &kept.what {
                What::Session { session, .. } => Credentials::Session(session.clone()),
                What::Key { secret, header, .. } => Credentials::ApiKey {
                    secret: secret.clone(),
                    header: scheme(context).unwrap_or(*header),
                },
            };
            Ok(up(context).await?.with(credentials))
        }
        Way::Password => {
            let (signed_in, _) = with_password(context, begin).await?;
            Ok(signed_in)
        }
    }
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
        &context.interrupt,
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

/// Signs in with user name and password, and returns the user name too. `begin` is called while the answer to them is on its way,
/// once for each time that they are sent and not refused at once.
pub(crate) async fn with_password(
    context: &Context,
    begin: &dyn Fn(),
) -> Result<(SignedIn, String), Error> {
    let settings = &context.settings;
    // What can be found wrong without asking a person anything is found first.
    let code_at_hand = check_given(context)?;
    let mut manager = context.manager()?;
    // Who is asked for a password is to know first who gets it.
    let meets = settings.password.is_none() && first_use::is_possible(context)?;
    if meets {
        manager = up(context).await?;
    } else if settings.password.is_none() && context.held().password.is_none() {
        first_use::check_before_asking(context).await?;
    }
    let held = context.held();
    let username = match held.username {
        Some(username) => username,
        None => username(context).await?,
    };
    let tenant = settings.tenant.as_ref().map(|tenant| tenant.value.as_str());
    let address = settings.address()?.to_string();
    let guard = Guard::new(&address, tenant, &username, settings.force_login);
    guard.admit()?;
    if let (Some(given), Some(code)) = (&settings.mfa, &code_at_hand) {
        guard.is_fresh(code).map_err(|spent| stale(given, &spent))?;
    }
    let password = match held.password {
        Some(password) => password,
        None => password(context, &username).await?,
    };
    context.note_held(|held| {
        held.username = Some(username.clone());
        held.password = Some(password.clone());
    });
    if !meets {
        manager = wait(context, manager).await?;
    }
    // A code lives for seconds, so it is read last.
    let mut code = match &settings.mfa {
        None => None,
        Some(given) => Some(given_code(context, given, &guard).await?),
    };
    loop {
        let who = SignIn {
            username: &username,
            password: &password,
            tenant,
            mfa_code: code.as_ref(),
        };
        // Another run may have been refused while a person typed.
        guard.admit()?;
        let attempt = attempt(context, manager, &who, &guard);
        // The connection is on its way first, and where it fails at once, and is not tried again, nothing is begun.
        let begun = async {
            tokio::task::yield_now().await;
            begin();
            std::future::pending::<Infallible>().await
        };
        let attempt = tokio::select! {
            biased;
            attempt = attempt => attempt?,
            never = begun => match never {},
        };
        let (unused, error) = match attempt {
            Ok(signed_in) => return Ok((signed_in, username)),
            Err(failed) => failed,
        };
        if *error.cause() == Cause::Untrusted
            && first_use::is_possible(context)?
            && first_use::meet(context).await?
        {
            manager = context.manager()?;
            // It was not sent yet, and is now.
            if let Some(code) = &code {
                guard
                    .spend(code)
                    .map_err(|spent| lockout::spent_code("the code", &spent))?;
            }
            continue;
        }
        // The manager asks for a code that was not given: nothing that was refused is sent again, the code is added.
        if !lacks_code(&error, &who) || context.prompt() == Prompt::Nobody {
            return Err(error.into());
        }
        manager = unused;
        code = Some(typed_code(context, &guard).await?);
    }
}

/// Checks what flags, variables and the profile hold themselves, and returns the code if it is one of those.
fn check_given(context: &Context) -> Result<Option<Secret>, Error> {
    let settings = &context.settings;
    for (kind, name) in [
        (CredentialKind::Username, &settings.username),
        (CredentialKind::Tenant, &settings.tenant),
    ] {
        if let Some(Sourced { value, source }) = name {
            let wrong = kind.check(value);
            wrong.map_err(|defect| defect.error(&format!("the {kind} in {source}"), kind))?;
        }
    }
    let held = |secret: &Option<Sourced<SecretSource>>, kind| match secret {
        Some(Sourced {
            value: SecretSource::Value(secret),
            source,
        }) => secret_source::value(secret, source, kind).map(Some),
        _ => Ok(None),
    };
    held(&settings.password, CredentialKind::Password)?;
    held(&settings.mfa, CredentialKind::MfaCode)
}

/// What a person typed, checked as anything else.
fn typed(secret: &Secret, kind: CredentialKind) -> Result<Secret, Error> {
    (kind.checked(secret))
        .map_err(|defect| defect.error(&format!("the {kind} that was typed"), kind))
}

/// The code that a flag or a variable names, which is spent from now on.
async fn given_code(
    context: &Context,
    given: &Sourced<SecretSource>,
    guard: &Guard,
) -> Result<Secret, Error> {
    let loose = context.settings.allow_loose_permissions;
    let code =
        secret_source::read(given, CredentialKind::MfaCode, loose, &context.interrupt).await?;
    guard.spend(&code).map_err(|spent| stale(given, &spent))?;
    Ok(code)
}

fn stale(given: &Sourced<SecretSource>, spent: &Spent) -> Error {
    lockout::spent_code(&format!("the code that {} names", given.source), spent)
}

/// A code that is typed, which is spent from now on. Whoever types can wait for the next one.
async fn typed_code(context: &Context, guard: &Guard) -> Result<Secret, Error> {
    const QUESTION: &str = "Code of the second factor: ";
    loop {
        let code = context
            .prompt()
            .visible(QUESTION, CODE_FLAGS, &context.interrupt)
            .await?;
        let code = typed(&code, CredentialKind::MfaCode)?;
        match guard.spend(&code) {
            Ok(()) => return Ok(code),
            Err(spent) => context.output.insist(&format!(
                "this code was sent already, at {}, and is good for one sign-in; wait for the next one",
                spent.when()
            )),
        }
    }
}

type Attempt = Result<SignedIn, (Manager, ManagerError)>;

/// One sign-in. A signal meanwhile leaves the run, but not a session on the manager that nobody knows of: its answer is waited for
/// as long as a farewell may take.
async fn attempt(
    context: &Context,
    manager: Manager,
    who: &SignIn<'_>,
    guard: &Guard,
) -> Result<Attempt, Error> {
    let mut signing_in = std::pin::pin!(async {
        let attempt = manager.sign_in(who).await;
        remember(&attempt, who, guard);
        attempt
    });
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

/// Tells the guard what came of a sign-in. Of an answer that was lost it learns nothing.
fn remember(attempt: &Attempt, who: &SignIn<'_>, guard: &Guard) {
    let error = match attempt {
        Ok(_) => return guard.accepted(),
        Err((_, error)) => error,
    };
    match error.cause() {
        Cause::SignInRefused { .. } if !lacks_code(error, who) => guard.refused(),
        // A manager that is starting has looked at nothing yet.
        Cause::Unavailable { .. } if error.http_status() != Some(503) => {}
        Cause::Refused
        | Cause::Unreachable
        | Cause::Untrusted
        | Cause::Unusable
        | Cause::RateLimited { .. }
        | Cause::Unavailable { .. } => {
            if let Some(code) = who.mfa_code {
                guard.was_not_sent(code);
            }
        }
        _ => {}
    }
}

/// Whether all that is wrong is that no code was given.
fn lacks_code(error: &ManagerError, who: &SignIn<'_>) -> bool {
    let wanted = matches!(
        error.cause(),
        Cause::SignInRefused {
            wants_code: true,
            locked: false
        }
    );
    wanted && who.mfa_code.is_none()
}

const CODE_FLAGS: &str = "give it with `--mfa-code`, `--mfa-command` or SWP_MFA_CODE";

async fn username(context: &Context) -> Result<String, Error> {
    if let Some(username) = &context.settings.username {
        return Ok(username.value.clone());
    }
    let flags =
        "give it with `--username` or SWP_USERNAME, or sign in with an API key (`--api-key-file`)";
    let name = context
        .prompt()
        .visible("User name: ", flags, &context.interrupt)
        .await?;
    let name = typed(&name, CredentialKind::Username)?;
    Ok(name.expose().to_owned())
}

async fn password(context: &Context, username: &str) -> Result<Secret, Error> {
    let settings = &context.settings;
    if let Some(password) = &settings.password {
        return secret_source::read(
            password,
            CredentialKind::Password,
            settings.allow_loose_permissions,
            &context.interrupt,
        )
        .await;
    }
    let flags =
        "give it with `--password-file`, `--password-stdin`, `--password-command` or SWP_PASSWORD";
    let question = format!("Password of {}: ", crate::output::safe(username));
    let password = context
        .prompt()
        .hidden(&question, flags, &context.interrupt)
        .await?;
    typed(&password, CredentialKind::Password)
}

/// The manager, once it is up and, where nobody vouches for it, a person does.
pub(crate) async fn up(context: &Context) -> Result<Manager, Error> {
    let manager = wait(context, context.manager()?).await?;
    if first_use::is_possible(context)? && first_use::meet(context).await? {
        return context.manager();
    }
    Ok(manager)
}

async fn wait(context: &Context, manager: Manager) -> Result<Manager, Error> {
    let Some(duration) = context.settings.wait else {
        return Ok(manager);
    };
    let waiting = async { Ok(manager.wait_until_up(duration).await?) };
    match context.interrupt.or(waiting).await {
        // It is up, and waiting longer makes it no more trusted.
        Err(error)
            if error.kind() == Kind::Trust
                && first_use::is_possible(context)?
                && first_use::meet(context).await? =>
        {
            context.manager()
        }
        result => result.map(|()| manager),
    }
}
