//! Sign-in with a user name and a password.

use super::connect::{connect, sign_out, wait_until_up};
use super::first_use;
use super::input;
use super::lockout::{CodeAlreadyUsed, LockoutGuard, code_already_used};
use super::login_input::LoginInput;
use super::secret_source;
use super::session_limit::SessionLimit;
use crate::config::credential_check::CredentialKind;
use crate::config::{SecretSource, Sourced};
use crate::context::Context;
use crate::error::Error;
use crate::manager::{Cause, Manager, ManagerError, SignIn, SignInRefusal, SignedIn};
use crate::secret::Secret;
use crate::target::Target;

/// Signs in, and returns the client and the user name. If `username` is `None`, the configured or typed user name is used.
///
/// # Errors
/// Returns a usage error if a credential cannot be read, or a sign-in error if the manager rejects it.
pub(crate) async fn sign_in_as(
    username: Option<&str>,
    target: &Target,
    input: &LoginInput,
    context: &Context,
) -> Result<(SignedIn, String), Error> {
    // Configured credentials are validated before the user is prompted for the missing ones.
    let code_at_hand = input::check_given(target)?;
    let (mut manager, is_verified) = client(target, input, context).await?;
    let username = match username.map(str::to_owned).or_else(|| input.username()) {
        Some(username) => username,
        None => input::username(target, context).await?,
    };
    let address = target.address.to_string();
    let guard = LockoutGuard::new(
        &address,
        target.tenant_name(),
        &username,
        target.force_login,
    );
    // The user expects the password prompt, and may already be typing the password. So no prompt that shows its input may come before the password
    // prompt.
    let asks_for_password =
        target.password.is_none() && input.password().is_none() && context.prompt().is_available();
    if !asks_for_password {
        check_guard(context, &guard).await?;
    }
    if let (Some(given), Some(code)) = (&target.mfa, &code_at_hand) {
        guard
            .is_fresh(code)
            .map_err(|spent| already_used(given, &spent))?;
    }
    let password = match input.password() {
        Some(password) => password,
        None => input::password(&username, target, context).await?,
    };
    if asks_for_password {
        check_guard(context, &guard).await?;
    }
    input.store(&username, &password);
    if !is_verified {
        manager = wait_until_up(target, manager, context).await?;
    }
    // The MFA code is read last, because it is valid only for seconds.
    let code = match &target.mfa {
        None => None,
        Some(given) => Some(configured_code(context, given, &guard).await?),
    };
    let login = PasswordSignIn {
        target,
        context,
        guard,
        username,
        password,
    };
    let signed_in = login.sign_in(manager, code).await?;
    Ok((signed_in, login.username))
}

/// Returns a client for the manager. If the user will type the password, the manager's certificate is checked first, so that the user knows which
/// manager will receive the password. The boolean is true if this function also waited until the manager responded.
async fn client(
    target: &Target,
    input: &LoginInput,
    context: &Context,
) -> Result<(Manager, bool), Error> {
    let manager = target.manager(context)?;
    if target.password.is_some() {
        return Ok((manager, false));
    }
    if first_use::is_possible(target, context)? {
        return Ok((connect(target, context).await?, true));
    }
    if input.password().is_none() {
        first_use::check_before_asking(target, context).await?;
    }
    Ok((manager, false))
}

/// A sign-in with a user name and a password. It may take several requests.
struct PasswordSignIn<'a> {
    target: &'a Target,
    context: &'a Context,
    guard: LockoutGuard,
    username: String,
    password: Secret,
}

