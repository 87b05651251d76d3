//! The possible answers to the open questions that do not concern a status code, with their names on the command line.

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

/// The status of an error response. `None` stands for `accepted`.
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
            /// The names of the values.
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
        /// The message contains the cause, such as a wrong password, a locked account, too many sessions or a missing code.
        Cause = "cause",
        /// The message is the same for every cause.
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
        /// The response sets the cookie sID twice. The second cookie is valid, as in a browser (RFC 6265, section 5.3).
        SeveralSid = "several-sid",
    }
}

choice! {
    /// The result of a sign-in when the maximum number of sessions is open.
    SessionLimit {
        /// The sign-in is rejected.
        Refuse = "refuse",
        /// The oldest session ends.
        EndOldest = "end-oldest",
    }
}

choice! {
    /// The JSON type that mfaCode must have.
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
    /// The cookie of a load balancer.
    StickyCookie {
        /// The manager sets no cookie of a load balancer.
        Off = "off",
        /// The manager sets a cookie, but requests need not contain it.
        Sent = "sent",
        /// The manager sets a cookie, and requests must contain it. A request without the cookie reaches a node that does not know the session.
        Needed = "needed",
    }
}

choice! {
    /// The effect of `expiryDate: 0`.
    ExpiryZero {
        /// The expiry is cleared.
        Clears = "clears",
        /// The expiry does not change.
        Ignored = "ignored",
        /// The request is rejected, like a request with a date in the past.
        Refused = "refused",
    }
}

choice! {
    /// The fields of responses.
    AnswerFields {
        /// Responses contain the fields of the published document.
        Usual = "usual",
        /// Responses contain the fields of the published document and additional fields that clients do not know.
        Future = "future",
        /// Responses contain only the ID, the name, and the secret key if there is one.
        Sparse = "sparse",
    }
}

choice! {
    /// The form of an error response's body.
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
    /// The form in which the manager stores a string.
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
    /// The delay before a search finds a new object.
    SearchLag {
        /// No delay.
        None = "none",
        /// A search finds a new object after a fifth of a second.
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
