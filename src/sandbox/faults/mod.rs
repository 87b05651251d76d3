//! What goes wrong on demand, between a client and the manager.

pub(crate) mod exchange;
pub(crate) mod spec;
use std::time::Duration;

use bytes::Bytes;

use super::http::call::Call;

/// Something that goes wrong with some requests of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The method it is for; `None` is any.
    pub method: Option<String>,
    /// The path it is for; `*` stands for any run of characters.
    pub path: String,
    /// The first request it happens to, counted from 1 among those of its route, from the moment it was injected.
    pub nth: u32,
    /// To so many requests in a row, from the first on.
    pub times: u32,
    /// Whether the manager does its work before things go wrong.
    pub when: When,
    /// What happens.
    pub action: Action,
}

impl Fault {
    /// A fault of the next request of this route, before the manager does anything.
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

    /// This fault, after the manager has done its work.
    #[must_use]
    pub fn after(self) -> Fault {
        Fault {
            when: When::After,
            ..self
        }
    }

    /// This fault, for the nth request and not the first.
    #[must_use]
    pub fn nth(self, nth: u32) -> Fault {
        Fault { nth, ..self }
    }

    /// This fault, for so many requests in a row.
    #[must_use]
    pub fn times(self, times: u32) -> Fault {
        Fault { times, ..self }
    }

    fn is_for(&self, call: &Call) -> bool {
        self.method
            .as_ref()
            .is_none_or(|method| call.method.as_str() == method)
            && matches(&self.path, &call.path)
    }
}

/// When a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the work: nothing was executed.
    Before,
    /// After it: everything was executed, and only the answer suffers.
    After,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The connection ends without an answer.
    Drop,
    /// The connection is reset (RST) without an answer.
    Reset,
    /// The answer comes so much later. With [`When::Before`] the work is late too.
    Delay(Duration),
    /// The answer's body ends after so many bytes, and the connection with it.
    Cut(usize),
    /// The answer's body stops after so many bytes, and the connection stays open.
    Stall(usize),
    /// Another answer. A `Content-Length` is added, unless it is among the headers.
    Answer {
        /// The status.
        status: u16,
        /// The headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// These bytes instead of an answer; then the connection ends.
    Raw(Vec<u8>),
    /// The work is done twice, as for a request that something in between sent again. The second answer is sent; with [`When::After`], none.
    Twice,
    /// The connection is reset without an answer, and the work is done so much later.
    Late(Duration),
    /// The answer is exchanged with that to the next request that has this fault.
    Swap,
}

impl Action {
    /// An answer with a status and a JSON body of the usual form.
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

/// The faults that are in force.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Vec<Armed>,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u32,
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault) {
        self.armed.push(Armed { fault, seen: 0 });
    }

    pub(super) fn clear(&mut self) {
        self.armed.clear();
    }

    /// The fault of this request, if it has one. Every fault of its route counts it; the first that is due happens.
    pub(super) fn next(&mut self, call: &Call) -> Option<Fault> {
        let mut due = None;
        for armed in self
            .armed
            .iter_mut()
            .filter(|armed| armed.fault.is_for(call))
        {
            armed.seen += 1;
            let first = armed.fault.nth.max(1);
            if due.is_none() && armed.seen >= first && armed.seen - first < armed.fault.times {
                due = Some(armed.fault.clone());
            }
        }
        due
    }
}

/// How a connection ends after the bytes that were written past the HTTP library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The TCP connection is closed, without a word on TLS.
    Close,
    /// TLS is closed in due form.
    Polite,
    /// The TCP connection is reset.
    Reset,
    /// Nothing more comes, and the connection stays.
    Stall,
}

/// Bytes that go out instead of what the HTTP library would write, and how the connection ends then.
#[derive(Clone, Debug)]
pub(super) struct Takeover {
    pub(super) bytes: Bytes,
    pub(super) ending: Ending,
}

fn matches(pattern: &str, path: &str) -> bool {
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
    fn a_star_stands_for_anything() {
        assert!(matches("*", "/api/roles"));
        assert!(matches("/api/apikeys/*", "/api/apikeys/7/secretkey"));
        assert!(matches("/api/*/search", "/api/roles/search"));
        assert!(!matches("/api/*/search", "/api/roles"));
        assert!(!matches("/api/roles", "/api/roles/search"));
        assert!(matches("/a*b*c", "/axbybc"));
        assert!(!matches("/a*b*c", "/acb"));
    }
}
