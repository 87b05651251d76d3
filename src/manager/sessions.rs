//! Signing in and out (manager-api.md, sections 3 and 4).

use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::credentials::{Credentials, SESSION_COOKIE, Session};
use super::error::ManagerError;
use super::retry::Repeat;
use super::transport::Request;
use super::{Manager, SignedIn};
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
}

/// The body of `POST /api/sessions`. The code is a string: its type is unknown, and a number would lose leading zeros (section 3).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    user_name: &'a str,
    password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_code: Option<&'a str>,
}

/// What of its answer is needed.
#[derive(Deserialize)]
struct SessionAnswer {
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
        let mut request = Request::new("signing in", Method::POST, "/api/sessions", Repeat::SignIn);
        request.secrets = [Some(who.password), who.mfa_code]
            .into_iter()
            .flatten()
            .collect();
        let request = request.json(&Body {
            user_name: who.username,
            password: who.password.expose(),
            tenant_name: who.tenant,
            mfa_code: who.mfa_code.map(Secret::expose),
        });
        session_of(&self.transport.send(request).await?)
    }
}

/// The session that the answer to a sign-in holds.
///
/// # Errors
/// Where it holds none, or one that cannot be sent.
pub(super) fn session_of(answer: &Answer) -> Result<Session, ManagerError> {
    let body: SessionAnswer = answer.json()?;
    let cookies = answer.cookies();
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
    /// Ends the session on the manager. Best effort: any answer will do, and it takes three seconds at most.
    ///
    /// `DELETE /rest/authentication/logout?sID=` is the only documented way; that it ends a session of `/api/sessions` is plausible
    /// and not documented (manager-api.md, section 4).
    ///
    /// # Errors
    /// Where no answer came or it was no success; worth a note, never a failed run.
    pub(crate) async fn sign_out(&self) -> Result<(), ManagerError> {
        let Credentials::Session(session) = &self.credentials else {
            return Ok(());
        };
        let Some(id) = session.id() else {
            return Ok(());
        };
        let mut request = Request::new(
            "ending the session",
            Method::DELETE,
            "/rest/authentication/logout",
            Repeat::Never,
        )
        .signed(&self.credentials);
        request.query = Some((SESSION_COOKIE, id));
        request.timeout = Some(SIGN_OUT_BUDGET);
        self.transport.send(request).await.map(|_| ())
    }
}
