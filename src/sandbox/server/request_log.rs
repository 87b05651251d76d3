//! What came in: every request with all that it carried, and how many connections there were.

use std::collections::VecDeque;

use crate::sandbox::http::call::Call;

/// One request as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The number of its TCP connection, counted from 1.
    pub connection: u64,
    /// `TLSv1.2` or `TLSv1.3`.
    pub tls: &'static str,
    /// The method.
    pub method: String,
    /// The path, as it was sent.
    pub path: String,
    /// What stood behind the `?`.
    pub query: Option<String>,
    /// All headers, with lower-case names, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The status it was answered with; `None` before that, and where the connection ended instead.
    pub status: Option<u16>,
}

impl Request {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Method and path, as in `POST /api/roles/search`.
    pub fn route(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// How many connections there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// TCP connections that were accepted.
    pub tcp: u64,
    /// TLS handshakes that were completed.
    pub tls: u64,
}

/// The book of both.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) connections: Connections,
    requests: VecDeque<Request>,
    forgotten: usize,
}

impl Record {
    /// Notes a request, and says under which number. Not more than `kept` are kept.
    pub(crate) fn note(
        &mut self,
        connection: u64,
        tls: &'static str,
        call: &Call,
        kept: usize,
    ) -> usize {
        let text = |value: &hyper::header::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        self.requests.push_back(Request {
            connection,
            tls,
            method: call.method.to_string(),
            path: call.path.clone(),
            query: call.query.clone(),
            headers: call
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect(),
            body: call.body.to_vec(),
            status: None,
        });
        let number = self.forgotten + self.requests.len() - 1;
        while self.requests.len() > kept.max(1) {
            self.requests.pop_front();
            self.forgotten += 1;
        }
        number
    }

    /// Notes what a request is answered with.
    pub(crate) fn answered(&mut self, number: usize, status: u16) {
        let place = number.checked_sub(self.forgotten);
        if let Some(request) = place.and_then(|place| self.requests.get_mut(place)) {
            request.status = Some(status);
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn forget_requests(&mut self) {
        self.forgotten += self.requests.len();
        self.requests.clear();
    }
}
