//! Creates the HTTP client and sends requests. No other module creates a client or sends a request.
//!
//! The log contains the method, path, HTTP status and duration of each request. It never contains headers, bodies or queries, because they may
//! contain secrets. For example, the query of a sign-out contains a session ID (docs/manager-api.md, "Sign-out").

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderValue};
use reqwest::{Client, StatusCode, redirect, retry as protocol_retry};
use rustls::ClientConfig;
use zeroize::Zeroizing;

use super::activity::{activity, pause_reason};
use super::body;
use super::budget::CallBudget;
use super::call::CallContext;
use super::charset;
use super::classify::{FailedCall, classify};
use super::credentials::Credentials;
use super::date::date;
use super::error_chain::{innermost, tunnel_problem};
use super::proxy::Proxy;
use super::proxy_failure::{self, ProxyAttempt};
use super::proxy_response;
use super::redaction::Redactor;
use super::request::{ApiRequest, MAX_BYTES};
use super::response::{ApiResponse, web_page};
use super::retry::RetryState;
use crate::manager::address::Address;
use crate::manager::error::{Cause, ManagerError};
use crate::manager::tls::config::{self, Trust};
use crate::terminal::progress::{Step, Steps};

/// The IP addresses of `localhost`. Port 0 is a placeholder, which the HTTP library replaces with the port of the URL.
const LOCALHOST: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
];

/// The settings of a connection to the manager.
pub(crate) struct ConnectionOptions {
    /// The address of the manager.
    pub address: Address,
    /// How the manager's certificate is verified.
    pub trust: Trust,
    /// The proxy. `None` for a direct connection.
    pub proxy: Option<Proxy>,
    /// The time limit for one request.
    pub timeout: Duration,
    /// The time limit for connecting.
    pub connect_timeout: Duration,
    /// The maximum number of retries of a request.
    pub retries: u32,
    /// The steps that the terminal shows as progress. Each request adds a step.
    pub progress: Steps,
}

/// The HTTP client for one manager.
pub(crate) struct Transport {
    client: Client,
    pub(crate) address: Address,
    proxy: Option<Proxy>,
    /// The TLS configuration for a proxy that uses TLS.
    tls_to_proxy: Option<Arc<ClientConfig>>,
    retries: u32,
    /// The steps that the terminal shows as progress.
    pub(crate) progress: Steps,
    /// The secrets that were sent or received, which are redacted from text in responses.
    pub(crate) redactor: Redactor,
    /// How far the manager's clock is ahead of this machine's clock, according to the last response with a date.
    skew: Cell<Option<chrono::Duration>>,
    /// The manager's version. `None` until a response has contained it.
    version: RefCell<Option<String>>,
    /// The calls that count towards the manager's rate limit.
    pub(crate) budget: CallBudget,
}

/// The response header with the manager's version.
const VERSION: &str = "x-dsm-version";

impl Transport {
    pub(crate) fn new(options: &ConnectionOptions) -> Result<Self, ManagerError> {
        // A connection over http needs no root certificates, so they are not read.
        let trust = if options.address.is_encrypted() {
            &options.trust
        } else {
            &Trust::Insecure
        };
        let tls = config::configuration(trust, options.address.server_name()).map_err(|error| {
            ManagerError::new(
                Cause::Untrusted,
                format!("could not set up TLS: {error}"),
                Some("pass the trusted certificates with `--ca-cert FILE`".to_owned()),
            )
        })?;
        Self::with_tls(options, tls)
    }

