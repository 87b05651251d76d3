//! The open questions of the manager's contract, each with the answers that can be played.
//!
//! manager-api.md marks what nobody documents as unknown and lists it in section 11. A client must cope with any of the answers,
//! so each is a switch here. One table makes the typed fields, their defaults and the names for the command line.

use super::choices::{
    AnswerFields, Choice, ErrorBody, ExpiryZero, MfaCodeType, RetryAfter, SearchLag, SessionLimit,
    SignInAnswer, SignInWording, StickyCookie, StoredText,
};

/// One open question, by its name on the command line.
pub struct Unknown {
    /// The name, as in `--unknown NAME=CHOICE`.
    pub name: &'static str,
    /// The section of manager-api.md that leaves it open.
    pub section: &'static str,
    /// What can be played; the first is the default.
    pub choices: &'static [&'static str],
    /// What the question is.
    pub about: &'static str,
    apply: fn(&mut Unknowns, &str) -> bool,
}

impl Unknowns {
    /// Chooses by name, as the command line does.
    ///
    /// # Errors
    /// A sentence that lists what there is, when the name or the choice is not known.
    pub fn set(&mut self, name: &str, choice: &str) -> Result<(), String> {
        let Some(unknown) = UNKNOWNS.iter().find(|unknown| unknown.name == name) else {
            let names: Vec<&str> = UNKNOWNS.iter().map(|unknown| unknown.name).collect();
            return Err(format!(
                "there is no unknown `{name}`; there are {}",
                names.join(", ")
            ));
        };
        if unknown.choices.contains(&choice) && (unknown.apply)(self, choice) {
            return Ok(());
        }
        Err(format!(
            "`{choice}` is no choice of `{name}`; there are {}",
            unknown.choices.join(", ")
        ))
    }
}

