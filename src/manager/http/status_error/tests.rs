//! Tests for the meaning of error statuses and messages.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::{ErrorBody, classify};
use crate::error::{Error, ErrorKind};
use crate::manager::Address;
use crate::manager::error::{Cause, ManagerError, SignInRefusal};
use crate::manager::http::call::{CallContext, SignerKind};

fn failed(address: &str, signer: SignerKind, status: u16, message: Option<&str>) -> ManagerError {
    let address = Address::parse(address).unwrap_or_else(|reason| panic!("{reason}"));
    let call = CallContext {
        action: "run the test",
        address: &address,
        signer,
    };
    let status = StatusCode::from_u16(status).unwrap_or_default();
    let body = ErrorBody {
        message,
        page: None,
    };
    classify(call, status, &HeaderMap::new(), body)
}

fn cause(signer: SignerKind, status: u16, message: Option<&str>) -> Cause {
    failed("dsm.example.com", signer, status, message)
        .cause()
        .clone()
}

#[test]
fn every_status_can_reject_a_sign_in() {
    for status in [400, 401, 403, 404, 409, 422, 500] {
        assert_eq!(
            cause(
                SignerKind::Password,
                status,
                Some("Invalid user name or password"),
            ),
            Cause::SignInRefused(SignInRefusal::Credentials),
            "{status}"
        );
    }
    assert_eq!(
        cause(SignerKind::Password, 403, Some("User is locked out")),
        Cause::SignInRefused(SignInRefusal::Locked)
    );
    assert_eq!(
        cause(SignerKind::Password, 401, Some("MFA code required")),
        Cause::SignInRefused(SignInRefusal::Code)
    );
}

#[test]
fn a_sign_in_that_did_not_reach_a_manager_is_not_rejected() {
    assert_eq!(cause(SignerKind::Password, 404, None), Cause::Rejected(404));
    assert_eq!(
        cause(SignerKind::Password, 503, None),
        Cause::Unavailable { retry_after: None }
    );
    assert_eq!(
        cause(SignerKind::Password, 429, None),
        Cause::RateLimited { retry_after: None }
    );
}

#[test]
fn an_ended_session_and_a_missing_permission_differ() {
    assert_eq!(cause(SignerKind::Session, 401, None), Cause::Unauthorized);
    assert_eq!(
        cause(SignerKind::Session, 403, Some("Your session has expired")),
        Cause::Unauthorized
    );
    assert_eq!(
        cause(
            SignerKind::Session,
            403,
            Some("Not authorized to view roles")
        ),
        Cause::Forbidden
    );
    assert_eq!(cause(SignerKind::ApiKey, 403, None), Cause::Forbidden);
}

#[test]
fn a_rejected_sign_in_at_a_hosted_manager_suggests_an_api_key() {
    let hint = |address: &str| {
        failed(address, SignerKind::Password, 403, None)
            .hint()
            .to_owned()
    };
    let hosted = hint("https://workload.us-1.cloudone.trendmicro.com");
    assert!(hosted.contains("`--api-key-file`"), "{hosted}");
    assert!(!hint("dsm.example.com").contains("--api-key-file"));
}

#[test]
fn the_session_limit_is_not_a_wrong_password() {
    for status in [400, 401, 403, 409, 429, 500, 503] {
        for message in [
            "MaxSessionsException occurred when authenticating user [admin]",
            "The MAXIMUM number of active sessions has been reached.",
        ] {
            assert_eq!(
                cause(SignerKind::Password, status, Some(message)),
                Cause::TooManySessions,
                "{status} {message}"
            );
        }
    }
    // A sign-in must not be repeated after any other message.
    for message in [
        "The user is locked: maximum number of active sessions",
        "Too many attempts in this session",
        "Session limit",
    ] {
        let cause = cause(SignerKind::Password, 401, Some(message));
        assert!(matches!(cause, Cause::SignInRefused(_)), "{message}");
    }
}

#[test]
fn a_taken_name_and_a_rejected_version_are_recognised_with_any_status() {
    let failed = |signer, status, message| failed("dsm.example.com", signer, status, Some(message));
    let taken = "The requested username already exists.";
    assert_eq!(
        *failed(SignerKind::Session, 429, taken).cause(),
        Cause::RateLimited { retry_after: None }
    );
    for status in [400, 403, 409, 422] {
        let error = failed(SignerKind::Session, status, taken);
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
            let error = failed(signer, status, version);
            assert_eq!(*error.cause(), Cause::Rejected(status), "{signer:?}");
            assert_eq!(Error::from(error).kind(), ErrorKind::Unexpected);
        }
    }
}
