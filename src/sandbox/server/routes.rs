//! The routes, and the checks that every request must pass before it reaches its endpoint.

use hyper::Method;
use serde_json::json;

use crate::sandbox::api::authentication::Caller;
use crate::sandbox::http::call::Call;
use crate::sandbox::http::response::{Answer, Refusal, with_common_headers};
use crate::sandbox::state::manager::Manager;

/// The endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Sessions,
    CurrentSession,
    Roles,
    RolesSearch,
    Role(i64),
    Keys,
    KeysSearch,
    Key(i64),
    KeySecret(i64),
    Current,
    CurrentSecret,
    PoliciesSearch,
    AdministratorsSearch,
    Logout,
    Ping,
    ApiVersion,
}

impl Endpoint {
    fn at(path: &str) -> Option<Endpoint> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        match segments.as_slice() {
            ["api", "sessions"] => Some(Endpoint::Sessions),
            ["api", "sessions", "current"] => Some(Endpoint::CurrentSession),
            ["api", "roles"] => Some(Endpoint::Roles),
            ["api", "roles", "search"] => Some(Endpoint::RolesSearch),
            ["api", "roles", id] => Some(Endpoint::Role(object_id(id))),
            ["api", "apikeys"] => Some(Endpoint::Keys),
            ["api", "apikeys", "search"] => Some(Endpoint::KeysSearch),
            ["api", "apikeys", "current"] => Some(Endpoint::Current),
            ["api", "apikeys", "current", "secretkey"] => Some(Endpoint::CurrentSecret),
            ["api", "apikeys", id] => Some(Endpoint::Key(object_id(id))),
            ["api", "apikeys", id, "secretkey"] => Some(Endpoint::KeySecret(object_id(id))),
            ["api", "policies", "search"] => Some(Endpoint::PoliciesSearch),
            ["api", "administrators", "search"] => Some(Endpoint::AdministratorsSearch),
            ["rest", "authentication", "logout"] => Some(Endpoint::Logout),
            ["rest", "status", "manager", "ping"] => Some(Endpoint::Ping),
            ["rest", "apiVersion"] => Some(Endpoint::ApiVersion),
            _ => None,
        }
    }

    /// Returns the words that describe the action of a request in an error message, such as `create API keys`.
    fn action(self, method: &Method) -> &'static str {
        match (self, method.as_str()) {
            (Endpoint::Roles, "POST") => "create administrator roles",
            (Endpoint::Role(_), "POST") => "modify administrator roles",
            (Endpoint::Role(_), "DELETE") => "delete administrator roles",
            (Endpoint::Roles | Endpoint::RolesSearch | Endpoint::Role(_), _) => {
                "view administrator roles"
            }
            (Endpoint::Keys, "POST") => "create API keys",
            (Endpoint::Key(_) | Endpoint::Current, "POST") => "modify API keys",
            (Endpoint::KeySecret(_) | Endpoint::CurrentSecret, _) => "generate API secret keys",
            (Endpoint::Key(_), "DELETE") => "delete API keys",
            (Endpoint::PoliciesSearch, _) => "view policies",
            (Endpoint::AdministratorsSearch, _) => "view administrators",
            (Endpoint::Sessions | Endpoint::CurrentSession, _) => "end sessions",
            _ => "view API keys",
        }
    }

    fn methods(self) -> &'static [&'static str] {
        match self {
            Endpoint::Roles | Endpoint::Keys | Endpoint::Current => &["GET", "POST"],
            Endpoint::Role(_) | Endpoint::Key(_) => &["GET", "POST", "DELETE"],
            Endpoint::Sessions | Endpoint::RolesSearch | Endpoint::KeysSearch => &["POST"],
            Endpoint::KeySecret(_)
            | Endpoint::CurrentSecret
            | Endpoint::PoliciesSearch
            | Endpoint::AdministratorsSearch => &["POST"],
            Endpoint::Logout | Endpoint::CurrentSession => &["DELETE"],
            Endpoint::Ping | Endpoint::ApiVersion => &["GET", "HEAD"],
        }
    }
}

/// Parts of error messages. The vendor documents the wording (`docs/manager-api.md`, "Errors").
const MISSING_VERSION: &str = "Missing 'api-version' request header. Please set this header with the a value of a supported API version";
const INVALID_VERSION: &str = "Invalid 'api-version' request header. Please make sure this header starts with 'v' followed by a \
     number. E.g. v1";

/// An ID that no object has. A path segment that is not a valid ID, such as `abc`, is parsed as this ID.
const NO_ID: i64 = i64::MIN;

/// Parses the ID in a path segment. A valid ID is a 32-bit integer. If the segment is not a valid ID, returns [`NO_ID`].
fn object_id(segment: &str) -> i64 {
    segment.parse::<i32>().map_or(NO_ID, i64::from)
}

impl Manager {
    /// Executes a request and returns the response.
    pub(crate) fn handle(&mut self, call: &Call) -> Answer {
        let api = call.path.starts_with("/api/");
        let answer = match Endpoint::at(&call.path) {
            None => Answer::page(404, "Not Found"),
            Some(endpoint) => self
                .dispatch(endpoint, call)
                .unwrap_or_else(|refusal| refusal.answer(&self.settings)),
        };
        let answer = if api {
            with_common_headers(answer, &self.settings)
        } else {
            answer
        };
        answer.with("Date", self.clock.date())
    }