macro_rules! unknowns {
    ($($section:literal $name:literal => $(#[doc = $about:literal])+ $field:ident: $kind:ty = $default:expr, [$($choice:literal),+];)+) => {
        /// What is played where the contract is silent. A status is what a refusal answers; `None` there is `accepted`.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Unknowns {
            $($(#[doc = $about])+ pub $field: $kind,)+
        }

        impl Default for Unknowns {
            fn default() -> Unknowns {
                Unknowns { $($field: $default,)+ }
            }
        }

        /// Every open question with its choices.
        pub const UNKNOWNS: &[Unknown] = &[
            $(Unknown {
                name: $name,
                section: $section,
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
    "3" "sign-in-refusal" =>
        /// The status of a refused sign-in.
        sign_in_refusal: u16 = 401, ["401", "403", "400", "500"];
    "3" "sign-in-wording" =>
        /// Whether the message of a refused sign-in names the cause (a lock-out, a missing code), or is the same for all.
        sign_in_wording: SignInWording = SignInWording::Cause, ["cause", "vague", "empty"];
    "3" "sign-in-answer" =>
        /// What a granted sign-in carries.
        sign_in_answer: SignInAnswer = SignInAnswer::Complete,
        ["complete", "no-sid", "no-rid", "empty-sid", "empty-rid", "several-sid"];
    "3" "quoted-cookie" =>
        /// Whether the value of the cookie sID is between quotes. It must come back so, and is the session's ID without them.
        quoted_cookie: bool = false, ["no", "yes"];
    "11 #18" "sessions-endpoint" =>
        /// Whether POST /api/sessions is there at all, as may not be so on SaaS.
        sessions_endpoint: Option<u16> = None, ["accepted", "404", "403", "410"];
    "3" "session-limit" =>
        /// What happens to a sign-in when as many sessions live as may.
        session_limit: SessionLimit = SessionLimit::Refuse, ["refuse", "end-oldest"];
    "3" "mfa-code-type" =>
        /// The JSON type of mfaCode.
        mfa_code_type: MfaCodeType = MfaCodeType::String, ["string", "number", "either"];
    "11 #3" "sticky-cookie" =>
        /// A load balancer's cookie beside sID; needed means that a session is only known to requests that carry it.
        sticky_cookie: StickyCookie = StickyCookie::Off, ["off", "sent", "needed"];
    "2" "sid-alone" =>
        /// The status where a read carries sID without rID.
        sid_alone: Option<u16> = Some(401), ["401", "403", "accepted"];
    "11 #4" "expired-session" =>
        /// The status where the session has ended or was never there.
        expired_session: u16 = 401, ["401", "403"];
    "10" "refused-key" =>
        /// The status where a secret key is wrong or deleted, or no credentials were sent.
        refused_key: u16 = 401, ["401", "403"];
    "10" "unusable-key" =>
        /// The status where a secret key is expired or locked: 403 with the words of a missing right, or 401 with those of a wrong key.
        unusable_key: u16 = 403, ["403", "401"];
    "2" "cloud-one-keys" =>
        /// The status where a key of Cloud One asks for the API-key operations, which are said to work with legacy keys only.
        cloud_one_keys: Option<u16> = None, ["accepted", "401", "403", "404"];
    "11 #20" "session-roles" =>
        /// Whether a session may use the operations on roles and administrators.
        session_roles: Option<u16> = None, ["accepted", "401", "403"];
    "11 #20" "session-keys" =>
        /// Whether a session may use the API-key operations other than create.
        session_keys: Option<u16> = None, ["accepted", "401", "403"];
    "4" "end-session" =>
        /// What DELETE /api/sessions/current does: accepted ends the session, 200 leaves it alive, else it is refused.
        end_session: Option<u16> = None, ["accepted", "200", "401", "403", "404", "405", "500"];
    "4" "logout" =>
        /// What the legacy sign-out does to a session of /api/sessions: accepted ends it, 200 leaves it alive, else it is refused.
        logout: Option<u16> = None, ["accepted", "200", "401", "404", "500"];
    "11 #6" "missing-version" =>
        /// The status where the header api-version is missing.
        missing_version: Option<u16> = Some(400), ["400", "403", "404", "accepted"];
    "11 #6" "unknown-version" =>
        /// The status where api-version is not v1.
        unknown_version: Option<u16> = Some(400), ["400", "403", "404", "accepted"];
    "10" "invalid" =>
        /// The status of malformed JSON, wrong types, and values that cannot be.
        invalid: u16 = 400, ["400", "403", "404", "422", "500"];
    "10" "content-type" =>
        /// The status where a body is not said to be JSON.
        content_type: u16 = 415, ["415", "400", "403"];
    "11 #8" "unknown-role" =>
        /// The status where a key is given a role that does not exist.
        unknown_role: Option<u16> = Some(400), ["400", "403", "404", "500", "accepted"];
    "6.3" "role-omitted" =>
        /// The status where a key is created without roleID; accepted gives Full Access, as is documented for tenant keys.
        role_omitted: Option<u16> = None, ["accepted", "400", "403"];
    "11 #9" "past-expiry" =>
        /// The status where expiryDate is in the past.
        past_expiry: Option<u16> = Some(400), ["400", "403", "accepted"];
    "10" "unknown-time-zone" =>
        /// The status where timeZone is no IANA name.
        unknown_time_zone: Option<u16> = Some(400), ["400", "403", "accepted"];
    "11 #26" "expiry-zero" =>
        /// What expiryDate 0 does.
        expiry_zero: ExpiryZero = ExpiryZero::Clears, ["clears", "ignored", "refused"];
    "11 #7" "duplicate-name" =>
        /// The status where a key, or the administrator, has this name.
        duplicate_name: Option<u16> = Some(400), ["400", "accepted", "403", "409", "500"];
    "11 #10" "delete-missing" =>
        /// The status where what is to be deleted is not there; accepted answers 200.
        delete_missing: Option<u16> = Some(404), ["404", "accepted"];
    "11 #14" "web-service" =>
        /// The status for a key whose role has allowWebService false.
        web_service: Option<u16> = None, ["accepted", "401", "403"];
    "11 #11" "current-without-view" =>
        /// The status of GET /api/apikeys/current for a key whose role may not view keys.
        current_without_view: Option<u16> = Some(403), ["403", "accepted"];
    "5.1" "ignore-case" =>
        /// Whether string equality in a search ignores case.
        ignore_case: bool = true, ["yes", "no"];
    "5.1" "ignore-search" =>
        /// Whether a search ignores its criteria and answers with everything.
        ignore_search: bool = false, ["no", "yes"];
    "5.1" "unknown-field" =>
        /// The status where a criterion names no searchable field; accepted ignores that criterion.
        unknown_field: Option<u16> = Some(400), ["400", "500", "accepted"];
    "11 #12" "trim-names" =>
        /// Whether blanks around a key's name are removed.
        trim_names: bool = false, ["no", "yes"];
    "11 #13" "key-names" =>
        /// What the manager makes of a key's name.
        key_names: StoredText = StoredText::Kept, ["kept", "upper", "lower", "no-blanks", "no-brackets", "cut"];
    "11 #13" "descriptions" =>
        /// What the manager makes of a key's description.
        descriptions: StoredText = StoredText::Kept, ["kept", "upper", "lower", "no-blanks", "no-brackets", "cut", "dropped"];
    "5.1" "search-lag" =>
        /// How long it takes until a search for keys shows one that was created.
        search_lag: SearchLag = SearchLag::None, ["none", "200ms", "1s"];
    "11 #25" "answer-fields" =>
        /// Whether answers have the usual fields, new ones beside them, or only what a client cannot do without.
        answer_fields: AnswerFields = AnswerFields::Usual, ["usual", "future", "sparse"];
    "10" "error-body" =>
        /// The form of an error's body.
        error_body: ErrorBody = ErrorBody::Message, ["message", "legacy", "text", "html", "empty"];
    "11 #21" "retry-after" =>
        /// Whether a 429 says when to come back.
        retry_after: RetryAfter = RetryAfter::None, ["none", "seconds", "date"];
    "1.1" "ping" =>
        /// The status of the ping where an administrator has not enabled it; accepted is enabled.
        ping: Option<u16> = None, ["accepted", "404", "403"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_choice_is_the_default_and_each_other_one_changes_something() {
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
    fn what_is_not_known_is_answered_with_what_is() {
        let mut unknowns = Unknowns::default();
        let no_choice = unknowns
            .set("delete-missing", "maybe")
            .expect_err("no choice");
        assert!(
            no_choice.ends_with("there are 404, accepted"),
            "{no_choice}"
        );
        let no_name = unknowns.set("weather", "fine").expect_err("no name");
        assert!(no_name.contains("sign-in-refusal"), "{no_name}");
    }
}
