//! The definition of a fault.

use std::time::Duration;

use crate::sandbox::http::call::Call;

/// A fault. It affects one or more requests to a route (a method and a path).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The method of the affected requests. `None` for any method.
    pub method: Option<String>,
    /// The path of the affected requests. `*` matches any text.
    pub path: String,
    /// The number of the first affected request. Request 1 is the first request to the route after the fault was injected.
    pub nth: u32,
    /// The number of consecutive requests that the fault affects.
    pub times: u32,
    /// Whether the fault occurs before or after the manager executes the request.
    pub when: When,
    /// The effect of the fault.
    pub action: Action,
}

impl Fault {
    /// Returns a fault that affects the next request to a route. The fault occurs before the manager executes the request.
    pub fn new(method: &str, path: &str, action: Action) -> Fault {
        Fault {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            nth: 1,
            times: 1,
            when: When::Before,
            action,
        }
    }

    /// Changes the fault so that it occurs after the manager has executed the request.
    #[must_use]
    pub fn after(self) -> Fault {
        Fault {
            when: When::After,
            ..self
        }
    }

    /// Changes the fault so that it starts with request number `nth`. For example, `nth(3)` does not affect the first two requests.
    #[must_use]
    pub fn nth(self, nth: u32) -> Fault {
        Fault { nth, ..self }
    }

    /// Changes the fault so that it affects `times` consecutive requests.
    #[must_use]
    pub fn times(self, times: u32) -> Fault {
        Fault { times, ..self }
    }

    pub(crate) fn matches(&self, call: &Call) -> bool {
        self.method
            .as_ref()
            .is_none_or(|method| call.method.as_str() == method)
            && path_matches(&self.path, &call.path)
    }
}

/// Whether a fault occurs before or after the manager executes the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The fault occurs before the manager executes the request, so the request has no effect.
    Before,
    /// The fault occurs after the manager has executed the request, so only the response is affected.
    After,
}

/// The effect of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Closes the connection without a response.
    Drop,
    /// Resets the connection (RST) without a response.
    Reset,
    /// Delays the response by this time. With [`When::Before`], the execution of the request is delayed as well.
    Delay(Duration),
    /// Sends only this many bytes of the body, and then closes the connection.
    Cut(usize),
    /// Sends only this many bytes of the body, and leaves the connection open.
    Stall(usize),
    /// Sends this response instead of the response of the manager. The header `Content-Length` is added unless `headers` contains it.
    Answer {
        /// The status.
        status: u16,
        /// The headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Sends these bytes instead of an HTTP response, and then closes the connection.
    Raw(Vec<u8>),
    /// Executes the request twice, as if a proxy had repeated it. With [`When::Before`], the client receives the response to the second
    /// execution. With [`When::After`], it receives no response.
    Twice,
    /// Resets the connection at once, without a response. The request is executed later, after this duration.
    Late(Duration),
    /// Swaps the response to this request with the response to the next request that this fault affects.
    Swap,
}

impl Action {
    /// Returns an action that responds with a status and an error message in JSON.
    pub fn status(status: u16, message: &str) -> Action {
        Action::Answer {
            status,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: serde_json::json!({"message": message})
                .to_string()
                .into_bytes(),
        }
    }
}

fn path_matches(pattern: &str, path: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else {
        return pattern == path;
    };
    let Some(mut left) = path.strip_prefix(head) else {
        return false;
    };
    while let Some((part, more)) = rest.split_once('*') {
        let Some(place) = left.find(part) else {
            return false;
        };
        left = &left[place + part.len()..];
        rest = more;
    }
    left.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_any_text() {
        assert!(path_matches("*", "/api/roles"));
        assert!(path_matches("/api/apikeys/*", "/api/apikeys/7/secretkey"));
        assert!(path_matches("/api/*/search", "/api/roles/search"));
        assert!(!path_matches("/api/*/search", "/api/roles"));
        assert!(!path_matches("/api/roles", "/api/roles/search"));
        assert!(path_matches("/a*b*c", "/axbybc"));
        assert!(!path_matches("/a*b*c", "/acb"));
    }
}
