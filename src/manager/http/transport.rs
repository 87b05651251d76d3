//! The only place that builds an HTTP client, and the only `send`: TLS, proxy, time-outs, limits, headers, tries, the log.
//!
//! The log holds method, path, status and time. Headers and bodies are not in it at any level, nor are queries, since the one
//! query that is sent holds a session (manager-api.md, section 4).

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, redirect, retry as protocol_retry};
use rustls::ClientConfig;
use serde::Serialize;
use zeroize::Zeroizing;

use super::body;
use super::charset;
use super::credentials::Credentials;
use super::proxy::Proxy;
use super::proxy_failure::{self, ProxyAttempt};
use super::redaction::Redactor;
use super::response::{ApiResponse, page};
use super::retry::{RetryPolicy, RetryState};
use super::status_error;
use super::{error_text, proxy_response};
use crate::manager::address::Address;
use crate::manager::error::{CallContext, Cause, FailedCall, ManagerError, SignerKind, classify};
use crate::manager::tls::config;
use crate::manager::tls::config::Trust;
use crate::secret::{self, Secret};

/// No answer of the contract comes near this, but for those of a search: an object, a session, or words.
const MOST: usize = 256 * 1024;
/// A list of 500 roles with all their rights is about 4 MB.
const MOST_LISTED: usize = 8 * 1024 * 1024;

/// The port is the URL's.
const LOCALHOST: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
];

/// How to reach the manager.
pub(crate) struct ConnectionOptions {
    /// Where it is.
    pub address: Address,
    /// Whom to trust.
    pub trust: Trust,
    /// The proxy to it; none if the connection is direct.
    pub proxy: Option<Proxy>,
    /// How long one request may take in all.
    pub timeout: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How often a read may be repeated.
    pub retries: u32,
}

/// What is sent.
pub(crate) struct ApiRequest<'a> {
    pub(crate) what: &'a str,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) query: Option<(&'a str, &'a Secret)>,
    pub(crate) body: Option<Zeroizing<Vec<u8>>>,
    pub(crate) credentials: Option<&'a Credentials>,
    /// Secrets in the body, to redactor where one comes back.
    pub(crate) secrets: Vec<&'a Secret>,
    pub(crate) repeat: RetryPolicy,
    pub(crate) timeout: Option<Duration>,
    /// Takes the headers of a success, even if its body cannot be read.
    pub(crate) headers: Option<&'a RefCell<HeaderMap>>,
    /// How large its answer may be.
    most: usize,
}

impl<'a> ApiRequest<'a> {
    pub(crate) fn new(what: &'a str, method: Method, path: &'a str, repeat: RetryPolicy) -> Self {
        Self {
            what,
            method,
            path,
            query: None,
            body: None,
            credentials: None,
            secrets: Vec::new(),
            repeat,
            timeout: None,
            headers: None,
            most: MOST,
        }
    }

    pub(crate) fn signed(mut self, credentials: &'a Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Its answer is a list.
    pub(crate) fn listing(mut self) -> Self {
        self.most = MOST_LISTED;
        self
    }

    /// The bytes are zeroed when the request is done with.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        let bytes = secret::json(body).expect("requests are structs with string keys");
        self.body = Some(bytes);
        self
    }

    fn signer(&self) -> SignerKind {
        match (self.credentials, self.repeat) {
            (Some(credentials), _) => credentials.signer(),
            (None, RetryPolicy::SignIn) => SignerKind::Password,
            (None, _) => SignerKind::None,
        }
    }
}

/// The way to one manager.
pub(crate) struct Transport {
    client: Client,
    pub(crate) address: Address,
    proxy: Option<Proxy>,
    /// What a proxy over TLS is checked by.
    tls_to_proxy: Option<Arc<ClientConfig>>,
    retries: u32,
    /// The secrets that went this way or came this way.
    pub(crate) redactor: Redactor,
    /// The manager's clock minus ours, from the last answer that told the time.
    skew: Cell<Option<chrono::Duration>>,
    /// What the manager says that it is, where it does.
    version: RefCell<Option<String>>,
}

/// The header in which a manager names its version.
const VERSION: &str = "x-dsm-version";

