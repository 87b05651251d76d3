//! The open questions about the manager's API, each with its possible answers.
//!
//! `docs/manager-api.md` marks undocumented behaviour as unknown. A client must handle every possible behaviour, so each open question is a
//! setting of the sandbox. The fields of [`Unknowns`], their default values and their names on the command line are generated from one
//! table.

use super::choices::{
    AnswerFields, Choice, ErrorBody, ExpiryZero, MfaCodeType, RetryAfter, SearchLag, SessionLimit,
    SignInAnswer, SignInWording, StickyCookie, StoredText,
};

/// One open question.
pub struct Unknown {
    /// The name of the question on the command line: `NAME` in `--unknown NAME=CHOICE`.
    pub name: &'static str,
    /// The possible choices. The first choice is the default.
    pub choices: &'static [&'static str],
    /// The description of the question.
    pub about: &'static str,
    apply: fn(&mut Unknowns, &str) -> bool,
}

impl Unknowns {
    /// Selects an answer to an open question. `name` is the question's name on the command line. `choice` is the answer's name.
    ///
    /// # Errors
    /// Returns a message with the valid names if `name` or `choice` is not valid.
    pub fn set(&mut self, name: &str, choice: &str) -> Result<(), String> {
        let Some(unknown) = UNKNOWNS.iter().find(|unknown| unknown.name == name) else {
            let names: Vec<&str> = UNKNOWNS.iter().map(|unknown| unknown.name).collect();
            return Err(format!(
                "unrecognised behaviour `{name}`; expected one of {}",
                names.join(", ")
            ));
        };
        if unknown.choices.contains(&choice) && (unknown.apply)(self, choice) {
            return Ok(());
        }
        Err(format!(
            "`{choice}` is not a valid choice for `{name}`; expected one of {}",
            unknown.choices.join(", ")
        ))
    }
}