    /// Creates a client with this TLS configuration.
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
            // The client's own retries are disabled, because only retry.rs decides which requests are sent again.
            .retry(protocol_retry::never())
            .referer(false)
            // `localhost` is always this machine (RFC 6761, section 6.3), so the system's resolver and its thread are not needed.
            .resolve_to_addrs("localhost", &LOCALHOST)
            .timeout(options.timeout)
            .connect_timeout(options.connect_timeout)
            .tcp_nodelay(true)
            .tls_backend_preconfigured(tls)
            .https_only(options.address.is_encrypted());
        let client = with_proxy(builder, options.proxy.as_ref())?
            .build()
            .map_err(|error| {
                unusable(format!(
                    "could not create the HTTP client: {}",
                    innermost(&error)
                ))
            })?;
        Ok(Self {
            client,
            address: options.address.clone(),
            proxy: options.proxy.clone(),
            tls_to_proxy,
            retries: options.retries,
            progress: options.progress.clone(),
            redactor: Redactor::default(),
            skew: Cell::new(None),
            version: RefCell::default(),
            budget: CallBudget::default(),
        })
    }

    /// Returns the current time according to the manager's clock. If no response has contained a date yet, returns this machine's time.
    pub(crate) fn manager_time(&self) -> DateTime<Utc> {
        Utc::now() + self.skew.get().unwrap_or_default()
    }

    /// Returns how far the manager's clock is ahead of this machine's clock. `None` if no response has contained a date yet.
    pub(crate) fn skew(&self) -> Option<chrono::Duration> {
        self.skew.get()
    }

    /// Returns the manager's version. `None` if no response has contained it yet.
    pub(crate) fn version(&self) -> Option<String> {
        let version = self.version.borrow();
        version
            .as_deref()
            .map(|version| self.redactor.redact(version))
    }

    /// Begins a progress step for a search of several pages. `action` is the purpose of the search, such as `search keys`.
    pub(crate) fn begin_search(&self, action: &str) -> Step {
        let text = activity(action, &self.address.host_and_port());
        self.progress.begin_items(text, None)
    }

    /// Sends a request, repeats it if that is safe, and returns the successful response.
    pub(crate) async fn send(&self, request: &ApiRequest<'_>) -> Result<ApiResponse, ManagerError> {
        let host = self.address.host_and_port();
        let step = self.progress.begin(activity(request.action, &host));
        let mut retries = RetryState::new(request.retry, self.retries);
        loop {
            self.budget.wait_for_room().await;
            let error = match self.send_once(request).await {
                Ok(response) => {
                    self.budget.note_accepted();
                    return Ok(response);
                }
                Err(error) => error,
            };
            if error.is_from_manager() && !matches!(error.cause(), Cause::RateLimited { .. }) {
                self.budget.note_accepted();
            }
            let pause = match self.budget.pause_after(&error, request.retry) {
                Some(pause) => pause,
                None => retries.pause_after(&error),
            };
            let Some(pause) = pause else {
                return Err(error);
            };
            // A pause that is long enough for the user to notice is logged at the default log level.
            let level = if pause >= Duration::from_secs(2) {
                log::Level::Warn
            } else {
                log::Level::Info
            };
            log::log!(level, "{error}; retrying in {:.1} s", pause.as_secs_f64());
            step.set_pause(Some(pause_reason(&error, pause, &host)));
            tokio::select! {
                biased;
                () = signal_of(request) => return Err(error),
                () = tokio::time::sleep(pause) => {}
            }
            step.set_pause(None);
        }
    }

    async fn send_once(&self, request: &ApiRequest<'_>) -> Result<ApiResponse, ManagerError> {
        let call = CallContext {
            action: request.action,
            address: &self.address,
            signer: request.signer(),
        };
        let prepared = self.prepare(request)?;
        let started = Instant::now();
        let mut response = match self.client.execute(prepared).await {
            Ok(response) => response,
            Err(error) => return Err(self.connection_failure(call, &error).await),
        };
        self.note_time(response.headers());
        self.note_version(response.headers());
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        if let Some(receiver) = request.headers.filter(|_| status.is_success()) {
            *receiver.borrow_mut() = headers.clone();
        }
        // The message is at the beginning of an error response, so the rest of a large response is not read.
        let limit = if status.is_success() {
            request.max_bytes
        } else {
            MAX_BYTES
        };
        let (body, complete) = match body::read(response, limit).await {
            Ok(read) => read,
            Err(error) => return Err(self.connection_failure(call, &error).await),
        };
        log::debug!(
            "{} {} -> {} in {} ms",
            request.method,
            request.path,
            status.as_u16(),
            started.elapsed().as_millis()
        );
        if status.is_success() && !complete {
            let failure = FailedCall::Unreadable {
                status,
                reason: format!("the response is larger than {} KiB", limit / 1024),
                hint: None,
            };
            return Err(classify(call, failure));
        }
        self.note_secrets(request);
        let body = charset::to_utf8(&headers, body);
        self.checked(call, status, headers, body)
    }

    /// Returns a response with a success status, or an error for every other status.
    fn checked(
        &self,
        call: CallContext<'_>,
        status: StatusCode,
        headers: HeaderMap,
        body: Zeroizing<Vec<u8>>,
    ) -> Result<ApiResponse, ManagerError> {
        if !status.is_success() {
            let failure = FailedCall::Status {
                status,
                headers: &headers,
                body: &body,
                redactor: &self.redactor,
            };
            return Err(classify(call, failure));
        }
        Ok(ApiResponse {
            action: call.action.to_owned(),
            address: self.address.clone(),
            signer: call.signer,
            status,
            web_page: web_page(&headers, &body, &self.redactor),
            headers,
            body,
        })
    }

    /// Returns the error for a call without a complete response. If a proxy refused the connection, sends the proxy a second request to read the
    /// reason.
    async fn connection_failure(
        &self,
        call: CallContext<'_>,
        error: &reqwest::Error,
    ) -> ManagerError {
        let proxy = match &self.proxy {
            None => None,
            Some(proxy) => {
                let problem = tunnel_problem(error);
                let requires_credentials =
                    problem.as_deref() == Some(proxy_failure::CREDENTIALS_REQUIRED);
                let refused =
                    requires_credentials || problem.as_deref() == Some(proxy_failure::REFUSED);
                let response = if refused {
                    let host = self.address.host_and_port();
                    let tls = self.tls_to_proxy.clone();
                    // Credentials that the proxy rejected are not sent again, because a second failure may lock the account on the proxy.
                    proxy_response::ask(proxy, &host, !requires_credentials, tls).await
                } else {
                    None
                };
                Some(ProxyAttempt { proxy, response })
            }
        };
        classify(call, FailedCall::Transport { error, proxy })
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
            credentials.add_to(headers).ok_or_else(|| {
                unusable(
                    "the API key or session contains characters that cannot be sent in a header"
                        .to_owned(),
                )
            })?;
        }
        if let Some(body) = &request.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            // The HTTP library's copy of the body is zeroed when it is dropped.
            *prepared.body_mut() = Some(Bytes::from_owner(body.clone()).into());
        }
        Ok(prepared)
    }

    fn note_secrets(&self, request: &ApiRequest<'_>) {
        self.redactor.add(request.secrets.iter().copied());
        let credentials = request.credentials.into_iter();
        self.redactor
            .add(credentials.flat_map(Credentials::secrets));
    }

    fn note_version(&self, headers: &HeaderMap) {
        let version = headers.get(VERSION).and_then(|value| value.to_str().ok());
        if let Some(version) = version.map(str::trim).filter(|version| !version.is_empty()) {
            *self.version.borrow_mut() = Some(version.to_owned());
        }
    }

    fn note_time(&self, headers: &HeaderMap) {
        let Some(time) = date(headers, &DATE) else {
            return;
        };
        let skew = time - Utc::now();
        // The expiry of a key is calculated from the manager's date. If this date differs from this machine's clock by more than a year, the date is
        // ignored, because the expiry could be out of range.
        if skew.abs() < chrono::Duration::days(366) {
            self.skew.set(Some(skew));
        }
    }
}

/// Waits for a signal that ends a pause before this request is sent again.
async fn signal_of(request: &ApiRequest<'_>) {
    match request.ends_pause {
        Some(signals) => drop(signals.first_signal().await),
        None => std::future::pending().await,
    }
}

/// Sets the proxy. If there is no proxy, stops the HTTP library from reading HTTPS_PROXY and similar variables.
fn with_proxy(
    builder: reqwest::ClientBuilder,
    proxy: Option<&Proxy>,
) -> Result<reqwest::ClientBuilder, ManagerError> {
    let builder = builder.no_proxy();
    let Some(proxy) = proxy else {
        return Ok(builder);
    };
    // The HTTP library's message is not used, because it may repeat the proxy's address, which may contain a password.
    let for_client = proxy.address.for_client();
    let for_client = for_client.map_err(|_| unusable(format!("{proxy} is invalid")))?;
    Ok(builder.proxy(for_client))
}

fn unusable(message: String) -> ManagerError {
    ManagerError::new(Cause::Unusable, message, None)
}
