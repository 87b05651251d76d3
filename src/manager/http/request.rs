//! A request to the manager.

use std::cell::RefCell;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::Serialize;
use zeroize::Zeroizing;

use super::call::SignerKind;
use super::credentials::Credentials;
use super::retry::RetryPolicy;
use crate::process::signals::Signals;
use crate::secret::{self, Secret};

/// The maximum size of a response that is not a list. Such a response of a real manager is much smaller.
pub(crate) const MAX_BYTES: usize = 256 * 1024;
/// The maximum size of a response that is a list. A page of 500 roles with all their rights takes about 4 MB.
const MAX_LIST_BYTES: usize = 8 * 1024 * 1024;

/// A request to the manager.
pub(crate) struct ApiRequest<'a> {
    /// The purpose of the request, such as `sign in`. It follows `could not` in messages.
    pub(crate) action: &'a str,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) query: Option<(&'a str, &'a Secret)>,
    pub(crate) body: Option<Zeroizing<Vec<u8>>>,
    pub(crate) credentials: Option<&'a Credentials>,
    /// The secrets in the body. They are redacted from responses.
    pub(crate) secrets: Vec<&'a Secret>,
    pub(crate) retry: RetryPolicy,
    /// If set, one of these signals ends the pause between two attempts.
    pub(crate) ends_pause: Option<&'a Signals>,
    pub(crate) timeout: Option<Duration>,
    /// Receives the headers of a successful response, even if the body cannot be read.
    pub(crate) headers: Option<&'a RefCell<HeaderMap>>,
    /// The maximum size of the response.
    pub(crate) max_bytes: usize,
}

impl<'a> ApiRequest<'a> {
    pub(crate) fn new(action: &'a str, method: Method, path: &'a str, retry: RetryPolicy) -> Self {
        Self {
            action,
            method,
            path,
            query: None,
            body: None,
            credentials: None,
            secrets: Vec::new(),
            retry,
            ends_pause: None,
            timeout: None,
            headers: None,
            max_bytes: MAX_BYTES,
        }
    }

    pub(crate) fn signed(mut self, credentials: &'a Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sets the maximum size of the response to `MAX_LIST_BYTES`, because the response is a list.
    pub(crate) fn listing(mut self) -> Self {
        self.max_bytes = MAX_LIST_BYTES;
        self
    }

    /// Sets the signals that end a pause before the request is sent again. The call then fails with the error of the last attempt.
    pub(crate) fn pause_until(mut self, signals: Option<&'a Signals>) -> Self {
        self.ends_pause = signals;
        self
    }

    /// Sets the body. Its bytes are zeroed when the request is dropped.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        let bytes = secret::json(body).expect("a struct can be serialized as JSON");
        self.body = Some(bytes);
        self
    }

    /// Returns the kind of the credentials.
    pub(crate) fn signer(&self) -> SignerKind {
        match (self.credentials, self.retry) {
            (Some(credentials), _) => credentials.signer(),
            (None, RetryPolicy::SignIn) => SignerKind::Password,
            (None, _) => SignerKind::None,
        }
    }
}
