//! The endpoints for sign-in and sign-out (`docs/manager-api.md`, "Sign-in" and "Sign-out").

use serde_json::{Map, Value, json};

use crate::sandbox::http::call::{Call, text, wrong_type};
use crate::sandbox::http::response::{Answer, Refusal};
use crate::sandbox::options::choices::{
    MfaCodeType, SessionLimit, SignInAnswer, SignInWording, StickyCookie,
};
use crate::sandbox::state::manager::Manager;
use crate::sandbox::state::secrets;
use crate::sandbox::state::sessions::Session;

/// The name of the load balancer's cookie.
pub(crate) const STICKY: &str = "AWSALB";

impl Manager {
    /// Handles `POST /api/sessions`.
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

    /// Checks a sign-in. If the user exists, a wrong password or MFA code counts towards the lockout of the account, as on a real manager.
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

    /// Handles `DELETE /api/sessions/current`.
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

    /// Returns the session ID from the cookie `sID` of a request. Returns `None` if the sandbox sets the cookie in quotes and the request omits the
    /// quotes.
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
        self.sessions.insert(sid.clone(), session);
        let mut body = json!({
            "administratorID": 1,
            "created": now,
            "lastActivity": now,
            "accessType": "webService",
            "RID": rid,
        });
        let choice = self.settings.unknowns.sign_in_answer;
        match (choice, &mut body) {
            (SignInAnswer::NoRid, Value::Object(fields)) => drop(fields.shift_remove("RID")),
            (SignInAnswer::EmptyRid, body) => body["RID"] = json!(""),
            _ => {}
        }
        let mut answer = Answer::json(&body);
        for value in session_cookies(choice, &sid) {
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

fn session_cookies(choice: SignInAnswer, sid: &str) -> Vec<String> {
    match choice {
        SignInAnswer::NoSid => Vec::new(),
        SignInAnswer::EmptySid => vec![String::new()],
        SignInAnswer::SeveralSid => vec![secrets::hex32(), sid.to_owned()],
        SignInAnswer::Complete | SignInAnswer::NoRid | SignInAnswer::EmptyRid => {
            vec![sid.to_owned()]
        }
    }
}

/// Returns the name under which the rate limit counts the requests and sign-ins of a user.
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
    /// Returns the message of a rejected sign-in. Only the message for too many sessions is known from a real manager. The other messages
    /// are invented.
    fn message(&self, username: &str) -> String {
        let message = match self {
            Cause::Credentials => "The user name or the password is incorrect.",
            Cause::Tenant => "The tenant was not found.",
            Cause::Locked => "The user account is locked out.",
            Cause::CodeNeeded => "A multi-factor authentication code is required.",
            Cause::CodeWrong => "The multi-factor authentication code is incorrect.",
            Cause::PasswordExpired => "The password has expired.",
            // Only this message is known from a real manager.
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

fn read_code(given: &Value, choice: MfaCodeType) -> Result<String, Refusal> {
    match (given, choice) {
        (Value::String(code), MfaCodeType::String | MfaCodeType::Either) => Ok(code.clone()),
        (Value::Number(code), MfaCodeType::Number | MfaCodeType::Either) => Ok(code.to_string()),
        _ => Err(wrong_type(
            "mfaCode",
            if choice == MfaCodeType::Number {
                "a number"
            } else {
                "a string"
            },
        )),
    }
}
