//! Signing in and out (manager-api.md, sections 3 and 4).

use std::cell::RefCell;
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::manager::error::{Cause, ManagerError};
use crate::manager::http::credentials::{Credentials, SESSION_COOKIE, Session};
use crate::manager::http::response::{ApiResponse, cookies};
use crate::manager::http::retry::RetryPolicy;
use crate::manager::http::transport::{ApiRequest, Transport};
use crate::manager::{Manager, SignedIn};
use crate::secret::Secret;

/// Who signs in.
pub(crate) struct SignIn<'a> {
    /// The administrator.
    pub username: &'a str,
    /// The password.
    pub password: &'a Secret,
    /// The tenant; none for the primary one.
    pub tenant: Option<&'a str>,
    /// The current code of the second factor.
    pub mfa_code: Option<&'a Secret>,
    /// Whether a session that begins with an answer that cannot be used may be left on the manager.
    pub no_sign_out: bool,
}

/// The body of `POST /api/sessions`. The code is a string: its type is unknown, and a number would lose leading zeros (section 3).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignInRequest<'a> {
    user_name: &'a str,
    password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_code: Option<&'a str>,
}

/// What of its answer is needed.
#[derive(Deserialize)]
struct SessionResponse {
    #[serde(rename = "RID")]
    request_id: Option<Secret>,
}

/// How long ending a session may take: nobody waits for a farewell (manager-api.md, section 4).
const SIGN_OUT_BUDGET: Duration = Duration::from_secs(3);

impl Manager {
    /// Signs in, once: a refused password or code counts towards the lock-out, so it is never sent again.
    ///
    /// # Errors
    /// Where the manager refuses, or its answer lacks the cookie `sID` or the `RID`.
    pub(crate) async fn sign_in(self, who: &SignIn<'_>) -> Result<SignedIn, (Self, ManagerError)> {
        match self.session(who).await {
            Ok(session) => Ok(self.with(Credentials::Session(session))),
            Err(error) => Err((self, error)),
        }
    }

    async fn session(&self, who: &SignIn<'_>) -> Result<Session, ManagerError> {
        let mut request = ApiRequest::new(
            "signing in",
            Method::POST,
            "/api/sessions",
            RetryPolicy::SignIn,
        );
        request.secrets = [Some(who.password), who.mfa_code]
            .into_iter()
            .flatten()
            .collect();
        let mut request = request.json(&SignInRequest {
            user_name: who.username,
            password: who.password.expose(),
            tenant_name: who.tenant,
            mfa_code: who.mfa_code.map(Secret::expose),
        });
        let headers = RefCell::default();
        request.headers = Some(&headers);
        let result = self.transport.send(request).await;
        let result = result.and_then(|answer| session_of(&answer));
        if result.is_err() && !who.no_sign_out {
            self.end_unused(&headers.take()).await;
        }
        result
    }

    /// Ends the session that began with an answer that cannot be used: nothing else would, and an account may have few at once.
    async fn end_unused(&self, headers: &HeaderMap) {
        let session = Session {
            cookies: cookies(headers),
            request_id: Secret::new(String::new()),
        };
        if session.ids().is_empty() || !session.is_sendable() {
            return;
        }
        let ended = end_session(&self.transport, &Credentials::Session(session)).await;
        match ended {
            Ok(()) => log::info!("the session that began was ended on the manager"),
            Err(error) => {
                log::info!("the session that began was not ended on the manager: {error}")
            }
        }
    }
}

/// The session that the answer to a sign-in holds.
///
/// # Errors
/// Where it holds none, or one that cannot be sent.
pub(crate) fn session_of(answer: &ApiResponse) -> Result<Session, ManagerError> {
    let body: SessionResponse = answer.json()?;
    let cookies = cookies(&answer.headers);
    let has_cookie = cookies.iter().any(|(name, _)| name == SESSION_COOKIE);
    let request_id = body.request_id.filter(|id| !id.is_empty());
    let missing = match (has_cookie, &request_id) {
        (true, Some(_)) => None,
        (false, Some(_)) => Some("the cookie `sID`"),
        (true, None) => Some("`RID` in its body"),
        (false, None) => Some("the cookie `sID`, and `RID` in its body"),
    };
    let (None, Some(request_id)) = (missing, request_id) else {
        let reason = format!("the manager's answer lacks {}", missing.unwrap_or_default());
        return Err(answer.unreadable(
            reason,
            Some("a session needs both; is there a proxy that removes cookies?".into()),
        ));
    };
    let session = Session {
        cookies,
        request_id,
    };
    if !session.is_sendable() {
        let reason =
            "the manager's answer holds a session that cannot be sent in a header".to_owned();
        return Err(answer.unreadable(reason, None));
    }
    Ok(session)
}

impl SignedIn {
    /// Ends the session on the manager. Best effort: any success will do, and it takes three seconds at most.
    ///
    /// # Errors
    /// Returns an error if no answer came or it was not a success; worth a note, never a failed run.
    pub(crate) async fn sign_out(&self) -> Result<(), ManagerError> {
        end_session(&self.transport, self.credentials()).await
    }
}

/// Ends a session with `DELETE /api/sessions/current`, which keeps its ID out of addresses and so out of the logs of proxies. If the
/// manager refuses that, with `DELETE /rest/authentication/logout?sID=`.
///
/// The first call is used by a public client and not documented; the second one is documented, but not for sessions of
/// `/api/sessions`. A manager may know one of them, both, or none.
async fn end_session(transport: &Transport, credentials: &Credentials) -> Result<(), ManagerError> {
    let Credentials::Session(session) = credentials else {
        return Ok(());
    };
    let begun = Instant::now();
    let end = async |path: &str, id: Option<&Secret>| {
        let request = ApiRequest::new(
            "ending the session",
            Method::DELETE,
            path,
            RetryPolicy::Never,
        );
        let mut request = request.signed(credentials);
        request.query = id.map(|id| (SESSION_COOKIE, id));
        request.timeout = Some(SIGN_OUT_BUDGET.saturating_sub(begun.elapsed()));
        transport.send(request).await
    };
    let answer = end("/api/sessions/current", None).await;
    // A page for a browser is the answer of something that does not know the call.
    let refusal = match answer.map(|answer| answer.is_the_managers()) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(page)) => page,
        Err(error) if refuses(error.cause()) => error,
        Err(error) => return Err(error),
    };
    log::debug!("{refusal}; trying the legacy call");
    let mut result = Err(refusal);
    for id in session.ids() {
        if begun.elapsed() >= SIGN_OUT_BUDGET {
            break;
        }
        let answer = end("/rest/authentication/logout", Some(&id)).await;
        result = result.or(answer.map(|_| ()));
    }
    result
}

/// Whether an answer means that the call was not done, and that another one may be. A session that a rate limit keeps alive would
/// count towards the limit of sessions, so that is one too.
fn refuses(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::Unauthorized
            | Cause::Forbidden
            | Cause::NotFound
            | Cause::Rejected(_)
            | Cause::Redirected { .. }
            | Cause::RateLimited { .. }
    )
}
