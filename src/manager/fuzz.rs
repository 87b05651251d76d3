//! The fuzz entry points for the parsers of addresses, certificates and responses.

use reqwest::StatusCode;
use reqwest::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::address::Address;
use super::api::api_key::ApiKey;
use super::api::roles::Role;
use super::api::search::{SearchProgress, Searchable};
use super::api::sessions;
use super::error::{Cause, ManagerError};
use super::http::call::{CallContext, SignerKind};
use super::http::classify::{FailedCall, classify};
use super::http::credentials::{Credentials, Session};
use super::http::error_text;
use super::http::redaction::Redactor;
use super::http::response::{ApiResponse, web_page};
use super::http::retry::{RetryPolicy, RetryState};
use super::tls::certificate::{CertificateDetails, CertificateFields, unusable};
use super::tls::certificate_file;
use super::tls::pin::{Pin, PinSet};
use crate::fuzz_support::{LONGEST, SECRET, is_short};
use crate::secret::Secret;
use crate::terminal::output;

/// See `fuzzing::address`.
pub(crate) fn address(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    for text in [
        format!("https://admin:{SECRET}@{text}"),
        format!("{SECRET}@{text}"),
    ] {
        let reason = Address::parse(&text).expect_err("an address cannot contain a password");
        assert!(!reason.contains(SECRET), "{reason}");
    }
    match Address::parse(text) {
        Ok(address) => is_an_address(text.trim(), &address),
        Err(reason) => is_short(&reason),
    }
}

fn is_an_address(text: &str, address: &Address) {
    let shown = address.to_string();
    assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()), "{shown}");
    assert!(!text.contains(char::is_control), "{text:?} became {shown}");
    assert_eq!(Address::parse(&shown).as_ref(), Ok(address));
    let url = Url::parse(&shown).expect("an address is a URL");
    let host = url.host().expect("an address has a host");
    let loopback = match &host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.octets()[0] == 127,
        Host::Ipv6(address) => address.segments() == [0, 0, 0, 0, 0, 0, 0, 1],
    };
    assert_eq!(address.is_loopback(), loopback, "{shown}");
    assert_eq!(address.is_encrypted(), url.scheme() == "https");
    assert!(address.is_encrypted() || loopback, "{shown}");
    assert!(url.username().is_empty() && url.password().is_none());
    assert!(url.query().is_none() && url.fragment().is_none());
    let port = url.port_or_known_default().expect("https has a port");
    // A dot at the end of the host name does not change the host.
    let host = host.to_string();
    let known = host.strip_suffix('.').unwrap_or(&host);
    assert_eq!(address.host_and_port(), format!("{known}:{port}"));
    let bare = !text.contains("://");
    let named = text.split(':').skip(1).any(|rest| {
        let digits = rest.split(|other: char| !other.is_ascii_digit()).next();
        digits.is_some_and(|digits| digits.parse() == Ok(port))
    });
    // The groups of an IPv6 address look like ports.
    assert!(
        !bare || port == 4119 || named,
        "{text:?} has no port, and became {shown}"
    );
    if let (true, Ok(read)) = (bare, Url::parse(&format!("https://{text}"))) {
        assert!(
            read.port().is_none_or(|named| named == port),
            "{text:?} became {shown}"
        );
    }
    let scheme = text.split(':').next().unwrap_or_default().to_lowercase();
    let malformed = text.contains(':') && ["http", "https"].contains(&scheme.as_str());
    assert!(!bare || !malformed, "{text:?} became {shown}");
    let joined = address.join("/api/roles/search");
    assert_eq!(joined.origin(), url.origin());
    assert!(joined.path().ends_with("/api/roles/search"), "{joined}");
    assert!(joined.as_str().starts_with(&shown), "{joined}");
}

/// Splits data into a head and a body at the first empty line.
fn head_and_body(data: &[u8]) -> (&[u8], &[u8]) {
    match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &[]),
    }
}

fn response(headers: HeaderMap, body: &[u8]) -> ApiResponse {
    let redactor = Redactor::default();
    redactor.add([&Secret::new(SECRET.to_owned())]);
    ApiResponse {
        action: "sign in".to_owned(),
        address: Address::parse("dsm.example.com").expect("an address"),
        signer: SignerKind::Password,
        status: StatusCode::OK,
        web_page: web_page(&headers, body, &redactor),
        headers,
        body: Zeroizing::new(body.to_vec()),
    }
}

