//! The readers of what a manager, or whoever stands in its place, answers.

use reqwest::StatusCode;
use reqwest::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use zeroize::Zeroizing;

use super::api::search::{SearchProgress, Searchable};
use super::api::sessions;
use super::error::{CallContext, Cause, ManagerError, SignerKind};
use super::http::credentials::{Credentials, Session};
use super::http::redaction::Redactor;
use super::http::response::{ApiResponse, page};
use super::http::retry::{RetryPolicy, RetryState};
use super::http::{error_text, status_error};
use super::tls::certificate::{CertificateDetails, CertificateFields, unfit};
use super::tls::certificate_file;
use super::tls::pin::{Pin, PinSet};
use super::{Address, ApiKey, Role};
use crate::fuzzing::{LONGEST, SECRET};
use crate::secret::Secret;
use crate::terminal::output;

/// A head and a body, parted by an empty line.
fn parted(data: &[u8]) -> (&[u8], &[u8]) {
    match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &[]),
    }
}

fn answer(headers: HeaderMap, body: &[u8]) -> ApiResponse {
    let redactor = Redactor::default();
    redactor.add([&Secret::new(SECRET.to_owned())]);
    ApiResponse {
        what: "signing in".to_owned(),
        address: Address::parse("dsm.example.com").expect("an address"),
        signer: SignerKind::Password,
        status: StatusCode::OK,
        html: page(&headers, body, &redactor),
        headers,
        body: Zeroizing::new(body.to_vec()),
    }
}

fn tells_no_secret(error: &ManagerError, secret: &str) {
    let said = error.to_string();
    assert!(!said.contains(secret), "{said}");
    assert!(said.chars().count() < LONGEST, "{said}");
}

/// See [`crate::fuzzing::session`].
pub(crate) fn session(data: &[u8]) {
    let (head, body) = parted(data);
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(SET_COOKIE, value);
        }
    }
    match sessions::session_of(&answer(headers, body)) {
        Ok(session) => is_a_session(&session),
        Err(error) => {
            assert_eq!(error.cause(), &Cause::Unreadable);
            tells_no_secret(&error, SECRET);
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
            assert!(
                !part.contains(|one: char| one == ';' || one.is_control()),
                "{part:?}"
            );
        }
        assert!(!name.contains('='), "{name:?}");
        let others = &session.cookies[..index];
        assert!(
            others.iter().all(|(other, _)| other != name),
            "{name:?} comes twice"
        );
    }
    let mut headers = HeaderMap::new();
    let put_on = Credentials::Session(session.clone()).put_on(&mut headers);
    assert_eq!(put_on, Some(()), "it can be sent");
    assert!(headers.values().all(HeaderValue::is_sensitive));
    let sent = headers[COOKIE].to_str().expect("cookies are ASCII");
    let pairs = session
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={}", value.expose()));
    assert!(sent.split("; ").eq(pairs), "{sent:?}");
}

/// See [`crate::fuzzing::search_answer`].
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
        assert!(!fields.contains_key("secretKey"), "a secret is no field");
        assert_eq!(json_of(&fields)["keyName"].as_str(), key.name());
        for time in [
            key.created(),
            key.last_sign_in(),
            key.unlock_time(),
            key.expiry_date(),
        ] {
            assert_ne!(time, Some(0), "0 stands for null");
            time.map(crate::expiry::format_time);
        }
        if let Some(secret) = key.take_secret() {
            assert!(!secret.is_empty() && !secret.expose().contains(char::is_control));
        }
        assert!(key.take_secret().is_none(), "it is taken out");
    }
}

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::from_str(&output::json_text(value, true)).expect("what is printed is JSON")
}

/// Reads pages to the last, of two objects each.
fn search<T: Searchable>(data: &[u8]) -> Vec<T> {
    let mut reached = SearchProgress::nothing();
    reached.most = 9;
    let mut found: Vec<T> = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        match reached.read(&answer(HeaderMap::new(), line), 2) {
            Ok(page) => found.extend(page),
            Err(error) => {
                assert_eq!(error.cause(), &Cause::Unreadable);
                tells_no_secret(&error, SECRET);
                break;
            }
        }
        if reached.ended {
            break;
        }
    }
    assert!(
        found.iter().is_sorted_by(|one, next| one.id() < next.id()),
        "each comes once"
    );
    found
}

