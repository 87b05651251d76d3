//! Signing in and the sessions that come of it (manager-api.md, sections 3 and 4).

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::sandbox::http::call::{Call, text, wrong_type};
use crate::sandbox::http::response::{Answer, Refusal};
use crate::sandbox::options::choices::{
    MfaCodeType, SessionLimit, SignInAnswer, SignInWording, StickyCookie,
};
use crate::sandbox::state::Manager;
use crate::sandbox::state::clock::{Millis, millis};
use crate::sandbox::state::secrets;

/// The name of the load balancer's cookie.
pub(crate) const STICKY: &str = "AWSALB";

/// The one administrator's standing.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Wrong passwords or codes since the last right ones.
    pub(crate) failures: u32,
    pub(crate) locked: bool,
}

/// One session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) rid: String,
    pub(crate) sticky: Option<String>,
    created: Millis,
    pub(crate) last_activity: Millis,
}

/// The sessions by their sID.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_sid: HashMap<String, Session>,
}

impl Sessions {
    pub(crate) fn get_mut(&mut self, sid: &str) -> Option<&mut Session> {
        self.by_sid.get_mut(sid)
    }

    pub(crate) fn end(&mut self, sid: &str) {
        self.by_sid.remove(sid);
    }

    pub(crate) fn end_all(&mut self) {
        self.by_sid.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.by_sid.len()
    }

    fn end_oldest(&mut self) {
        let oldest = self
            .by_sid
            .iter()
            .min_by_key(|(_, session)| session.created)
            .map(|(sid, _)| sid.clone());
        if let Some(sid) = oldest {
            self.end(&sid);
        }
    }
}

impl Manager {
    /// Forgets the sessions that are too old or were idle for too long.
    pub(crate) fn expire_sessions(&mut self) {
        let now = self.clock.now();
        let (idle, max) = (
            millis(self.settings.session_idle),
            millis(self.settings.session_max),
        );
        let alive =
            |session: &Session| now - session.last_activity < idle && now - session.created < max;
        self.sessions.by_sid.retain(|_, session| alive(session));
    }

    /// `POST /api/sessions`
    pub(crate) fn sign_in(&mut self, call: &Call) -> Result<Answer, Refusal> {
        if let Some(status) = self.settings.unknowns.sessions_endpoint {
            return Err(Refusal::new(
                status,
                "Sign-in with a user name is not available here.",
            ));
        }
        let attempt = Attempt::read(&call.object(true)?, self.settings.unknowns.mfa_code_type)?;
        let (limit, hint) = (self.settings.rate_limit, self.settings.unknowns.retry_after);
        self.calls.count(
            &user_caller(&attempt.user_name),
            limit,
            hint,
            self.clock.now(),
        )?;
        self.check(&attempt)
            .map_err(|cause| self.refuse_sign_in(&cause))?;
        self.account.failures = 0;
        self.expire_sessions();
        if self.sessions.len() >= self.settings.sessions_max {
            match self.settings.unknowns.session_limit {
                SessionLimit::Refuse => return Err(self.refuse_sign_in(&Cause::SessionLimit)),
                SessionLimit::EndOldest => self.sessions.end_oldest(),
            }
        }
        Ok(self.open_session())
    }

    /// Counts what a real manager counts: a wrong password or code of a user that there is.
    fn check(&mut self, attempt: &Attempt) -> Result<(), Cause> {
        if attempt
            .tenant_name
            .as_deref()
            .filter(|name| !name.is_empty())
            != self.settings.tenant.as_deref()
        {
            return Err(Cause::Tenant);
        }
        if attempt.user_name != self.settings.username {
            return Err(Cause::Credentials);
        }
        if self.account.locked {
            return Err(Cause::Locked);
        }
        if attempt.password != self.settings.password {
            return Err(self.failed(Cause::Credentials));
        }
        match (&self.settings.mfa_code, &attempt.mfa_code) {
            (Some(_), None) => return Err(Cause::CodeNeeded),
            (Some(wanted), Some(code)) if wanted != code => {
                return Err(self.failed(Cause::CodeWrong));
            }
            _ => {}
        }
        if self.settings.password_expired {
            Err(Cause::PasswordExpired)
        } else {
            Ok(())
        }
    }

    fn failed(&mut self, cause: Cause) -> Cause {
        self.account.failures += 1;
        self.account.locked = self.account.failures >= self.settings.sign_in_attempts;
        cause
    }

    fn refuse_sign_in(&self, cause: &Cause) -> Refusal {
        let status = self.settings.unknowns.sign_in_refusal;
        match self.settings.unknowns.sign_in_wording {
            SignInWording::Cause => Refusal::new(status, cause.message(&self.settings.username)),
            SignInWording::Vague => Refusal::new(status, "The sign-in failed."),
            SignInWording::Empty => Refusal::bodiless(status),
        }
    }

    /// `DELETE /api/sessions/current`
    pub(crate) fn end_session(&mut self, call: &Call) -> Result<Answer, Refusal> {
        match self.settings.unknowns.end_session {
            None => {
                if let Some(sid) = self.session_id(call).map(str::to_owned) {
                    self.sessions.end(&sid);
                }
                Ok(Answer::empty(200))
            }
            Some(200) => Ok(Answer::empty(200)),
            Some(404) => Ok(Answer::page(404, "Not Found")),
            Some(405) => Err(Refusal::method_not_allowed(&[])),
            Some(status) => Err(Refusal::new(status, "The session could not be ended.")),
        }
    }

