//! Returns the error for a failed call. No other module decides why a call failed.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::call::CallContext;
use super::proxy_failure::ProxyAttempt;
use super::redaction::Redactor;
use super::status_error::ErrorBody;
use super::web_page::WebPage;
use super::{connection_error, error_text, status_error};
use crate::manager::error::{Cause, ManagerError};

/// How a call failed.
pub(crate) enum FailedCall<'a> {
    /// There was no complete response.
    Transport {
        error: &'a reqwest::Error,
        proxy: Option<ProxyAttempt<'a>>,
    },
    /// The response has an error status.
    Status {
        status: StatusCode,
        headers: &'a HeaderMap,
        body: &'a [u8],
        redactor: &'a Redactor,
    },
    /// The response has a success status, but its content does not match the API.
    Unreadable {
        status: StatusCode,
        reason: String,
        hint: Option<String>,
    },
}

/// Returns the error for a failed call.
pub(crate) fn classify(call: CallContext<'_>, failure: FailedCall<'_>) -> ManagerError {
    match failure {
        FailedCall::Transport { error, proxy } => connection_error::classify(call, error, proxy),
        FailedCall::Status {
            status,
            headers,
            body,
            redactor,
        } => {
            let message = error_text::message(body, redactor);
            // A response with the Content-Type of a web page may still be a JSON error of the manager. So it counts as a web page only if its body
            // begins with markup.
            let page = WebPage::of(headers, body, redactor)
                .filter(|_| error_text::begins_with_markup(body));
            let body_text = ErrorBody {
                message: message.as_deref(),
                page: page.as_ref(),
            };
            status_error::classify(call, status, headers, body_text)
                .with_origin(error_text::is_api_error(body), page.is_some())
                .with_message(|message| redactor.redact(message))
        }
        FailedCall::Unreadable {
            status,
            reason,
            hint,
        } => {
            let message = format!("could not {}: {reason}", call.action);
            ManagerError::new(Cause::Unreadable, message, hint).with_status(status)
        }
    }
}
