//! The possible answers to the open questions about the manager's API, with their names on the command line. A question about a status code
//! has no type here, because its answers are numbers.

/// A type whose values have names on the command line.
pub(crate) trait Choice: Sized {
    /// Returns the value with this name. `None` if no value has this name.
    fn choose(word: &str) -> Option<Self>;
}

impl Choice for u16 {
    fn choose(word: &str) -> Option<u16> {
        word.parse().ok()
    }
}

/// The HTTP status of an error response. The choice `accepted` becomes `None`, because the request then succeeds.
impl Choice for Option<u16> {
    fn choose(word: &str) -> Option<Option<u16>> {
        if word == "accepted" {
            Some(None)
        } else {
            word.parse().ok().map(Some)
        }
    }
}

impl Choice for bool {
    fn choose(word: &str) -> Option<bool> {
        match word {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        }
    }
}

macro_rules! choice {
    ($(#[$about:meta])+ $name:ident { $($(#[$doc:meta])+ $variant:ident = $word:literal,)+ }) => {
        $(#[$about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])+ $variant,)+
        }

        impl $name {
            /// The names of all values on the command line.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Returns the value with this name. `None` if no value has this name.
            pub fn named(word: &str) -> Option<$name> {
                match word {
                    $($word => Some($name::$variant),)+
                    _ => None,
                }
            }
        }

        impl $crate::sandbox::options::choices::Choice for $name {
            fn choose(word: &str) -> Option<$name> {
                $name::named(word)
            }
        }
    };
}
pub(crate) use choice;

choice! {
    /// The message of a rejected sign-in.
    SignInWording {
        /// The message states the cause, such as a wrong password, a locked account, too many sessions or a missing MFA code.
        Cause = "cause",
        /// The message does not state why the sign-in was rejected.
        Vague = "vague",
        /// The response has no body.
        Empty = "empty",
    }
}

choice! {
    /// The response to a successful sign-in.
    SignInAnswer {
        /// The response contains the cookie sID and the RID.
        Complete = "complete",
        /// The response sets no cookie.
        NoSid = "no-sid",
        /// The body contains no RID.
        NoRid = "no-rid",
        /// The cookie sID has no value.
        EmptySid = "empty-sid",
        /// The RID in the body is empty.
        EmptyRid = "empty-rid",
        /// The response sets the cookie sID twice. Only the second cookie is valid, because a browser replaces the first cookie (RFC 6265,
        /// section 5.3).
        SeveralSid = "several-sid",
    }
}

choice! {
    /// The result of a sign-in if the maximum number of sessions is already open.
    SessionLimit {
        /// The sign-in is rejected.
        Refuse = "refuse",
        /// The oldest session ends, and the sign-in succeeds.
        EndOldest = "end-oldest",
    }
}

choice! {
    /// The JSON type that the field `mfaCode` of a sign-in must have.
    MfaCodeType {
        /// mfaCode must be a string.
        String = "string",
        /// mfaCode must be a number.
        Number = "number",
        /// mfaCode may be a string or a number.
        Either = "either",
    }
}

choice! {
    /// Whether a load balancer sets a cookie, and whether requests must contain this cookie.
    StickyCookie {
        /// No cookie of a load balancer is set.
        Off = "off",
        /// The cookie is set, but requests need not contain it.
        Sent = "sent",
        /// The cookie is set, and requests must contain it. A request without the cookie would reach a node that does not know the session.
        Needed = "needed",
    }
}

choice! {
    /// The effect of a request that sets the `expiryDate` of an API key to 0.
    ExpiryZero {
        /// The expiry date is cleared, so the key does not expire.
        Clears = "clears",
        /// The expiry date does not change.
        Ignored = "ignored",
        /// The request is rejected, like a request with an expiry date in the past.
        Refused = "refused",
    }
}

choice! {
    /// The fields that responses contain.
    AnswerFields {
        /// Responses contain the fields of the published API document.
        Usual = "usual",
        /// Responses contain the fields of the published API document, and additional fields that clients do not know.
        Future = "future",
        /// Responses contain only the ID and the name of an object, and the secret key if the operation returns one.
        Sparse = "sparse",
    }
}

choice! {
    /// The form of the body of an error response.
    ErrorBody {
        /// `{"message": "..."}`
        Message = "message",
        /// `{"error": {"message": "..."}}`
        Legacy = "legacy",
        /// The body is the message as plain text.
        Text = "text",
        /// An HTML page.
        Html = "html",
        /// The response has no body.
        Empty = "empty",
    }
}

choice! {
    /// The header `Retry-After` of a response with status 429.
    RetryAfter {
        /// No header.
        None = "none",
        /// The header contains a number of seconds.
        Seconds = "seconds",
        /// A date.
        Date = "date",
    }
}

choice! {
    /// The form in which the manager stores a name or a description.
    StoredText {
        /// Unchanged.
        Kept = "kept",
        /// In upper case.
        Upper = "upper",
        /// In lower case.
        Lower = "lower",
        /// All spaces are removed.
        NoBlanks = "no-blanks",
        /// All brackets are removed.
        NoBrackets = "no-brackets",
        /// The string is truncated to 24 characters.
        Cut = "cut",
        /// Not stored.
        Dropped = "dropped",
    }
}

impl StoredText {
    /// Returns the string in the form in which the manager stores it.
    pub(crate) fn apply(self, text: String) -> Option<String> {
        let without = |dropped: fn(char) -> bool| text.replace(dropped, "");
        Some(match self {
            StoredText::Kept => text,
            StoredText::Upper => text.to_uppercase(),
            StoredText::Lower => text.to_lowercase(),
            StoredText::NoBlanks => without(char::is_whitespace),
            StoredText::NoBrackets => without(|character| "()[]{}<>".contains(character)),
            StoredText::Cut => text.chars().take(24).collect(),
            StoredText::Dropped => return None,
        })
    }
}

choice! {
    /// The time from the creation of an object until a search finds it.
    SearchLag {
        /// No delay.
        None = "none",
        /// A fifth of a second.
        Short = "200ms",
        /// A second.
        Long = "1s",
    }
}

impl SearchLag {
    /// Returns the delay in milliseconds.
    pub(crate) fn milliseconds(self) -> i64 {
        match self {
            SearchLag::None => 0,
            SearchLag::Short => 200,
            SearchLag::Long => 1000,
        }
    }
}
