//! The choices for open questions whose answer is more than a status code, and their names on the command line.

/// A value that has a name on the command line.
pub(crate) trait Choice: Sized {
    /// Returns the value with this name, if there is one.
    fn choose(word: &str) -> Option<Self>;
}

impl Choice for u16 {
    fn choose(word: &str) -> Option<u16> {
        word.parse().ok()
    }
}

/// The status of an error response, or `accepted`.
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

            /// Returns the value with this name, if there is one.
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
        /// The cause: wrong password, locked account, too many sessions, code required.
        Cause = "cause",
        /// The same sentence for every cause.
        Vague = "vague",
        /// The response has no body.
        Empty = "empty",
    }
}

choice! {
    /// The response to a successful sign-in.
    SignInAnswer {
        /// The cookie and the RID.
        Complete = "complete",
        /// No cookie.
        NoSid = "no-sid",
        /// No RID in the body.
        NoRid = "no-rid",
        /// A cookie named sID without a value.
        EmptySid = "empty-sid",
        /// An empty RID.
        EmptyRid = "empty-rid",
        /// Two cookies named sID. The last one counts, as in a browser (RFC 6265, section 5.3).
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
    /// The required JSON type of mfaCode.
    MfaCodeType {
        /// A string.
        String = "string",
        /// A number.
        Number = "number",
        /// A string or a number.
        Either = "either",
    }
}

choice! {
    /// The cookie of a load balancer.
    StickyCookie {
        /// No cookie.
        Off = "off",
        /// A cookie that requests need not contain.
        Sent = "sent",
        /// A cookie that requests must contain. A request without it reaches a node that does not know the session.
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
        /// The request is rejected, like a date in the past.
        Refused = "refused",
    }
}

choice! {
    /// The fields of responses.
    AnswerFields {
        /// The fields of the published document.
        Usual = "usual",
        /// The fields of the published document and unknown fields.
        Future = "future",
        /// Only the ID, the name, and the secret key if there is one.
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
        /// The message as plain text.
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
        /// A number of seconds.
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
        /// Without blanks.
        NoBlanks = "no-blanks",
        /// Without brackets of any kind.
        NoBrackets = "no-brackets",
        /// Cut to 24 characters.
        Cut = "cut",
        /// Not stored.
        Dropped = "dropped",
    }
}

impl StoredText {
    /// Returns the string as it is stored.
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
    /// The time until a search finds a new object.
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
