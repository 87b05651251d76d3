//! Answers that are no success: what each status means, and to whom.
//!
//! The statuses of most refusals are undocumented (manager-api.md, sections 3 and 10): each decision here says why it is right
//! whichever status a manager sends.

use std::time::Duration;

use chrono::Utc;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use super::page::WebPage;
use super::redaction::Redactor;
use super::{connection_error, error_text, redirect};
use crate::manager::error::{
    CallContext, Cause, FailedCall, ManagerError, SignInRefusal, SignerKind, classify,
};
use crate::manager::other_service::KEY_PAGE;

/// An answer that is no success: what it means, without any secret that comes back in it.
pub(crate) fn read(
    call: CallContext<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    redactor: &Redactor,
) -> ManagerError {
    let answer = FailedCall::ApiResponse {
        status,
        headers,
        said: error_text::message(body, redactor),
        // The manager's own refusal may bear the media type of an error page.
        page: WebPage::of(headers, body, redactor).filter(|_| error_text::has_markup(body)),
        by_the_manager: error_text::is_the_managers(body),
    };
    classify(call, answer).redacted(redactor)
}

/// What the body of a response holds that is no success.
#[derive(Clone, Copy, Default)]
pub(crate) struct ErrorBody<'a> {
    /// The manager's own message.
    pub(crate) said: Option<&'a str>,
    /// A web page.
    pub(crate) page: Option<&'a WebPage>,
}

/// What an answer that is no success means. Only `error::classify` asks.
pub(crate) fn of(
    call: CallContext<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    body: ErrorBody<'_>,
) -> ManagerError {
    let what = call.what;
    let ErrorBody { said, page } = body;
    let words = match (said, page) {
        (Some(said), _) => format!(": {said}"),
        (None, Some(page)) => format!(": the response is {page}"),
        (None, None) => String::new(),
    };
    if let Some(error) = by_words(call, status, said, &words) {
        return error.http(status);
    }
    let error = match status.as_u16() {
        400 if !call.address.is_encrypted() && error_text::says_https(&words) => {
            connection_error::speaks_https(call)
        }
        300..=399 => redirect::of(call, headers),
        429 => ManagerError::new(
            Cause::RateLimited {
                retry_after: retry_after(headers),
            },
            format!("{what}: the manager's rate limit is used up{words}"),
            Some("wait a minute and run it again; the call was not executed".to_owned()),
        ),
        502..=504 => ManagerError::new(
            Cause::Unavailable {
                retry_after: retry_after(headers),
            },
            format!("{what}: the manager is not available (HTTP {status}){words}"),
            Some("a manager that is starting is waited for with `--wait 5m`".to_owned()),
        ),
        _ if page.is_some_and(|page| is_foreign(call, status, page)) => {
            foreign_page(call, status, &words)
        }
        404 | 405 if call.signer == SignerKind::Password && said.is_none() => ManagerError::new(
            Cause::Rejected(status.as_u16()),
            format!(
                "{what}: no sign-in endpoint at {} (HTTP {status}){words}",
                call.address
            ),
            Some(
                "check `--url`: it may name another server, or a manager older than Deep Security 11.1; wait for a manager that \
                 is starting with `--wait 5m`"
                    .to_owned(),
            ),
        ),
        _ if call.signer == SignerKind::Password => sign_in_refused(call, status, said),
        401 => unauthorized(call, &words),
        403 if call.signer == SignerKind::Session && said.is_some_and(error_text::says_session_ended) => {
            unauthorized(call, &words)
        }
        403 if call.signer.is_key() && said.is_some_and(error_text::says_key_refused) => {
            unauthorized(call, &words)
        }
        403 => ManagerError::new(
            Cause::Forbidden,
            format!("{what}: the manager forbids it{words}"),
            Some(forbidden_hint(call.signer).to_owned()),
        ),
        404 => ManagerError::new(
            Cause::NotFound,
            format!("{what}: there is no such object{words}"),
            (call.signer == SignerKind::CloudOneKey).then(|| CLOUD_ONE.to_owned()),
        ),
        code => ManagerError::new(
            Cause::Rejected(code),
            format!("{what}: the manager answered HTTP {status}{words}"),
            None,
        ),
    };
    error.http(status)
}