impl PasswordSignIn<'_> {
    /// Signs in. If the manager reports a missing MFA code, repeats the request with an MFA code that the user types. If the account has too many
    /// open sessions, waits and repeats the request.
    async fn sign_in(
        &self,
        mut manager: Manager,
        mut code: Option<Secret>,
    ) -> Result<SignedIn, Error> {
        let Self {
            target,
            context,
            guard,
            ..
        } = self;
        let mut limit = SessionLimit::default();
        loop {
            // The lockout guard is checked before each request, because sign-ins of concurrent runs may have been rejected while the user was typing.
            check_guard(context, guard).await?;
            let (unused, error) = match self.send(manager, code.as_ref()).await? {
                Ok(signed_in) => return Ok(signed_in),
                Err(failed) => failed,
            };
            if *error.cause() == Cause::Untrusted
                && first_use::is_possible(target, context)?
                && first_use::trust_on_first_use(target, context).await?
            {
                manager = target.manager(context)?;
                // The MFA code was not sent, because the TLS handshake failed. So `remember` deleted the MFA code from the sign-in record. The MFA
                // code is recorded again here, because the next request sends it.
                if let Some(code) = &code {
                    (guard.mark_code_used(code))
                        .map_err(|spent| code_already_used("the code", &spent))?;
                }
                continue;
            }
            if *error.cause() == Cause::TooManySessions {
                manager = unused;
                limit.pause(&error, target, context).await?;
                if code.is_some() {
                    code = Some(self.next_code(&mut limit, error).await?);
                }
                continue;
            }
            // The request is repeated only if the manager rejected it because the MFA code was missing. This rejection does not mean that the user
            // name or the password is wrong.
            let needs_code = needs_code(&error, code.as_ref());
            if !needs_code || !context.prompt().is_available() {
                return Err(self.failed(error));
            }
            manager = unused;
            code = Some(typed_code(context, guard).await?);
        }
    }

    /// Sends one sign-in request with the credentials.
    async fn send(&self, manager: Manager, code: Option<&Secret>) -> Result<Attempt, Error> {
        let who = SignIn {
            username: &self.username,
            password: &self.password,
            tenant: self.target.tenant_name(),
            mfa_code: code,
            no_sign_out: self.target.no_sign_out,
        };
        self.attempt(manager, &who).await
    }

    /// Sends the request. If a first signal arrives, waits up to three more seconds for the response. If the response contains a session, this
    /// function signs out of that session.
    async fn attempt(&self, manager: Manager, who: &SignIn<'_>) -> Result<Attempt, Error> {
        let Self {
            target, context, ..
        } = self;
        let mut signing_in = std::pin::pin!(async {
            let attempt = manager.sign_in(who).await;
            remember(&attempt, who, &self.guard);
            attempt
        });
        tokio::select! {
            biased;
            attempt = &mut signing_in => Ok(attempt),
            signal = context.signals.first_signal() => {
                let budget = std::time::Duration::from_secs(3);
                if let Ok(Ok(signed_in)) = tokio::time::timeout(budget, signing_in).await {
                    sign_out(target, &signed_in, context).await;
                }
                Err(Error::interrupted(signal))
            }
        }
    }

    /// Returns a new MFA code for the next attempt, after a sign-in failed because the account has too many open sessions. A new MFA code is
    /// necessary, because the manager may accept the previous one only once.
    ///
    /// # Errors
    /// Returns `error` if no new MFA code is available.
    async fn next_code(
        &self,
        limit: &mut SessionLimit,
        error: ManagerError,
    ) -> Result<Secret, Error> {
        let Self {
            target,
            context,
            guard,
            ..
        } = self;
        if let Some(given) = &target.mfa
            && matches!(given.value, SecretSource::Command(_))
        {
            let loose = context.allow_loose_permissions;
            loop {
                let code =
                    secret_source::read(given, CredentialKind::MfaCode, loose, &context.signals)
                        .await?;
                if guard.mark_code_used(&code).is_ok() {
                    return Ok(code);
                }
                limit.pause(&error, target, context).await?;
            }
        }
        if !context.prompt().is_available() {
            let hint = "run the command again with a new code, sign in with an API key (`--api-key-file`), or raise the session limit in the manager's console (Administration > System Settings > Security)";
            return Err(error.with_hint(hint).into());
        }
        typed_code(context, guard).await
    }

    /// Returns the error of a failed sign-in. If the account is locked, the hint contains the command that unlocks it on the manager's host.
    fn failed(&self, error: ManagerError) -> Error {
        let locked = *error.cause() == Cause::SignInRefused(SignInRefusal::Locked);
        // The manager may have received the request and counted a rejected sign-in. So a script must not repeat the sign-in.
        let is_uncertain = match error.cause() {
            Cause::TimedOut | Cause::Reset => true,
            Cause::Unavailable { .. } => is_from_gateway(&error),
            _ => false,
        };
        let mut error = Error::from(error);
        if is_uncertain {
            error = error.not_retryable();
        }
        if !locked || self.target.address.is_hosted() {
            return error;
        }
        let hint = error.next_step().unwrap_or_default();
        let hint = format!(
            "{hint}; if no administrator can sign in, run `dsm_c -action unlockout -username {}` on the manager's host",
            shell_word(&self.username)
        );
        error.hint(hint)
    }
}