/// See [`crate::fuzzing::error_body`].
pub(crate) fn error_body(data: &[u8]) {
    let (head, body) = parted(data);
    let mut lines = head.split(|byte| *byte == b'\n');
    let secret = lines.next().and_then(|line| str::from_utf8(line).ok());
    let status = lines
        .next()
        .and_then(|line| StatusCode::from_bytes(line).ok());
    let (Some(secret), Some(status)) = (secret, status.filter(|status| !status.is_success()))
    else {
        return;
    };
    // The redactor stands for a secret that is a part of it.
    if secret.len() < 4 || secret.contains(['[', ']']) || "secret".contains(secret) {
        return;
    }
    let headers = lines.filter_map(header).collect();
    let redactor = Redactor::default();
    redactor.add([&Secret::new(secret.to_owned())]);
    if let Some(said) = error_text::message(body, &redactor) {
        assert!(!said.is_empty() && !said.contains(secret), "{said}");
        assert!(said.chars().count() <= 303, "{said}");
    }
    if let Some(said) = page(&headers, body, &redactor) {
        assert!(
            !said.contains(secret) && said.chars().count() < 400,
            "{said}"
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
            what: "signing in",
            address: &address,
            signer,
        };
        let error = status_error::read(call, status, &headers, body, &redactor);
        tells_no_secret(&error, secret);
        is_classified(&error, status, signer);
        ends_in_time(&error);
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
    match status.as_u16() {
        300..=399 => assert!(matches!(cause, Cause::Redirected { .. })),
        429 => assert!(matches!(cause, Cause::RateLimited { .. })),
        502..=504 => assert!(matches!(cause, Cause::Unavailable { .. })),
        _ => {}
    }
    if status.is_server_error() && signer != SignerKind::Password {
        assert!(!error.had_no_effect(), "something may have been done");
    }
    let refused = matches!(cause, Cause::SignInRefused(_));
    assert!(!refused || signer == SignerKind::Password);
}

fn ends_in_time(error: &ManagerError) {
    for repeat in [
        RetryPolicy::Read,
        RetryPolicy::Change,
        RetryPolicy::Idempotent,
        RetryPolicy::SignIn,
        RetryPolicy::Never,
    ] {
        let mut attempts = RetryState::new(repeat, 3);
        let pauses: Vec<_> = std::iter::from_fn(|| attempts.pause_after(error))
            .take(9)
            .collect();
        assert!(pauses.len() <= 3 && pauses.iter().all(|pause| pause.as_secs() <= 60));
        let never = matches!(repeat, RetryPolicy::SignIn | RetryPolicy::Never);
        assert!(pauses.is_empty() || !never, "a sign-in counts");
        let limited = matches!(error.cause(), Cause::RateLimited { .. });
        assert!(
            pauses.is_empty() || limited || repeat != RetryPolicy::Change,
            "a create is made once"
        );
    }
}

/// See [`crate::fuzzing::certificate`].
pub(crate) fn certificate(data: &[u8]) {
    let certificate = CertificateDer::from(data);
    let described = CertificateDetails::of(&certificate);
    for name in &described.names {
        assert!(!name.is_empty() || described.not_after.is_some());
    }
    if let Some(unfit) = unfit(&certificate) {
        assert!(unfit.description.chars().count() < LONGEST, "{unfit}");
    }
    if let Some(claims) = CertificateFields::of(&certificate) {
        assert_eq!(claims.hosts(), described.names);
        assert_eq!(claims.issuer(), described.issuer);
    }
    // Any bytes are a file with certificates, or an error that quotes none of them.
    if let Err(reason) = certificate_file::read(data) {
        assert!(reason.chars().count() < LONGEST, "{reason}");
    }
    let Some(pin) = Pin::of(&certificate) else {
        return;
    };
    assert_eq!(pin.to_string().parse(), Ok(pin));
    let mut pins = PinSet {
        pins: vec![pin],
        source: "`--tls-pin`".to_owned(),
        remedy: "change it".to_owned(),
        stored_for: None,
    };
    assert!(pins.check(&certificate).is_ok(), "its own pin fits");
    pins.pins.clear();
    assert!(pins.check(&certificate).is_err(), "no pin fits none");
}