fn repeats_no_secret(error: &ManagerError, secret: &str) {
    let message = error.to_string();
    assert!(!message.contains(secret), "{message}");
    is_short(&message);
}

/// See `fuzzing::session`.
pub(crate) fn session(data: &[u8]) {
    let (head, body) = head_and_body(data);
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(SET_COOKIE, value);
        }
    }
    match sessions::session_of(&response(headers, body)) {
        Ok(session) => is_a_session(&session),
        Err(error) => {
            assert_eq!(error.cause(), &Cause::Unreadable);
            repeats_no_secret(&error, SECRET);
        }
    }
}

fn is_a_session(session: &Session) {
    assert!(session.ids().iter().all(|id| !id.is_empty()) && !session.ids().is_empty());
    assert!(!session.request_id.is_empty());
    for (index, (name, value)) in session.cookies.iter().enumerate() {
        let value = value.expose();
        for part in [name.as_str(), value] {
            assert!(!part.is_empty() && part == part.trim());
            assert!(!part.contains(char::is_control), "{part:?}");
        }
        assert!(!name.contains(['=', ';']), "{name:?}");
        assert!(value.starts_with('"') || !value.contains(';'), "{value:?}");
        let others = &session.cookies[..index];
        assert!(
            others.iter().all(|(other, _)| other != name),
            "{name:?} occurs twice"
        );
    }
    let mut headers = HeaderMap::new();
    let added = Credentials::Session(session.clone()).add_to(&mut headers);
    assert_eq!(added, Some(()), "the session can be sent");
    assert!(headers.values().all(HeaderValue::is_sensitive));
    let sent = headers[COOKIE].to_str().expect("cookies are ASCII");
    let pairs = session
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={}", value.expose()));
    assert_eq!(sent, pairs.collect::<Vec<_>>().join("; "));
}

/// See `fuzzing::search_answer`.
pub(crate) fn search_answer(data: &[u8]) {
    for role in search::<Role>(data) {
        let json = json_of(&role);
        assert_eq!(json["ID"], Value::from(role.id));
        assert_eq!(json["name"], Value::from(role.name.as_str()));
        assert_eq!(json["description"].as_str(), role.description());
    }
    for mut key in search::<ApiKey>(data) {
        let fields = key.fields();
        assert_eq!(fields["ID"], Value::from(key.id));
        assert!(
            !fields.contains_key("secretKey"),
            "the secret is not a field"
        );
        assert_eq!(json_of(&fields)["keyName"].as_str(), key.name());
        for time in [
            key.created(),
            key.last_sign_in(),
            key.unlock_time(),
            key.expiry_date(),
        ] {
            assert_ne!(time, Some(0), "0 means null");
            time.map(crate::expiry::format_time);
        }
        if let Some(secret) = key.take_secret() {
            assert!(!secret.is_empty() && !secret.expose().contains(char::is_control));
        }
        assert!(key.take_secret().is_none(), "the secret was removed");
    }
}

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::from_str(&output::json_text(value, true)).expect("the output is JSON")
}

/// Parses the pages of a search, with two objects on each page, up to the last page.
fn search<T: Searchable>(data: &[u8]) -> Vec<T> {
    let mut progress = SearchProgress::new();
    progress.limit = 9;
    let mut found: Vec<T> = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        match progress.read(&response(HeaderMap::new(), line), 2) {
            Ok(page) => found.extend(page),
            Err(error) => {
                assert_eq!(error.cause(), &Cause::Unreadable);
                repeats_no_secret(&error, SECRET);
                break;
            }
        }
        if progress.ended {
            break;
        }
    }
    assert!(
        found.iter().is_sorted_by(|one, next| one.id() < next.id()),
        "each object occurs once"
    );
    found
}