/// What the manager's words mean with any status. Which status they have is not known for certain.
fn by_words(
    call: CallContext<'_>,
    status: StatusCode,
    said: Option<&str>,
    words: &str,
) -> Option<ManagerError> {
    let said = said?;
    let signing_in = call.signer == SignerKind::Password;
    let refused = status.is_client_error().then_some(status.as_u16());
    if signing_in && error_text::says_too_many_sessions(said) {
        return Some(too_many_sessions(call, words));
    }
    if let Some(code) = refused.filter(|_| error_text::says_version_refused(said)) {
        let message = format!(
            "{}: the manager does not accept the header `api-version: v1` (HTTP {status}){words}",
            call.what
        );
        let hint = "check that no proxy in between removes or changes this header";
        return Some(ManagerError::new(
            Cause::Rejected(code),
            message,
            Some(hint.to_owned()),
        ));
    }
    let taken = |_: &u16| !signing_in && error_text::says_name_taken(said);
    refused.filter(taken).map(|code| {
        let message = format!("{}: the manager answered HTTP {status}{words}", call.what);
        let hint = "choose another name: a key or a user has this one";
        ManagerError::new(Cause::Rejected(code), message, Some(hint.to_owned())).with_name_taken()
    })
}

/// Whether a page is no refusal of the manager. A Tomcat may be the manager's own: its 401 and 403 count as refusals, which is the safe
/// side for the lock-out, and its 404 is a missing object, or no sign-in endpoint.
fn is_foreign(call: CallContext<'_>, status: StatusCode, page: &WebPage) -> bool {
    match status.as_u16() {
        401 | 403 => !page.is_from_tomcat(),
        404 | 405 => false,
        500.. => matches!(call.signer, SignerKind::Password | SignerKind::None),
        _ => true,
    }
}

/// Nothing in the form of the manager's API: a proxy, a firewall, a portal, or an application that does not run yet.
fn foreign_page(call: CallContext<'_>, status: StatusCode, words: &str) -> ManagerError {
    let (cause, hint) = if status.is_server_error() {
        (
            Cause::Unavailable { retry_after: None },
            "wait for a manager that is starting with `--wait 5m`, or read its log if it has started",
        )
    } else {
        (
            Cause::Rejected(status.as_u16()),
            "check `--url`, and the proxies and firewalls between here and the manager: one of them may have sent the page",
        )
    };
    let message = format!(
        "{}: {} answered HTTP {status}{words}",
        call.what, call.address
    );
    ManagerError::new(cause, message, Some(hint.to_owned()))
}

/// What to do if a session is not accepted. Without stickiness a load balancer sends the second request to a node that does not know
/// the session of the first.
pub(crate) const NO_SESSION: &str = "sign in again; if the session was new, the manager may have several nodes and the sign-in went to another \
     one: turn on sticky sessions in the load balancer, or name one node in `--url`";

/// Which status means what is undocumented: every refusal counts as one that must not be repeated.
fn sign_in_refused(call: CallContext<'_>, status: StatusCode, said: Option<&str>) -> ManagerError {
    let refusal = said.map_or(SignInRefusal::Unclear, error_text::sign_in_refusal);
    let words = said.map_or_else(
        || "without saying why".to_owned(),
        |said| format!("saying: {said}"),
    );
    let refused = format!("the manager refused the sign-in (HTTP {status}), {words}");
    let (message, hint) = match refusal {
        SignInRefusal::Locked => (format!("the account is locked; {refused}"), LOCKED),
        SignInRefusal::Code => (
            refused,
            "give the current code of the second factor with `--mfa-code` or `--mfa-command`",
        ),
        SignInRefusal::PasswordExpired | SignInRefusal::Credentials | SignInRefusal::Unclear => (
            refused,
            "the causes: a wrong user name or password, a wrong or missing `--tenant`, a missing or wrong `--mfa-code`, a locked \
             account, too many sessions, or an expired password; do not repeat it unchanged, each try counts towards the lock-out",
        ),
    };
    // The vendor's own sites moved on to accounts of other kinds (manager-api.md, section 3).
    let hint = if call.address.is_hosted() {
        format!(
            "{hint}; an account of Cloud One or Vision One may not sign in so at all: make a key in its console under \
             {KEY_PAGE}, and use that (`--api-key-file`)"
        )
    } else {
        hint.to_owned()
    };
    ManagerError::new(Cause::SignInRefused(refusal), message, Some(hint))
}

const LOCKED: &str = "an administrator with the right to edit user properties can unlock it; do not try again before that";