/// Returns the user name, quoted for a shell if necessary.
fn shell_word(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@\\".contains(&byte);
    if name.bytes().all(plain) && !name.contains('\\') {
        return name.to_owned();
    }
    format!(
        "'{}'",
        crate::terminal::output::safe(name).replace('\'', r"'\''")
    )
}

/// Checks that the lockout guard has not paused sign-ins. If sign-ins are paused, asks the user on the terminal whether to sign in anyway.
///
/// # Errors
/// Returns an error if sign-ins are paused, and the user declines or there is no terminal. The error contains the reason and the end of the pause.
async fn check_guard(context: &Context, guard: &LockoutGuard) -> Result<(), Error> {
    let Err(paused) = guard.check() else {
        return Ok(());
    };
    let prompt = context.prompt();
    if !prompt.is_available() {
        return Err(paused.into());
    }
    let question = format!(
        "{}. Each rejected sign-in counts towards the account lockout.\nSign in anyway?",
        crate::terminal::output::safe(&paused.to_string())
    );
    let flags = "add `--force-login` to sign in anyway";
    if !prompt.confirm(&question, flags, &context.signals).await? {
        return Err(paused.into());
    }
    guard.allow();
    Ok(())
}

/// Reads the configured MFA code, and records it as used.
///
/// # Errors
/// Returns a usage error if the MFA code cannot be read, or a sign-in error if an earlier request already sent it.
async fn configured_code(
    context: &Context,
    given: &Sourced<SecretSource>,
    guard: &LockoutGuard,
) -> Result<Secret, Error> {
    let loose = context.allow_loose_permissions;
    let code = secret_source::read(given, CredentialKind::MfaCode, loose, &context.signals).await?;
    guard
        .mark_code_used(&code)
        .map_err(|spent| already_used(given, &spent))?;
    Ok(code)
}

fn already_used(given: &Sourced<SecretSource>, spent: &CodeAlreadyUsed) -> Error {
    code_already_used(&format!("the MFA code from {}", given.source), spent)
}

/// Prompts until the user types an MFA code that was not sent before. Records this MFA code as used.
///
/// # Errors
/// Returns a usage error if there is no terminal to prompt on.
async fn typed_code(context: &Context, guard: &LockoutGuard) -> Result<Secret, Error> {
    const QUESTION: &str = "MFA code: ";
    loop {
        let code = context
            .prompt()
            .visible(QUESTION, CODE_FLAGS, &context.signals)
            .await?;
        let code = input::typed(&code, CredentialKind::MfaCode)?;
        match guard.mark_code_used(&code) {
            Ok(()) => return Ok(code),
            Err(spent) => context.output.insist(&format!(
                "this code was already sent at {}, and each code works only once; wait for the next code",
                spent.when()
            )),
        }
    }
}

/// The result of one sign-in request. The error variant also contains the client, so that the next attempt can use it.
type Attempt = Result<SignedIn, (Manager, ManagerError)>;

/// Records the result of a sign-in request in the lockout guard. If the response was lost, nothing is recorded.
fn remember(attempt: &Attempt, who: &SignIn<'_>, guard: &LockoutGuard) {
    let error = match attempt {
        Ok(_) => return guard.accepted(),
        Err((_, error)) => error,
    };
    match error.cause() {
        Cause::SignInRefused(refusal) if !needs_code(error, who.mfa_code) => {
            guard.refused(*refusal);
        }
        // The manager may have received the MFA code, so the MFA code stays recorded as used.
        Cause::Unavailable { .. } if is_from_gateway(error) => {}
        Cause::ConnectionRefused
        | Cause::Unreachable
        | Cause::ProxyRefused
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

/// Returns true if a gateway may have forwarded the request to the manager. A gateway that responds with the status 503 has not forwarded the
/// request.
fn is_from_gateway(error: &ManagerError) -> bool {
    error.http_status() != Some(503)
}

/// Returns true if the manager rejected the sign-in only because the MFA code was missing.
fn needs_code(error: &ManagerError, code: Option<&Secret>) -> bool {
    code.is_none() && *error.cause() == Cause::SignInRefused(SignInRefusal::Code)
}

const CODE_FLAGS: &str = "pass the MFA code with `--mfa-code`, `--mfa-command` or SWP_MFA_CODE";
