//! Authenticates requests, either with a session (cookie sID and header rID) or with an API key (`docs/manager-api.md`, "Authentication").

use hyper::Method;

use super::sessions::{STICKY, user_caller};
use crate::sandbox::http::call::Call;
use crate::sandbox::http::response::Refusal;
use crate::sandbox::state::clock::millis;
use crate::sandbox::state::manager::Manager;
use crate::sandbox::state::roles::Role;

/// The authenticated sender of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The administrator, who has signed in to a session.
    Administrator,
    /// The API key with this ID.
    Key(i64),
}

impl Manager {
    /// Authenticates a request, counts it towards the rate limit, and returns its sender.
    pub(crate) fn authenticate(&mut self, call: &Call, action: &str) -> Result<Caller, Refusal> {
        let caller = match self.secret_of(call) {
            Some(secret) => self.check_key(&secret, action)?,
            None => self.check_session(call)?,
        };
        let name = match caller {
            Caller::Administrator => user_caller(&self.settings.username),
            Caller::Key(id) => format!("key {id}"),
        };
        let (limit, hint) = (self.settings.rate_limit, self.settings.unknowns.retry_after);
        self.calls.count(&name, limit, hint, self.clock.now())?;
        Ok(caller)
    }

    /// Returns the role of the sender of a request. `None` if the role no longer exists.
    pub(crate) fn role_of(&self, caller: Caller) -> Option<&Role> {
        self.roles.get(match caller {
            Caller::Administrator => self.settings.administrator_role,
            Caller::Key(id) => self.keys.get(id)?.role_id,
        })
    }

    /// If the role of the sender lacks this right in the group `platformRights`, returns an error response.
    pub(crate) fn need(
        &self,
        caller: Caller,
        group: &str,
        right: &str,
        refusal: &str,
    ) -> Result<(), Refusal> {
        match self.role_of(caller) {
            Some(role) if role.has_right(group, right) => Ok(()),
            _ => Err(Refusal::forbidden(refusal)),
        }
    }

    /// Returns the secret key in a request. `None` if the request contains no secret key. If a request contains both a secret key and a
    /// session, the session is ignored. An `Authorization` header that the manager does not support counts as a wrong secret.
    fn secret_of(&self, call: &Call) -> Option<String> {
        if let Some(authorization) = call.header("authorization") {
            // A client may send the secret key without `ApiKey ` by mistake. Even a correct secret key is then rejected as wrong.
            let secret = authorization
                .strip_prefix("ApiKey ")
                .filter(|_| self.settings.cloud_one);
            return Some(secret.unwrap_or_default().to_owned());
        }
        call.header("api-secret-key").map(str::to_owned)
    }

    /// Checks a secret key. The error messages are those of the vendor (`docs/manager-api.md`, "Errors"). An API key that is locked or has
    /// expired gets the same error response as an API key whose role lacks the required right.
    fn check_key(&mut self, secret: &str, action: &str) -> Result<Caller, Refusal> {
        const INVALID: &str = "Invalid API Key";
        let now = self.clock.now();
        let refused = Refusal::new(self.settings.unknowns.refused_key, INVALID);
        let unusable = match self.settings.unknowns.unusable_key {
            403 => Refusal::forbidden(format!("Not authorized to {action}")),
            status => Refusal::new(status, INVALID),
        };
        let Some(id) = self.keys.with_secret(secret).map(|key| key.id) else {
            self.count_wrong_secret(secret);
            return Err(refused);
        };
        let Some(key) = self.keys.get_mut(id) else {
            return Err(refused);
        };
        if key.unlock_time.is_some_and(|time| time <= now) {
            key.active = true;
            key.unlock_time = None;
        }
        if !key.active || key.expiry_date.is_some_and(|time| time <= now) {
            return Err(unusable);
        }
        key.unsuccessful_sign_in_attempts = 0;
        key.last_sign_in = Some(now);
        self.check_web_service(id)?;
        Ok(Caller::Key(id))
    }

    fn check_web_service(&self, id: i64) -> Result<(), Refusal> {
        let Some(status) = self.settings.unknowns.web_service else {
            return Ok(());
        };
        match self.role_of(Caller::Key(id)) {
            Some(role) if role.flag("allowWebService") => Ok(()),
            _ => Err(Refusal::new(
                status,
                "The role of this API key does not allow access to the web service API.",
            )),
        }
    }

    /// Counts a wrong secret towards the lock of the API key whose secret has the same prefix. After too many wrong secrets, the API key is
    /// locked for some time.
    fn count_wrong_secret(&mut self, secret: &str) {
        let (now, limit) = (self.clock.now(), self.settings.key_attempts);
        let lock_time = millis(self.settings.key_lock_time);
        let Some(id) = self.keys.with_prefix_of(secret).map(|key| key.id) else {
            return;
        };
        let Some(key) = self.keys.get_mut(id) else {
            return;
        };
        key.unsuccessful_sign_in_attempts += 1;
        if key.unsuccessful_sign_in_attempts >= limit && key.active {
            key.active = false;
            key.unlock_time = Some(now + lock_time);
        }
    }

    fn check_session(&mut self, call: &Call) -> Result<Caller, Refusal> {
        let unknowns = &self.settings.unknowns;
        let (ended_status, sid_alone) = (unknowns.expired_session, unknowns.sid_alone);
        let anonymous = Refusal::new(unknowns.refused_key, "Authentication is required.");
        let ended = Refusal::new(ended_status, "The session is not valid or has ended.");
        self.expire_sessions();
        let now = self.clock.now();
        let sid = self.session_id(call).ok_or(anonymous)?;
        let session = self.sessions.get_mut(sid).ok_or_else(|| ended.clone())?;
        if session.sticky.is_some() && session.sticky.as_deref() != call.cookie(STICKY) {
            return Err(ended);
        }
        match (call.header("rID"), sid_alone) {
            (Some(rid), _) if rid == session.rid => {}
            (Some(_), _) => return Err(ended),
            (None, None) if call.method == Method::GET => {}
            (None, status) => {
                let status = status.unwrap_or(ended_status);
                return Err(Refusal::new(
                    status,
                    "The request does not contain a valid rID.",
                ));
            }
        }
        session.last_activity = now;
        Ok(Caller::Administrator)
    }
}
