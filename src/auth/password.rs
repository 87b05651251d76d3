//! Signing in with a user name and a password.

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
use crate::terminal::prompt::Prompt;

/// Signs in, as the user of this name if one is given, and returns the name too. `begin` is called while the answer is on its way,
/// once for each time that the password is sent and not refused at once.
pub(crate) async fn sign_in_as(
    username: Option<&str>,
    target: &Target,
    input: &LoginInput,
    context: &Context,
) -> Result<(SignedIn, String), Error> {
    // What can be found wrong without asking a person anything is found first.
    let code_at_hand = input::check_given(target)?;
    let (mut manager, meets) = reach(target, input, context).await?;
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
    admit(context, &guard).await?;
    if let (Some(given), Some(code)) = (&target.mfa, &code_at_hand) {
        guard.is_fresh(code).map_err(|spent| stale(given, &spent))?;
    }
    let password = match input.password() {
        Some(password) => password,
        None => input::password(&username, target, context).await?,
    };
    input.store(&username, &password);
    if !meets {
        manager = wait_until_up(target, manager, context).await?;
    }
    // A code lives for seconds, so it is read last.
    let code = match &target.mfa {
        None => None,
        Some(given) => Some(given_code(context, given, &guard).await?),
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

/// The manager, and whether it was waited for and met already: who is asked for a password is to know first who gets it.
async fn reach(
    target: &Target,
    input: &LoginInput,
    context: &Context,
) -> Result<(Manager, bool), Error> {
    let manager = target.manager(&context.output)?;
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

/// What is sent, however often.
struct PasswordSignIn<'a> {
    target: &'a Target,
    context: &'a Context,
    guard: LockoutGuard,
    username: String,
    password: Secret,
}

impl PasswordSignIn<'_> {
    /// Sends it until it is not refused for what a person can add, or for what passes.
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
            // Another run may have been refused while a person typed.
            admit(context, guard).await?;
            let (unused, error) = match self.send(manager, code.as_ref()).await? {
                Ok(signed_in) => return Ok(signed_in),
                Err(failed) => failed,
            };
            if *error.cause() == Cause::Untrusted
                && first_use::is_possible(target, context)?
                && first_use::trust_on_first_use(target, context).await?
            {
                manager = target.manager(&context.output)?;
                // It was not sent yet, and is now.
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
            // The manager asks for a code that was not given: nothing that was refused is sent again, the code is added.
            let lacks = lacks_code(&error, code.as_ref());
            if !lacks || context.prompt() == Prompt::Unavailable {
                return Err(self.explained(error));
            }
            manager = unused;
            code = Some(typed_code(context, guard).await?);
        }
    }

    /// Sends it once. A signal meanwhile leaves the run, but not a session on the manager that nobody knows of: its answer is waited
    /// for as long as a sign-out may take.
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

    /// The code for another sign-in after one that was refused for the limit of sessions. The manager may have used the first one up,
    /// so it is not sent again.
    ///
    /// # Errors
    /// Returns `error` if there is no way to another code.
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
        if context.prompt() == Prompt::Unavailable {
            let hint = "run it again with a new code: this one was sent and is good for one sign-in; or sign in with an API key \
                        (`--api-key-file`), which needs neither a code nor a session, or raise the number of concurrent sessions in \
                        the manager's console (Administration > System Settings > Security)";
            return Err(error.with_hint(hint).into());
        }
        typed_code(context, guard).await
    }

    /// The refusal, with the command that helps if no administrator can sign in.
    fn explained(&self, error: ManagerError) -> Error {
        let locked = *error.cause() == Cause::SignInRefused(SignInRefusal::Locked);
        let error = Error::from(error);
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

/// A name as a shell reads it.
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

/// Lets a run sign in, unless earlier ones were refused. A person is asked once whether to try all the same.
async fn admit(context: &Context, guard: &LockoutGuard) -> Result<(), Error> {
    let Err(paused) = guard.check() else {
        return Ok(());
    };
    let prompt = context.prompt();
    if prompt == Prompt::Unavailable {
        return Err(paused.into());
    }
    let question = format!(
        "{}; each refusal counts towards the lock-out.\nSign in now all the same?",
        crate::terminal::output::safe(&paused.to_string())
    );
    let flags = "give `--force-login` to sign in all the same";
    if !prompt.confirm(&question, flags, &context.signals).await? {
        return Err(paused.into());
    }
    guard.let_through();
    Ok(())
}

/// The code that a flag or a variable names, which is spent from now on.
async fn given_code(
    context: &Context,
    given: &Sourced<SecretSource>,
    guard: &LockoutGuard,
) -> Result<Secret, Error> {
    let loose = context.allow_loose_permissions;
    let code = secret_source::read(given, CredentialKind::MfaCode, loose, &context.signals).await?;
    guard
        .mark_code_used(&code)
        .map_err(|spent| stale(given, &spent))?;
    Ok(code)
}

fn stale(given: &Sourced<SecretSource>, spent: &CodeAlreadyUsed) -> Error {
    code_already_used(&format!("the code that {} names", given.source), spent)
}

/// A code that is typed, which is spent from now on. Whoever types can wait for the next one.
async fn typed_code(context: &Context, guard: &LockoutGuard) -> Result<Secret, Error> {
    const QUESTION: &str = "Code of the second factor: ";
    loop {
        let code = context
            .prompt()
            .visible(QUESTION, CODE_FLAGS, &context.signals)
            .await?;
        let code = input::typed(&code, CredentialKind::MfaCode)?;
        match guard.mark_code_used(&code) {
            Ok(()) => return Ok(code),
            Err(spent) => context.output.insist(&format!(
                "this code was sent already, at {}, and is good for one sign-in; wait for the next one",
                spent.when()
            )),
        }
    }
}

type Attempt = Result<SignedIn, (Manager, ManagerError)>;

/// Tells the guard what came of a sign-in. Of an answer that was lost it learns nothing.
fn remember(attempt: &Attempt, who: &SignIn<'_>, guard: &LockoutGuard) {
    let error = match attempt {
        Ok(_) => return guard.accepted(),
        Err((_, error)) => error,
    };
    match error.cause() {
        Cause::SignInRefused(refusal) if !lacks_code(error, who.mfa_code) => {
            guard.refused(*refusal);
        }
        // A manager that is starting has looked at nothing yet.
        Cause::Unavailable { .. } if error.http_status() != Some(503) => {}
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

/// Whether all that is wrong is that no code was given.
fn lacks_code(error: &ManagerError, code: Option<&Secret>) -> bool {
    code.is_none() && *error.cause() == Cause::SignInRefused(SignInRefusal::Code)
}

const CODE_FLAGS: &str = "give it with `--mfa-code`, `--mfa-command` or SWP_MFA_CODE";