/// The name and the password were not wrong, so this counts towards no lock-out.
fn too_many_sessions(call: CallContext<'_>, words: &str) -> ManagerError {
    ManagerError::new(
        Cause::TooManySessions,
        format!(
            "{}: the account has as many sessions as the manager allows{words}",
            call.what
        ),
        Some(
            "sign in with an API key (`--api-key-file`), which needs no session, or raise the number of concurrent sessions in the \
             manager's console (Administration > System Settings > Security); unused sessions end by themselves"
                .to_owned(),
        ),
    )
}

/// "The apikeys operations work with legacy keys only" (manager-api.md, sections 2 and 8); with which status others are refused is
/// unknown.
const CLOUD_ONE: &str = "the key was sent as one of Cloud One (`--api-key-scheme`), and those do not manage the manager's keys: new Cloud \
     One accounts manage theirs in the Cloud One console; to manage the manager's, sign in with one of its own. It may also be \
     deleted, expired or locked, or its role may lack the right";

fn unauthorized(call: CallContext<'_>, words: &str) -> ManagerError {
    let not_accepted = || {
        format!(
            "{}: the manager does not accept the API key{words}",
            call.what
        )
    };
    let (message, hint) = match call.signer {
        SignerKind::CloudOneKey => (not_accepted(), CLOUD_ONE),
        SignerKind::ApiKey => (
            not_accepted(),
            "it may be deleted, expired or locked, or for another manager or tenant; do not repeat it unchanged",
        ),
        _ => (
            format!(
                "{}: the manager does not accept the session any more{words}",
                call.what
            ),
            NO_SESSION,
        ),
    };
    ManagerError::new(Cause::Unauthorized, message, Some(hint.to_owned()))
}

fn forbidden_hint(signer: SignerKind) -> &'static str {
    match signer {
        SignerKind::CloudOneKey => CLOUD_ONE,
        SignerKind::ApiKey => {
            "the role of the API key lacks the right, or the key is expired, locked or deleted"
        }
        _ => "the role of this administrator lacks the right; ask for one that has it",
    }
}

/// Seconds, or a date, which is read by the clock of whoever sent it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds =
        (headers.get(RETRY_AFTER)?.to_str().ok()).and_then(|text| text.trim().parse().ok());
    if let Some(seconds) = seconds {
        return Some(Duration::from_secs(seconds));
    }
    let until = error_text::date(headers, &RETRY_AFTER)?;
    let now = error_text::date(headers, &DATE).unwrap_or_else(Utc::now);
    // A date that has passed means at once.
    Some((until - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::manager::Address;

    fn refused(signer: SignerKind, status: u16, said: &str) -> ManagerError {
        let address = Address::parse("dsm.example.com").unwrap_or_else(|why| panic!("{why}"));
        let call = CallContext {
            what: "testing",
            address: &address,
            signer,
        };
        let status = StatusCode::from_u16(status).unwrap_or_default();
        let body = ErrorBody {
            said: Some(said),
            page: None,
        };
        of(call, status, &HeaderMap::new(), body)
    }

    /// Whatever the status, and however it is written.
    #[test]
    fn the_limit_of_sessions_is_not_a_wrong_password() {
        for status in [400, 401, 403, 409, 429, 500, 503] {
            for said in [
                "MaxSessionsException occurred when authenticating user [admin]",
                "The MAXIMUM number of active sessions has been reached.",
            ] {
                let error = refused(SignerKind::Password, status, said);
                assert_eq!(*error.cause(), Cause::TooManySessions, "{status} {said}");
            }
        }
        // Nothing else may be tried again.
        for said in [
            "The user is locked: maximum number of active sessions",
            "Too many attempts in this session",
            "Session limit",
        ] {
            let error = refused(SignerKind::Password, 401, said);
            assert!(matches!(error.cause(), Cause::SignInRefused(_)), "{said}");
        }
    }

    #[test]
    fn words_of_a_taken_name_and_of_the_version_count_with_any_status() {
        let taken = "The requested username already exists.";
        for status in [400, 403, 409, 422] {
            let error = refused(SignerKind::Session, status, taken);
            assert_eq!(*error.cause(), Cause::Rejected(status));
            assert_eq!(Error::from(error).kind(), ErrorKind::Conflict, "{status}");
        }
        let version = "Missing 'api-version' request header. Please set this header";
        for signer in [
            SignerKind::Password,
            SignerKind::Session,
            SignerKind::ApiKey,
        ] {
            for status in [400, 403, 404] {
                let error = refused(signer, status, version);
                assert_eq!(*error.cause(), Cause::Rejected(status), "{signer:?}");
                assert_eq!(Error::from(error).kind(), ErrorKind::Unexpected);
            }
        }
    }
}
