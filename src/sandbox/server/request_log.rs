//! The log of received requests, and the numbers of connections.

use std::collections::VecDeque;

use crate::sandbox::http::call::Call;

/// A received request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The number of the TCP connection. The first connection has the number 1.
    pub connection: u64,
    /// `TLSv1.2` or `TLSv1.3`.
    pub tls: &'static str,
    /// The method.
    pub method: String,
    /// The path exactly as the client sent it.
    pub path: String,
    /// The query of the URL: the text after the `?`.
    pub query: Option<String>,
    /// All headers of the request, in the order in which they arrived. The names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The HTTP status of the response. `None` if no response has been sent yet, or if the connection was closed without a response.
    pub status: Option<u16>,
}

impl Request {
    /// Returns the value of the first header with this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns the method and the path, for example `POST /api/roles/search`.
    pub fn route(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The numbers of TCP connections and TLS handshakes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// The number of accepted TCP connections.
    pub tcp: u64,
    /// The number of completed TLS handshakes.
    pub tls: u64,
}

/// The request log and the connection counters.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    pub(crate) connections: Connections,
    requests: VecDeque<Request>,
    dropped: usize,
}

impl RequestLog {
    /// Adds a request to the log and returns its number. If the log contains more than `max` requests, removes the oldest requests.
    pub(crate) fn add(
        &mut self,
        connection: u64,
        tls: &'static str,
        call: &Call,
        max: usize,
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
        let number = self.dropped + self.requests.len() - 1;
        while self.requests.len() > max.max(1) {
            self.requests.pop_front();
            self.dropped += 1;
        }
        number
    }

    /// Stores the HTTP status of the response to the request with this number.
    pub(crate) fn set_status(&mut self, number: usize, status: u16) {
        let place = number.checked_sub(self.dropped);
        if let Some(request) = place.and_then(|place| self.requests.get_mut(place)) {
            request.status = Some(status);
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn clear_requests(&mut self) {
        self.dropped += self.requests.len();
        self.requests.clear();
    }
}