/// See `fuzzing::error_body`.
pub(crate) fn error_body(data: &[u8]) {
    let (head, body) = head_and_body(data);
    let mut lines = head.split(|byte| *byte == b'\n');
    let secret = lines.next().and_then(|line| str::from_utf8(line).ok());
    let status = lines
        .next()
        .and_then(|line| StatusCode::from_bytes(line).ok());
    let (Some(secret), Some(status)) = (secret, status.filter(|status| !status.is_success()))
    else {
        return;
    };
    // If the secret is a part of its replacement `[secret]`, the redacted text still contains it.
    if secret.len() < 4 || secret.contains(['[', ']']) || "secret".contains(secret) {
        return;
    }
    let headers = lines.filter_map(header).collect();
    let redactor = Redactor::default();
    redactor.add([&Secret::new(secret.to_owned())]);
    if let Some(message) = error_text::message(body, &redactor) {
        assert!(
            !message.is_empty() && !message.contains(secret),
            "{message}"
        );
        assert!(
            message.chars().count() <= error_text::LIMIT + 3,
            "{message}"
        );
    }
    if let Some(page) = web_page(&headers, body, &redactor) {
        assert!(
            !page.contains(secret) && page.chars().count() < 400,
            "{page}"
        );
    }
    for signer in [
        SignerKind::None,
        SignerKind::Password,
        SignerKind::Session,
        SignerKind::ApiKey,
    ] {
        let address = Address::parse("dsm.example.com").expect("an address");
        let call = CallContext {
            action: "sign in",
            address: &address,
            signer,
        };
        let failure = FailedCall::Status {
            status,
            headers: &headers,
            body,
            redactor: &redactor,
        };
        let error = classify(call, failure);
        repeats_no_secret(&error, secret);
        is_classified(&error, status, signer);
        retries_end(&error);
    }
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    Some((
        name,
        HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?,
    ))
}

fn is_classified(error: &ManagerError, status: StatusCode, signer: SignerKind) {
    assert_eq!(error.http_status(), Some(status.as_u16()));
    let cause = error.cause();
    let is_sign_in = signer == SignerKind::Password;
    match status.as_u16() {
        // The message about the session limit has the same meaning with every status.
        _ if is_sign_in && cause == &Cause::TooManySessions => {}
        300..=399 => assert!(matches!(cause, Cause::Redirected { .. })),
        429 => assert!(matches!(cause, Cause::RateLimited { .. })),
        502..=504 => assert!(matches!(cause, Cause::Unavailable { .. })),
        _ => {}
    }
    if status.is_server_error() && signer != SignerKind::Password {
        assert!(!error.had_no_effect(), "the call may have had an effect");
    }
    let refused = matches!(cause, Cause::SignInRefused(_));
    assert!(!refused || signer == SignerKind::Password);
}

fn retries_end(error: &ManagerError) {
    for policy in [
        RetryPolicy::Read,
        RetryPolicy::Change,
        RetryPolicy::Idempotent,
        RetryPolicy::SignIn,
        RetryPolicy::Never,
    ] {
        let mut retries = RetryState::new(policy, 3);
        let pauses: Vec<_> = std::iter::from_fn(|| retries.pause_after(error))
            .take(9)
            .collect();
        assert!(pauses.len() <= 3 && pauses.iter().all(|pause| pause.as_secs() <= 60));
        let never = matches!(policy, RetryPolicy::SignIn | RetryPolicy::Never);
        assert!(
            pauses.is_empty() || !never,
            "the request must not be repeated"
        );
        let limited = matches!(error.cause(), Cause::RateLimited { .. });
        assert!(
            pauses.is_empty() || limited || policy != RetryPolicy::Change,
            "a create request must not be repeated"
        );
    }
}

/// See `fuzzing::certificate`.
pub(crate) fn certificate(data: &[u8]) {
    let certificate = CertificateDer::from(data);
    let described = CertificateDetails::of(&certificate);
    for name in &described.names {
        assert!(!name.is_empty() || described.not_after.is_some());
    }
    if let Some(unusable) = unusable(&certificate) {
        assert!(unusable.description.chars().count() < LONGEST, "{unusable}");
    }
    if let Some(claims) = CertificateFields::of(&certificate) {
        assert_eq!(claims.hosts(), described.names);
        assert_eq!(claims.issuer(), described.issuer);
    }
    if let Err(reason) = certificate_file::parse(data) {
        is_short(&reason);
    }
    let Some(pin) = Pin::of(&certificate) else {
        return;
    };
    assert_eq!(pin.to_string().parse(), Ok(pin));
    let mut pins = PinSet {
        pins: vec![pin],
        source: "`--tls-pin`".to_owned(),
        remedy: "change the pin".to_owned(),
        stored_for: None,
    };
    assert!(pins.check(&certificate).is_ok(), "its own pin matches");
    pins.pins.clear();
    assert!(
        pins.check(&certificate).is_err(),
        "no pin matches without pins"
    );
}
