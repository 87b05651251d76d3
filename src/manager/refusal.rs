//! Answers that are no success: what each status means, and to whom.
//!
//! The statuses of most refusals are undocumented (manager-api.md, sections 3 and 10): each decision here says why it is right
//! whichever status a manager sends.

use std::time::Duration;

use chrono::Utc;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use url::Url;

use super::error::{Call, Cause, Failure, ManagerError, Signer, classify};
use super::mask::Mask;
use super::text;

/// An answer that is no success: what it means, without any secret that comes back in it.
pub(super) fn read(
    call: Call<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    mask: &Mask,
) -> ManagerError {
    let answer = Failure::Answer {
        status,
        headers,
        said: text::message(body, mask),
        by_the_manager: text::is_the_managers(body),
    };
    classify(call, answer).hiding(mask)
}

/// What an answer that is no success means; `said` are the words in it. Only `error::classify` asks.
pub(super) fn of(
    call: Call<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    said: Option<&str>,
) -> ManagerError {
    let what = call.what;
    let words = said.map_or_else(String::new, |said| format!(": {said}"));
    let error = match status.as_u16() {
        300..=399 => redirected(call, headers),
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
        404 | 405 if call.signer == Signer::Password && said.is_none() => ManagerError::new(
            Cause::Rejected(status.as_u16()),
            format!(
                "{what}: {} has no place to sign in (HTTP {status})",
                call.address
            ),
            Some(
                "it may be no manager, or one older than Deep Security 11.1; check `--url`"
                    .to_owned(),
            ),
        ),
        _ if call.signer == Signer::Password => sign_in_refused(call, status, said),
        401 => unauthorized(call, &words),
        403 if call.signer == Signer::Session && said.is_some_and(text::says_session_ended) => {
            unauthorized(call, &words)
        }
        403 if call.signer.is_key() && said.is_some_and(text::says_key_refused) => {
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
            (call.signer == Signer::CloudOneKey).then(|| CLOUD_ONE.to_owned()),
        ),
        code => ManagerError::new(
            Cause::Rejected(code),
            format!("{what}: the manager answered HTTP {status}{words}"),
            None,
        ),
    };
    error.http(status)
}

/// No redirect is followed: headers that are secrets would go to a host that nobody named (manager-api.md, section 1).
fn redirected(call: Call<'_>, headers: &HeaderMap) -> ManagerError {
    let location = headers
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let target = match call.address.join("/").join(location) {
        Ok(url) if !location.is_empty() => host_of(&url),
        _ => "a place that it does not name".to_owned(),
    };
    ManagerError::new(
        Cause::Redirected,
        format!(
            "{}: {} answers with a redirect to {target}, which is not followed: the password or key would go there",
            call.what, call.address
        ),
        Some("if that is where the manager is, name it in `--url`".to_owned()),
    )
}

/// Scheme, host and port alone: the rest of a foreign address may hold anything.
fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
        (Some(host), None) => format!("{}://{host}", url.scheme()),
        (None, _) => "a place without a host".to_owned(),
    }
}

/// Which status means what is undocumented: every refusal counts as one that must not be repeated.
fn sign_in_refused(call: Call<'_>, status: StatusCode, said: Option<&str>) -> ManagerError {
    let locked = said.is_some_and(text::says_locked);
    let wants_code = said.is_some_and(text::asks_for_code);
    let words = said.map_or_else(
        || "without saying why".to_owned(),
        |said| format!("saying: {said}"),
    );
    let (message, hint) = if locked {
        (
            format!(
                "the account is locked; the manager refused the sign-in (HTTP {status}), {words}"
            ),
            "an administrator with the right to edit user properties can unlock it; do not try again before that",
        )
    } else if wants_code {
        (
            format!("the manager refused the sign-in (HTTP {status}), {words}"),
            "give the current code of the second factor with `--mfa-code` or `--mfa-command`",
        )
    } else {
        (
            format!("the manager refused the sign-in (HTTP {status}), {words}"),
            "the causes: a wrong user name or password, a wrong or missing `--tenant`, a missing or wrong `--mfa-code`, a locked \
             account, too many sessions, or an expired password; do not repeat it unchanged, each try counts towards the lock-out",
        )
    };
    // The vendor's own sites moved on to accounts of other kinds (manager-api.md, section 3).
    let hint = if call.address.is_hosted() {
        format!(
            "{hint}; an account of Cloud One or Vision One may not sign in so at all: make a key in its console, and use that \
             (`--api-key-file`)"
        )
    } else {
        hint.to_owned()
    };
    ManagerError::new(
        Cause::SignInRefused { locked, wants_code },
        message,
        Some(hint),
    )
}

/// "The apikeys operations work with legacy keys only" (manager-api.md, sections 2 and 8); with which status others are refused is
/// unknown.
const CLOUD_ONE: &str = "the key was sent as one of Cloud One (`--api-key-scheme`), and those do not manage the manager's keys: new Cloud \
     One accounts manage theirs in the Cloud One console; to manage the manager's, sign in with one of its own. It may also be \
     deleted, expired or locked, or its role may lack the right";

fn unauthorized(call: Call<'_>, words: &str) -> ManagerError {
    let not_accepted = || {
        format!(
            "{}: the manager does not accept the API key{words}",
            call.what
        )
    };
    let (message, hint) = match call.signer {
        Signer::CloudOneKey => (not_accepted(), CLOUD_ONE),
        Signer::ApiKey => (
            not_accepted(),
            "it may be deleted, expired or locked, or for another manager or tenant; do not repeat it unchanged",
        ),
        _ => (
            format!(
                "{}: the manager does not accept the session any more{words}",
                call.what
            ),
            "it may have ended; sign in again",
        ),
    };
    ManagerError::new(Cause::Unauthorized, message, Some(hint.to_owned()))
}

fn forbidden_hint(signer: Signer) -> &'static str {
    match signer {
        Signer::CloudOneKey => CLOUD_ONE,
        Signer::ApiKey => {
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
    let until = text::date(headers, &RETRY_AFTER)?;
    let now = text::date(headers, &DATE).unwrap_or_else(Utc::now);
    // A date that has passed means at once.
    Some((until - now).to_std().unwrap_or_default())
}
