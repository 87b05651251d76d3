//! Sign-in and sign-out (docs/manager-api.md, "Sign-in" and "Sign-out").

use std::cell::RefCell;
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::manager::client::{Manager, SignedIn};
use crate::manager::error::{Cause, ManagerError};
use crate::manager::http::credentials::{Credentials, SESSION_COOKIE, Session};
use crate::manager::http::request::ApiRequest;
use crate::manager::http::response::{ApiResponse, cookies};
use crate::manager::http::retry::RetryPolicy;
use crate::manager::http::transport::Transport;
use crate::secret::Secret;

/// The credentials for a sign-in with a password.
pub(crate) struct SignIn<'a> {
    /// The user name of the administrator.
    pub username: &'a str,
    /// The password.
    pub password: &'a Secret,
    /// The tenant. `None` for the primary tenant.
    pub tenant: Option<&'a str>,
    /// The current MFA code.
    pub mfa_code: Option<&'a Secret>,
    /// If true, no sign-out is sent after an unusable response to the sign-in.
    pub no_sign_out: bool,
}

/// The body of `POST /api/sessions`. It is unknown which JSON type the manager expects for the MFA code (docs/manager-api.md, "Sign-in"). The code is
/// sent as a string, because a number would lose leading zeros.
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

/// The response to `POST /api/sessions`.
#[derive(Deserialize)]
struct SessionResponse {
    #[serde(rename = "RID")]
    request_id: Option<Secret>,
}

/// The time limit for a sign-out. It is short, so that a sign-out does not delay the end of a run.
const SIGN_OUT_TIME: Duration = Duration::from_secs(3);

impl Manager {
    /// Signs in. The request is never repeated, because a rejected password or MFA code counts towards the lockout.
    ///
    /// # Errors
    /// Returns an error if the manager rejects the sign-in, or if its response lacks the `sID` cookie or the `RID`.
    pub(crate) async fn sign_in(
        self,
        sign_in: &SignIn<'_>,
    ) -> Result<SignedIn, (Self, ManagerError)> {
        match self.session(sign_in).await {
            Ok(session) => Ok(self.with(Credentials::Session(session))),
            Err(error) => Err((self, error)),
        }
    }

    async fn session(&self, sign_in: &SignIn<'_>) -> Result<Session, ManagerError> {
        let mut request = ApiRequest::new(
            "sign in",
            Method::POST,
            "/api/sessions",
            RetryPolicy::SignIn,
        );
        request.secrets = [Some(sign_in.password), sign_in.mfa_code]
            .into_iter()
            .flatten()
            .collect();
        let mut request = request.json(&SignInRequest {
            user_name: sign_in.username,
            password: sign_in.password.expose(),
            tenant_name: sign_in.tenant,
            mfa_code: sign_in.mfa_code.map(Secret::expose),
        });
        let headers = RefCell::default();
        request.headers = Some(&headers);
        let result = self.transport.send(&request).await;
        let result = result.and_then(|response| session_of(&response));
        if result.is_err() && !sign_in.no_sign_out {
            self.end_unused(&headers.take()).await;
        }
        result
    }

    /// Signs out of the new session after an unusable response to the sign-in. The open session would count towards the account's session limit.
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
            Ok(()) => log::info!(
                "signed out of the new session, because the response to the sign-in was not usable"
            ),
            Err(error) => {
                log::info!(
                    "could not sign out of the new session (the response to the sign-in was not usable): {error}"
                )
            }
        }
    }
}

/// Returns the session in the response to a sign-in.
///
/// # Errors
/// Returns an error if the response lacks a part of the session, or if the session cannot be sent in a header.
pub(crate) fn session_of(response: &ApiResponse) -> Result<Session, ManagerError> {
    let body: SessionResponse = response.json()?;
    let cookies = cookies(&response.headers);
    let has_cookie = cookies.iter().any(|(name, _)| name == SESSION_COOKIE);
    let request_id = body.request_id.filter(|id| !id.is_empty());
    let missing = match (has_cookie, &request_id) {
        (true, Some(_)) => None,
        (false, Some(_)) => Some("the `sID` cookie"),
        (true, None) => Some("the field `RID`"),
        (false, None) => Some("the `sID` cookie and the field `RID`"),
    };
    let (None, Some(request_id)) = (missing, request_id) else {
        let reason = format!("the response lacks {}", missing.unwrap_or_default());
        return Err(response.unreadable(
            reason,
            Some("check that no proxy removes cookies or changes the body of the response".into()),
        ));
    };
    let session = Session {
        cookies,
        request_id,
    };
    if !session.is_sendable() {
        let reason =
            "the session ID in the response contains characters that cannot be sent in a header"
                .to_owned();
        return Err(response.unreadable(reason, None));
    }
    Ok(session)
}

impl SignedIn {
    /// Signs out, in at most three seconds.
    ///
    /// # Errors
    /// Returns an error if the manager did not confirm the sign-out. The caller only logs this error, because an open session expires later.
    pub(crate) async fn sign_out(&self) -> Result<(), ManagerError> {
        end_session(&self.transport, self.credentials()).await
    }
}

/// Signs out with `DELETE /api/sessions/current`, which keeps the session ID out of the logs of proxies. If the manager rejects that
/// call, signs out with `DELETE /rest/authentication/logout?sID=`.
///
/// The first call is undocumented, but a public client uses it. The second call is documented, but not for sessions of `/api/sessions`. A manager may
/// support both calls, only one of them, or neither.
async fn end_session(transport: &Transport, credentials: &Credentials) -> Result<(), ManagerError> {
    let Credentials::Session(session) = credentials else {
        return Ok(());
    };
    let started = Instant::now();
    let end = async |path: &str, id: Option<&Secret>| {
        let request = ApiRequest::new("sign out", Method::DELETE, path, RetryPolicy::Never);
        let mut request = request.signed(credentials);
        request.query = id.map(|id| (SESSION_COOKIE, id));
        request.timeout = Some(SIGN_OUT_TIME.saturating_sub(started.elapsed()));
        transport.send(&request).await
    };
    let response = end("/api/sessions/current", None).await;
    // A server that does not support this call may respond with a web page and a success status.
    let refusal = match response.map(|response| response.require_api_response()) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(page)) => page,
        Err(error) if is_refusal(error.cause()) => error,
        Err(error) => return Err(error),
    };
    log::debug!("{refusal}; trying the legacy sign-out call");
    let mut result = Err(refusal);
    for id in session.ids() {
        if started.elapsed() >= SIGN_OUT_TIME {
            break;
        }
        let response = end("/rest/authentication/logout", Some(&id)).await;
        result = result.or(response.map(|_| ()));
    }
    result
}

/// Returns true if the manager refused `DELETE /api/sessions/current`. The run then tries the legacy sign-out call. This
/// function also returns true for a call over the rate limit. If the session stayed open, it would count towards the session limit.
fn is_refusal(cause: &Cause) -> bool {
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
