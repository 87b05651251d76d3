//! The responses of the simulated manager. Their statuses, headers and bodies are those that the vendor documents.

use hyper::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use serde_json::{Value, json};

use crate::sandbox::options::choices::ErrorBody;
use crate::sandbox::options::settings::Settings;

/// A response before it is serialized.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Returns a response without a body, for example for a deletion.
    pub(crate) fn empty(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Returns a response with status 200 and a JSON document.
    pub(crate) fn json(document: &Value) -> Answer {
        Answer::typed(200, "application/json", document.to_string())
    }

    /// Returns a plain-text response. The legacy REST API sends plain text.
    pub(crate) fn text(status: u16, text: impl Into<String>) -> Answer {
        Answer::typed(status, "text/plain", text)
    }

    /// Returns a Tomcat error page.
    pub(crate) fn page(status: u16, reason: &str) -> Answer {
        let title = format!("HTTP Status {status} – {reason}");
        let page = format!(
            "<!doctype html><html lang=\"en\"><head><title>{title}</title></head>\
             <body><h1>{title}</h1><hr class=\"line\" /></body></html>"
        );
        Answer::typed(status, "text/html;charset=utf-8", page)
    }

    /// Adds a header to the response.
    pub(crate) fn with(mut self, name: impl AsRef<str>, value: impl Into<String>) -> Answer {
        self.headers.push((name.as_ref().to_owned(), value.into()));
        self
    }

    fn typed(status: u16, media: &str, body: impl Into<String>) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: body.into().into_bytes(),
        }
        .with(CONTENT_TYPE, media)
    }
}

/// How the HTTP status of an error response is determined: as a fixed status, or by the settings.
#[derive(Clone, Copy, Debug)]
enum Status {
    Code(u16),
    Invalid,
    ContentType,
}

/// The error response to a request that the manager rejects.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: Status,
    message: String,
    allow: Option<String>,
    retry_after: Option<String>,
    bodiless: bool,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Refusal {
        Refusal {
            status: Status::Code(status),
            message: message.into(),
            allow: None,
            retry_after: None,
            bodiless: false,
        }
    }

    /// Returns an error response for an invalid request, with the status that the settings select.
    pub(crate) fn invalid(message: impl Into<String>) -> Refusal {
        Refusal {
            status: Status::Invalid,
            ..Refusal::new(0, message)
        }
    }

    /// Returns an error response for a body that is not declared as JSON, with the status that the settings select.
    pub(crate) fn content_type() -> Refusal {
        Refusal {
            status: Status::ContentType,
            ..Refusal::new(0, "The content type must be application/json.")
        }
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Refusal {
        Refusal::new(403, message)
    }

    /// Returns an error response without a body.
    pub(crate) fn bodiless(status: u16) -> Refusal {
        Refusal {
            bodiless: true,
            ..Refusal::new(status, "")
        }
    }

    /// Returns an error response with status 405 and a list of the allowed methods.
    pub(crate) fn method_not_allowed(allowed: &[&str]) -> Refusal {
        Refusal {
            allow: Some(allowed.join(", ")),
            ..Refusal::new(405, "The method is not allowed here.")
        }
    }

    /// Returns an error response with status 429 and the documented message (`docs/manager-api.md`, "Errors").
    pub(crate) fn too_many(retry_after: Option<String>) -> Refusal {
        Refusal {
            retry_after,
            ..Refusal::new(429, "Too many API requests")
        }
    }

    /// Returns the error response with its body in the form that the settings select.
    pub(crate) fn answer(&self, settings: &Settings) -> Answer {
        let status = match self.status {
            Status::Code(status) => status,
            Status::Invalid => settings.unknowns.invalid,
            Status::ContentType => settings.unknowns.content_type,
        };
        let form = if self.bodiless {
            ErrorBody::Empty
        } else {
            settings.unknowns.error_body
        };
        let mut answer = error(status, &self.message, form);
        if let Some(methods) = &self.allow {
            answer = answer.with(ALLOW, methods);
        }
        if let Some(value) = &self.retry_after {
            answer = answer.with(RETRY_AFTER, value);
        }
        answer
    }
}

fn error(status: u16, message: &str, form: ErrorBody) -> Answer {
    let document = match form {
        ErrorBody::Message => json!({"message": message}),
        ErrorBody::Legacy => json!({"error": {"message": message}}),
        ErrorBody::Text => return Answer::text(status, message),
        ErrorBody::Html => return Answer::page(status, message),
        ErrorBody::Empty => return Answer::empty(status),
    };
    Answer {
        status,
        ..Answer::json(&document)
    }
}

/// Adds the headers that every response under `/api` has (`docs/manager-api.md`, "Sign-in"). One of them contains the version of the
/// manager.
pub(crate) fn with_common_headers(answer: Answer, settings: &Settings) -> Answer {
    answer
        .with("X-Frame-Options", "SAMEORIGIN")
        .with("X-XSS-Protection", "1; mode=block")
        .with("Cache-Control", "no-cache,no-store")
        .with("Pragma", "no-cache")
        .with("X-DSM-Version", &settings.version)
}
