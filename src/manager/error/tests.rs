use super::*;
use crate::manager::http::status_error;

fn classified(signer: SignerKind, status: u16, said: Option<&str>) -> Cause {
    let address = Address::parse("dsm.example.com").unwrap_or_else(|reason| panic!("{reason}"));
    let call = CallContext {
        what: "testing",
        address: &address,
        signer,
    };
    let status = StatusCode::from_u16(status).unwrap_or_default();
    let body = ErrorBody { said, page: None };
    status_error::of(call, status, &HeaderMap::new(), body).cause
}

#[test]
fn every_undocumented_refusal_of_a_sign_in_is_one() {
    for status in [400, 401, 403, 404, 409, 422, 500] {
        let cause = classified(
            SignerKind::Password,
            status,
            Some("Invalid user name or password"),
        );
        assert_eq!(
            cause,
            Cause::SignInRefused(SignInRefusal::Credentials),
            "{status}"
        );
    }
    assert_eq!(
        classified(SignerKind::Password, 403, Some("User is locked out")),
        Cause::SignInRefused(SignInRefusal::Locked)
    );
    assert_eq!(
        classified(SignerKind::Password, 401, Some("MFA code required")),
        Cause::SignInRefused(SignInRefusal::Code)
    );
}

#[test]
fn a_sign_in_that_met_no_manager_is_not_a_refusal() {
    assert_eq!(
        classified(SignerKind::Password, 404, None),
        Cause::Rejected(404)
    );
    assert_eq!(
        classified(SignerKind::Password, 503, None),
        Cause::Unavailable { retry_after: None }
    );
    assert_eq!(
        classified(SignerKind::Password, 429, None),
        Cause::RateLimited { retry_after: None }
    );
}

#[test]
fn an_ended_session_and_a_missing_right_differ() {
    assert_eq!(
        classified(SignerKind::Session, 401, None),
        Cause::Unauthorized
    );
    assert_eq!(
        classified(SignerKind::Session, 403, Some("Your session has expired")),
        Cause::Unauthorized
    );
    assert_eq!(
        classified(
            SignerKind::Session,
            403,
            Some("Not authorized to view roles")
        ),
        Cause::Forbidden
    );
    assert_eq!(classified(SignerKind::ApiKey, 403, None), Cause::Forbidden);
}

#[test]
fn a_refused_sign_in_at_a_hosted_manager_names_the_other_way() {
    let hint = |address: &str| {
        let address = Address::parse(address).unwrap_or_else(|reason| panic!("{reason}"));
        let call = CallContext {
            what: "testing",
            address: &address,
            signer: SignerKind::Password,
        };
        let body = ErrorBody::default();
        let error = status_error::of(call, StatusCode::FORBIDDEN, &HeaderMap::new(), body);
        error.hint.unwrap_or_default()
    };
    let hosted = hint("https://workload.us-1.cloudone.trendmicro.com");
    assert!(hosted.contains("`--api-key-file`"), "{hosted}");
    assert!(!hint("dsm.example.com").contains("--api-key-file"));
}

#[test]
fn only_a_clear_refusal_means_that_nothing_was_done() {
    assert!(Cause::Rejected(409).had_no_effect());
    assert!(!Cause::Rejected(500).had_no_effect());
    assert!(!Cause::Unavailable { retry_after: None }.had_no_effect());
    for session_ended in [false, true] {
        assert!(!Cause::Redirected { session_ended }.had_no_effect());
    }
    assert!(Cause::ConnectionRefused.had_no_effect());
}