impl Transport {
    pub(crate) fn new(options: &ConnectionOptions) -> Result<Self, ManagerError> {
        // http on loopback: no certificate will be looked at, so no roots are read for one.
        let trust = if options.address.is_encrypted() {
            &options.trust
        } else {
            &Trust::Insecure
        };
        let tls = config::configuration(trust, options.address.server_name()).map_err(|error| {
            ManagerError::new(
                Cause::Untrusted,
                format!("TLS cannot be set up: {error}"),
                Some("give the certificates to trust with `--ca-cert FILE`".to_owned()),
            )
        })?;
        Self::with_tls(options, tls)
    }

    /// The same with TLS that is set up already.
    pub(crate) fn with_tls(
        options: &ConnectionOptions,
        tls: ClientConfig,
    ) -> Result<Self, ManagerError> {
        let is_encrypted = |proxy: &&Proxy| proxy.address.is_encrypted();
        let proxy_over_tls = options.proxy.as_ref().filter(is_encrypted);
        let tls_to_proxy = proxy_over_tls.map(|_| Arc::new(tls.clone()));
        let builder = Client::builder()
            .user_agent(concat!("swp-keys/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .redirect(redirect::Policy::none())
            // What may be sent again is decided in retry.rs alone.
            .retry(protocol_retry::never())
            .referer(false)
            // This machine itself, by any resolver (RFC 6761, section 6.3); asking the system's would take a thread.
            .resolve_to_addrs("localhost", &LOCALHOST)
            .timeout(options.timeout)
            .connect_timeout(options.connect_timeout)
            .tcp_nodelay(true)
            .tls_backend_preconfigured(tls)
            .https_only(options.address.is_encrypted());
        let client = with_proxy(builder, options.proxy.as_ref())?
            .build()
            .map_err(|error| unusable(&error_text::innermost(&error)))?;
        Ok(Self {
            client,
            address: options.address.clone(),
            proxy: options.proxy.clone(),
            tls_to_proxy,
            retries: options.retries,
            redactor: Redactor::default(),
            skew: Cell::new(None),
            version: RefCell::default(),
        })
    }

    /// The manager's time, as far as an answer has told it; else this machine's.
    pub(crate) fn manager_time(&self) -> DateTime<Utc> {
        Utc::now() + self.skew.get().unwrap_or_default()
    }

    /// How far the manager's clock is ahead of this machine's, if an answer has told.
    pub(crate) fn skew(&self) -> Option<chrono::Duration> {
        self.skew.get()
    }

    /// The version that an answer told.
    pub(crate) fn version(&self) -> Option<String> {
        let version = self.version.borrow();
        version
            .as_deref()
            .map(|version| self.redactor.redact(version))
    }

    /// Sends `request`, again where that is safe, and returns a success.
    pub(crate) async fn send(&self, request: ApiRequest<'_>) -> Result<ApiResponse, ManagerError> {
        self.send_borrowed(&request).await
    }

    /// The same for a request that is needed afterwards.
    pub(crate) async fn send_borrowed(
        &self,
        request: &ApiRequest<'_>,
    ) -> Result<ApiResponse, ManagerError> {
        let mut attempts = RetryState::new(request.repeat, self.retries);
        loop {
            let error = match self.send_once(request).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(pause) = attempts.pause_after(&error) else {
                return Err(error);
            };
            // What makes a person wait is said without being asked for.
            let level = if pause >= Duration::from_secs(2) {
                log::Level::Warn
            } else {
                log::Level::Info
            };
            log::log!(
                level,
                "{error}; trying again in {:.1} s",
                pause.as_secs_f64()
            );
            tokio::time::sleep(pause).await;
        }
    }

    async fn send_once(&self, request: &ApiRequest<'_>) -> Result<ApiResponse, ManagerError> {
        let call = CallContext {
            what: request.what,
            address: &self.address,
            signer: request.signer(),
        };
        let prepared = self.prepare(request)?;
        let begun = Instant::now();
        let mut response = match self.client.execute(prepared).await {
            Ok(response) => response,
            Err(error) => return Err(self.broken(call, &error).await),
        };
        self.note_time(response.headers());
        self.note_version(response.headers());
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        if let Some(taken) = request.headers.filter(|_| status.is_success()) {
            *taken.borrow_mut() = headers.clone();
        }
        // What is wrong is said at the beginning; nobody listens longer than that.
        let most = if status.is_success() {
            request.most
        } else {
            MOST
        };
        let (body, whole) = match body::read(response, most).await {
            Ok(read) => read,
            Err(error) => return Err(self.broken(call, &error).await),
        };
        let body = charset::utf8(&headers, body);
        log::debug!(
            "{} {} -> {} in {} ms",
            request.method,
            request.path,
            status.as_u16(),
            begun.elapsed().as_millis()
        );
        if status.is_success() && !whole {
            let reason = format!("the manager's answer is larger than {} KiB", most / 1024);
            return Err(classify(
                call,
                FailedCall::Unreadable {
                    status,
                    reason,
                    hint: None,
                },
            ));
        }
        self.redactor.add(request.secrets.iter().copied());
        self.redactor.add(
            request
                .credentials
                .into_iter()
                .flat_map(Credentials::secrets),
        );
        if !status.is_success() {
            return Err(status_error::read(
                call,
                status,
                &headers,
                &body,
                &self.redactor,
            ));
        }
        let html = page(&headers, &body, &self.redactor);
        Ok(ApiResponse {
            what: request.what.to_owned(),
            address: self.address.clone(),
            signer: call.signer,
            status,
            headers,
            body,
            html,
        })
    }

    /// What became of a call that got no whole answer. A proxy that refused it is asked for its reason.
    async fn broken(&self, call: CallContext<'_>, error: &reqwest::Error) -> ManagerError {
        let through = match &self.proxy {
            None => None,
            Some(proxy) => {
                let problem = error_text::tunnel_problem(error);
                let wants_sign_in = problem.as_deref() == Some(proxy_failure::WANTS_SIGN_IN);
                let refused = wants_sign_in || problem.as_deref() == Some(proxy_failure::REFUSED);
                let answer = if refused {
                    let to = self.address.host_and_port();
                    let tls = self.tls_to_proxy.clone();
                    // What was refused once is not sent again: it may count towards a lock-out.
                    proxy_response::ask(proxy, &to, !wants_sign_in, tls).await
                } else {
                    None
                };
                Some(ProxyAttempt { proxy, answer })
            }
        };
        classify(call, FailedCall::Transport { error, through })
    }

    fn prepare(&self, request: &ApiRequest<'_>) -> Result<reqwest::Request, ManagerError> {
        let mut url = self.address.join(request.path);
        if let Some((name, value)) = request.query {
            url.query_pairs_mut().append_pair(name, value.expose());
        }
        let mut prepared = reqwest::Request::new(request.method.clone(), url);
        *prepared.timeout_mut() = request.timeout;
        let headers = prepared.headers_mut();
        headers.insert("api-version", HeaderValue::from_static("v1"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(credentials) = request.credentials {
            credentials.put_on(headers).ok_or_else(|| {
                unusable("the API key or session holds characters that cannot be sent in a header")
            })?;
        }
        if let Some(body) = &request.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            // The copy that the HTTP library sends is zeroed with its owner too.
            *prepared.body_mut() = Some(Bytes::from_owner(body.clone()).into());
        }
        Ok(prepared)
    }

    fn note_version(&self, headers: &HeaderMap) {
        let told = headers.get(VERSION).and_then(|value| value.to_str().ok());
        if let Some(told) = told.map(str::trim).filter(|told| !told.is_empty()) {
            *self.version.borrow_mut() = Some(told.to_owned());
        }
    }

    fn note_time(&self, headers: &HeaderMap) {
        let Some(told) = error_text::date(headers, &DATE) else {
            return;
        };
        let skew = told - Utc::now();
        // A clock that is wrong by years is no clock, and would carry an expiry out of the calendar.
        if skew.abs() < chrono::Duration::days(366) {
            self.skew.set(Some(skew));
        }
    }
}

/// The proxy that was decided on and no other: the HTTP library reads no variable.
fn with_proxy(
    builder: reqwest::ClientBuilder,
    proxy: Option<&Proxy>,
) -> Result<reqwest::ClientBuilder, ManagerError> {
    let builder = builder.no_proxy();
    let Some(proxy) = proxy else {
        return Ok(builder);
    };
    // The reason may quote the address, and that may hold a password.
    let for_client = proxy.address.for_client();
    let for_client = for_client.map_err(|_| unusable(&format!("{proxy} is not usable")))?;
    Ok(builder.proxy(for_client))
}

fn unusable(reason: &str) -> ManagerError {
    ManagerError::new(Cause::Unusable, reason.to_owned(), None)
}