macro_rules! unknowns {
    ($($name:literal => $(#[doc = $about:literal])+ $field:ident: $kind:ty = $default:expr, [$($choice:literal),+];)+) => {
        /// The selected answers to the open questions. A numeric answer is an HTTP status. `None` (the choice `accepted`) means that no error
        /// response is sent.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Unknowns {
            $($(#[doc = $about])+ pub $field: $kind,)+
        }

        impl Default for Unknowns {
            fn default() -> Unknowns {
                Unknowns { $($field: $default,)+ }
            }
        }

        /// All open questions with their choices.
        pub const UNKNOWNS: &[Unknown] = &[
            $(Unknown {
                name: $name,
                choices: &[$($choice),+],
                about: concat!($($about),+),
                apply: |unknowns, choice| {
                    let chosen = <$kind as Choice>::choose(choice);
                    chosen.map(|value| unknowns.$field = value).is_some()
                },
            },)+
        ];
    };
}

unknowns! {
    "sign-in-refusal" =>
        /// The status of a rejected sign-in.
        sign_in_refusal: u16 = 401, ["401", "403", "400", "500"];
    "sign-in-wording" =>
        /// The message of a rejected sign-in. With `cause`, the message states the cause, such as a lockout. With `vague`, the message is the same
        /// for every cause. With `empty`, there is no message.
        sign_in_wording: SignInWording = SignInWording::Cause, ["cause", "vague", "empty"];
    "sign-in-answer" =>
        /// The response to a successful sign-in.
        sign_in_answer: SignInAnswer = SignInAnswer::Complete,
        ["complete", "no-sid", "no-rid", "empty-sid", "empty-rid", "several-sid"];
    "quoted-cookie" =>
        /// Whether the value of the cookie sID is in quotes. Requests must repeat the quotes, but the session ID does not include them.
        quoted_cookie: bool = false, ["no", "yes"];
    "sessions-endpoint" =>
        /// Whether POST /api/sessions exists. It may be missing on the hosted service.
        sessions_endpoint: Option<u16> = None, ["accepted", "404", "403", "410"];
    "session-limit" =>
        /// The result of a sign-in when the maximum number of sessions is open.
        session_limit: SessionLimit = SessionLimit::Refuse, ["refuse", "end-oldest"];
    "mfa-code-type" =>
        /// The JSON type of mfaCode.
        mfa_code_type: MfaCodeType = MfaCodeType::String, ["string", "number", "either"];
    "sticky-cookie" =>
        /// The cookie that a load balancer sets in addition to sID. With `needed`, a session works only for requests that contain this
        /// cookie.
        sticky_cookie: StickyCookie = StickyCookie::Off, ["off", "sent", "needed"];
    "sid-alone" =>
        /// The status of a read request that has the session cookie sID but lacks the session header rID.
        sid_alone: Option<u16> = Some(401), ["401", "403", "accepted"];
    "expired-session" =>
        /// The status of a request whose session has ended or never existed.
        expired_session: u16 = 401, ["401", "403"];
    "refused-key" =>
        /// The status of a request with a wrong secret key, with a deleted key, or without credentials.
        refused_key: u16 = 401, ["401", "403"];
    "unusable-key" =>
        /// The status of a request with an expired or locked key: 403 with the message for a missing right, or 401 with the message for a wrong key.
        unusable_key: u16 = 403, ["403", "401"];
    "cloud-one-keys" =>
        /// The status of a request that manages API keys and is authenticated with a Cloud One key. The documentation allows only legacy keys.
        cloud_one_keys: Option<u16> = None, ["accepted", "401", "403", "404"];
    "session-roles" =>
        /// Whether operations on roles and administrators accept a session.
        session_roles: Option<u16> = None, ["accepted", "401", "403"];
    "session-keys" =>
        /// Whether operations on API keys accept a session. Creating a key always accepts a session.
        session_keys: Option<u16> = None, ["accepted", "401", "403"];
    "end-session" =>
        /// The effect of DELETE /api/sessions/current. `accepted` ends the session. `200` returns 200 but leaves the session open. Every
        /// other choice is the status of an error response.
        end_session: Option<u16> = None, ["accepted", "200", "401", "403", "404", "405", "500"];
    "logout" =>
        /// The effect of the legacy sign-out on a session of /api/sessions. `accepted` ends the session. `200` returns 200 but leaves the
        /// session open. Every other choice is the status of an error response.
        logout: Option<u16> = None, ["accepted", "200", "401", "404", "500"];
    "missing-version" =>
        /// The status of a request without the header api-version.
        missing_version: Option<u16> = Some(400), ["400", "403", "404", "accepted"];
    "unknown-version" =>
        /// The status of a request with a value of api-version other than v1.
        unknown_version: Option<u16> = Some(400), ["400", "403", "404", "accepted"];
    "invalid" =>
        /// The status of a request with malformed JSON, wrong types or invalid values.
        invalid: u16 = 400, ["400", "403", "404", "422", "500"];
    "content-type" =>
        /// The status of a request with a body that is not declared as JSON.
        content_type: u16 = 415, ["415", "400", "403"];
    "unknown-role" =>
        /// The status of a request with an unknown roleID.
        unknown_role: Option<u16> = Some(400), ["400", "403", "404", "500", "accepted"];
    "role-omitted" =>
        /// The status of a request that creates a key without roleID. With `accepted`, the key gets Full Access, as documented for tenant keys.
        role_omitted: Option<u16> = None, ["accepted", "400", "403"];
    "past-expiry" =>
        /// The status of a request that sets an expiryDate in the past.
        past_expiry: Option<u16> = Some(400), ["400", "403", "accepted"];
    "unknown-time-zone" =>
        /// The status of a request whose timeZone is not an IANA name.
        unknown_time_zone: Option<u16> = Some(400), ["400", "403", "accepted"];
    "expiry-zero" =>
        /// The effect of expiryDate 0.
        expiry_zero: ExpiryZero = ExpiryZero::Clears, ["clears", "ignored", "refused"];
    "duplicate-name" =>
        /// The status of a request that sets a name in use. The name may belong to a key or to the administrator.
        duplicate_name: Option<u16> = Some(400), ["400", "accepted", "403", "409", "500"];
    "delete-missing" =>
        /// The status of a request that deletes a missing object. With `accepted`, the status is 200.
        delete_missing: Option<u16> = Some(404), ["404", "accepted"];
    "web-service" =>
        /// The status of a request with a key whose role has allowWebService: false.
        web_service: Option<u16> = None, ["accepted", "401", "403"];
    "current-without-view" =>
        /// The status of GET /api/apikeys/current for a key whose role cannot view keys.
        current_without_view: Option<u16> = Some(403), ["403", "accepted"];
    "ignore-case" =>
        /// Whether a search ignores case when it tests strings for equality.
        ignore_case: bool = true, ["yes", "no"];
    "ignore-search" =>
        /// Whether a search ignores its criteria and returns everything.
        ignore_search: bool = false, ["no", "yes"];
    "unknown-field" =>
        /// The status of a search with a criterion for an unknown field. With `accepted`, the search ignores the criterion.
        unknown_field: Option<u16> = Some(400), ["400", "500", "accepted"];
    "trim-names" =>
        /// Whether spaces before and after the name of a key are removed.
        trim_names: bool = false, ["no", "yes"];
    "key-names" =>
        /// The form in which the manager stores the name of a key.
        key_names: StoredText = StoredText::Kept, ["kept", "upper", "lower", "no-blanks", "no-brackets", "cut"];
    "descriptions" =>
        /// The form in which the manager stores the description of a key.
        descriptions: StoredText = StoredText::Kept, ["kept", "upper", "lower", "no-blanks", "no-brackets", "cut", "dropped"];
    "search-lag" =>
        /// The time until a search finds a new key.
        search_lag: SearchLag = SearchLag::None, ["none", "200ms", "1s"];
    "answer-fields" =>
        /// The fields of responses. `usual`: the usual fields. `future`: also unknown fields. `sparse`: only the fields that a client needs.
        answer_fields: AnswerFields = AnswerFields::Usual, ["usual", "future", "sparse"];
    "error-body" =>
        /// The form of an error response's body.
        error_body: ErrorBody = ErrorBody::Message, ["message", "legacy", "text", "html", "empty"];
    "retry-after" =>
        /// The form of the header Retry-After in a response with status 429. With `none`, the response does not contain the header.
        retry_after: RetryAfter = RetryAfter::None, ["none", "seconds", "date"];
    "ping" =>
        /// The response to GET /rest/status/manager/ping. `accepted` means that the ping is enabled. `404` and `403` mean that the ping is disabled,
        /// and that the request is rejected with this status.
        ping: Option<u16> = None, ["accepted", "404", "403"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_choice_is_the_default_and_every_other_choice_differs() {
        for unknown in UNKNOWNS {
            for (place, choice) in unknown.choices.iter().enumerate() {
                let mut unknowns = Unknowns::default();
                assert_eq!(
                    unknowns.set(unknown.name, choice),
                    Ok(()),
                    "{}={choice}",
                    unknown.name
                );
                assert_eq!(
                    unknowns == Unknowns::default(),
                    place == 0,
                    "{}={choice}",
                    unknown.name
                );
            }
        }
    }

    #[test]
    fn an_unknown_name_is_rejected_with_a_list_of_the_valid_ones() {
        let mut unknowns = Unknowns::default();
        let no_choice = unknowns
            .set("delete-missing", "maybe")
            .expect_err("no choice");
        assert!(no_choice.ends_with("404, accepted"), "{no_choice}");
        let no_name = unknowns.set("weather", "fine").expect_err("no name");
        assert!(no_name.contains("sign-in-refusal"), "{no_name}");
    }
}