    fn dispatch(&mut self, endpoint: Endpoint, call: &Call) -> Result<Answer, Refusal> {
        let methods = endpoint.methods();
        if !methods.contains(&call.method.as_str()) {
            return Err(Refusal::method_not_allowed(methods));
        }
        match endpoint {
            Endpoint::Logout => return self.legacy_logout(call),
            Endpoint::Ping => return self.ping(),
            Endpoint::ApiVersion => return Ok(Manager::api_version()),
            _ => self.check_version(endpoint, call)?,
        }
        if endpoint == Endpoint::Sessions {
            return self.sign_in(call);
        }
        let caller = self.authenticate(call, endpoint.action(&call.method))?;
        self.check_session_scope(caller, endpoint, &call.method)?;
        self.check_cloud_one(endpoint, call)?;
        self.perform(endpoint, caller, call)
    }

    fn perform(
        &mut self,
        endpoint: Endpoint,
        caller: Caller,
        call: &Call,
    ) -> Result<Answer, Refusal> {
        match (endpoint, call.method.as_str()) {
            (Endpoint::Role(NO_ID) | Endpoint::Key(NO_ID) | Endpoint::KeySecret(NO_ID), _) => {
                Err(Refusal::invalid("The ID must be a 32-bit integer."))
            }
            (Endpoint::Roles, "GET") => self.list_roles(caller),
            (Endpoint::Roles, _) => self.create_role(caller, call),
            (Endpoint::RolesSearch, _) => self.search_roles(caller, call),
            (Endpoint::Role(id), "GET") => self.describe_role(caller, id),
            (Endpoint::Role(id), "DELETE") => self.delete_role(caller, id),
            (Endpoint::Role(id), _) => self.modify_role(caller, id, call),
            (Endpoint::Keys, "GET") => self.list_keys(caller),
            (Endpoint::Keys, _) => self.create_key(caller, call),
            (Endpoint::KeysSearch, _) => self.search_keys(caller, call),
            (Endpoint::Key(id), "GET") => self.describe_key(caller, id),
            (Endpoint::Key(id), "DELETE") => self.delete_key(caller, id),
            (Endpoint::Key(id), _) => self.modify_key(caller, id, call),
            (Endpoint::KeySecret(id), _) => self.replace_secret(caller, id),
            (Endpoint::Current, "GET") => self.describe_current(caller),
            (Endpoint::Current, _) => self.modify_current(caller, call),
            (Endpoint::CurrentSecret, _) => self.replace_current_secret(caller),
            // The sandbox has no policies, so the list is empty. Every role may read policies (`docs/manager-api.md`, "Checking a key").
            (Endpoint::PoliciesSearch, _) => Ok(Answer::json(&json!({"policies": []}))),
            (Endpoint::AdministratorsSearch, _) => self.search_administrators(caller, call),
            (Endpoint::CurrentSession, _) => self.end_session(call),
            (Endpoint::Sessions | Endpoint::Logout | Endpoint::Ping | Endpoint::ApiVersion, _) => {
                Ok(Answer::page(404, "Not Found"))
            }
        }
    }

    /// Checks the header `api-version`, which every operation requires. By default, a sign-in accepts only the value `v1`, and other
    /// operations accept any value.
    fn check_version(&self, endpoint: Endpoint, call: &Call) -> Result<(), Refusal> {
        let unknowns = &self.settings.unknowns;
        let (status, message) = match call.header("api-version") {
            Some("v1") => return Ok(()),
            Some(_) if endpoint == Endpoint::Sessions => (
                unknowns.unknown_version.or(unknowns.missing_version),
                INVALID_VERSION,
            ),
            Some(_) => (unknowns.unknown_version, INVALID_VERSION),
            None => (unknowns.missing_version, MISSING_VERSION),
        };
        status.map_or(Ok(()), |status| Err(Refusal::new(status, message)))
    }

    /// Rejects a request that manages API keys and is authenticated with a Cloud One key. Does nothing if the setting `cloud_one_keys` is `None`
    /// (`docs/manager-api.md`, "Authentication").
    fn check_cloud_one(&self, endpoint: Endpoint, call: &Call) -> Result<(), Refusal> {
        let is_key_operation = matches!(
            endpoint,
            Endpoint::Keys
                | Endpoint::KeysSearch
                | Endpoint::Key(_)
                | Endpoint::KeySecret(_)
                | Endpoint::Current
                | Endpoint::CurrentSecret
        );
        match self.settings.unknowns.cloud_one_keys {
            Some(status) if is_key_operation && call.header("authorization").is_some() => {
                Err(Refusal::new(
                    status,
                    "This operation is available for legacy API keys only.",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Rejects an operation on roles, administrators or API keys if the request is authenticated with a session. Does so only if the
    /// settings select this behaviour (`docs/manager-api.md`, "Authentication"). Creating an API key is never rejected.
    fn check_session_scope(
        &self,
        caller: Caller,
        endpoint: Endpoint,
        method: &Method,
    ) -> Result<(), Refusal> {
        let unknowns = &self.settings.unknowns;
        let status = match endpoint {
            _ if caller != Caller::Administrator => None,
            Endpoint::Roles
            | Endpoint::RolesSearch
            | Endpoint::Role(_)
            | Endpoint::AdministratorsSearch => unknowns.session_roles,
            Endpoint::Keys if method == Method::POST => None,
            Endpoint::PoliciesSearch | Endpoint::CurrentSession => None,
            _ => unknowns.session_keys,
        };
        status.map_or(Ok(()), |status| {
            Err(Refusal::new(status, "This operation requires an API key."))
        })
    }
}
