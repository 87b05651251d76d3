//! The legacy REST calls for sign-out and for checking whether the manager is up (`docs/manager-api.md`, "Start-up" and "Sign-out").

use crate::sandbox::http::call::Call;
use crate::sandbox::http::response::{Answer, Refusal};
use crate::sandbox::state::manager::Manager;

impl Manager {
    /// Handles `DELETE /rest/authentication/logout?sID=`, which ends the session with this ID. Without `sID`, the call does nothing.
    pub(crate) fn legacy_logout(&mut self, call: &Call) -> Result<Answer, Refusal> {
        match self.settings.unknowns.logout {
            None => {
                if let Some(sid) = call.parameter("sID") {
                    self.sessions.end(&sid);
                }
                Ok(Answer::text(200, ""))
            }
            Some(200) => Ok(Answer::text(200, "")),
            Some(status) => Err(Refusal::new(status, "The session could not be ended.")),
        }
    }

    /// Handles `GET /rest/status/manager/ping`. The call works only after an administrator has enabled the Status Monitoring API.
    pub(crate) fn ping(&self) -> Result<Answer, Refusal> {
        match self.settings.unknowns.ping {
            None => Ok(Answer::text(200, "pong")),
            Some(404) => Ok(Answer::page(404, "Not Found")),
            Some(status) => Err(Refusal::new(
                status,
                "The Status Monitoring API is not enabled.",
            )),
        }
    }

    /// Handles `GET /rest/apiVersion`. The response is a number as plain text. The call does not require authentication.
    pub(crate) fn api_version() -> Answer {
        Answer::text(200, "3")
    }
}