    /// The ID of the session in the cookie of a call. The quotes are part of a cookie that was sent with them.
    pub(crate) fn session_id<'a>(&self, call: &'a Call) -> Option<&'a str> {
        let value = call.cookie("sID")?;
        match self.settings.unknowns.quoted_cookie {
            true => value.strip_prefix('"')?.strip_suffix('"'),
            false => Some(value),
        }
    }

    fn open_session(&mut self) -> Answer {
        let now = self.clock.now();
        let sticky = self.settings.unknowns.sticky_cookie;
        let (sid, rid) = (secrets::hex32(), secrets::hex32());
        let node = secrets::hex32();
        let session = Session {
            rid: rid.clone(),
            sticky: (sticky == StickyCookie::Needed).then(|| node.clone()),
            created: now,
            last_activity: now,
        };
        self.sessions.by_sid.insert(sid.clone(), session);
        let mut body = json!({
            "administratorID": 1,
            "created": now,
            "lastActivity": now,
            "accessType": "webService",
            "RID": rid,
        });
        let played = self.settings.unknowns.sign_in_answer;
        match (played, &mut body) {
            (SignInAnswer::NoRid, Value::Object(fields)) => drop(fields.shift_remove("RID")),
            (SignInAnswer::EmptyRid, body) => body["RID"] = json!(""),
            _ => {}
        }
        let mut answer = Answer::json(&body);
        for value in session_cookies(played, &sid) {
            let value = match self.settings.unknowns.quoted_cookie {
                true => format!("\"{value}\""),
                false => value,
            };
            answer = answer.with(
                "Set-Cookie",
                format!("sID={value}; Path=/; Secure; HttpOnly"),
            );
        }
        if sticky != StickyCookie::Off {
            answer = answer.with(
                "Set-Cookie",
                format!("{STICKY}={node}; Path=/; Expires=Thu, 01 Jan 2099 00:00:00 GMT"),
            );
        }
        answer
    }
}

fn session_cookies(played: SignInAnswer, sid: &str) -> Vec<String> {
    match played {
        SignInAnswer::NoSid => Vec::new(),
        SignInAnswer::EmptySid => vec![String::new()],
        SignInAnswer::SeveralSid => vec![secrets::hex32(), sid.to_owned()],
        SignInAnswer::Complete | SignInAnswer::NoRid | SignInAnswer::EmptyRid => {
            vec![sid.to_owned()]
        }
    }
}

/// How calls of a user are counted, the sign-in with them.
pub(crate) fn user_caller(name: &str) -> String {
    format!("user {name}")
}

#[derive(Clone, Copy)]
enum Cause {
    Credentials,
    Tenant,
    Locked,
    CodeNeeded,
    CodeWrong,
    PasswordExpired,
    SessionLimit,
}

impl Cause {
    /// The wordings of a real manager are not known, but for one; these name the cause in plain words.
    fn message(&self, username: &str) -> String {
        let message = match self {
            Cause::Credentials => "The user name or the password is incorrect.",
            Cause::Tenant => "The tenant was not found.",
            Cause::Locked => "The user account is locked out.",
            Cause::CodeNeeded => "A multi-factor authentication code is required.",
            Cause::CodeWrong => "The multi-factor authentication code is incorrect.",
            Cause::PasswordExpired => "The password has expired.",
            // This one was met by a client.
            Cause::SessionLimit => {
                return format!(
                    "MaxSessionsException occurred when authenticating user [{username}]"
                );
            }
        };
        message.to_owned()
    }
}

struct Attempt {
    user_name: String,
    password: String,
    tenant_name: Option<String>,
    mfa_code: Option<String>,
}

impl Attempt {
    fn read(body: &Map<String, Value>, code: MfaCodeType) -> Result<Attempt, Refusal> {
        const FIELDS: [&str; 4] = ["userName", "password", "tenantName", "mfaCode"];
        if let Some(name) = body.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(Refusal::invalid(format!("There is no field {name}.")));
        }
        let required = |name| {
            text(body, name)?
                .ok_or_else(|| Refusal::invalid(format!("The field {name} is required.")))
        };
        Ok(Attempt {
            user_name: required("userName")?,
            password: required("password")?,
            tenant_name: text(body, "tenantName")?,
            mfa_code: body
                .get("mfaCode")
                .map(|given| read_code(given, code))
                .transpose()?,
        })
    }
}

fn read_code(given: &Value, played: MfaCodeType) -> Result<String, Refusal> {
    match (given, played) {
        (Value::String(code), MfaCodeType::String | MfaCodeType::Either) => Ok(code.clone()),
        (Value::Number(code), MfaCodeType::Number | MfaCodeType::Either) => Ok(code.to_string()),
        _ => Err(wrong_type(
            "mfaCode",
            if played == MfaCodeType::Number {
                "a number"
            } else {
                "a string"
            },
        )),
    }
}
