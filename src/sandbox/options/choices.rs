//! The choices for open questions that are more than a status, and the words for them.

/// A value that is chosen by a word on the command line.
pub(crate) trait Choice: Sized {
    /// Returns the value of a word, if it has one.
    fn choose(word: &str) -> Option<Self>;
}

impl Choice for u16 {
    fn choose(word: &str) -> Option<u16> {
        word.parse().ok()
    }
}

/// The status of a refusal, or `accepted`.
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
            /// The words for the values.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Returns the value of a word, if it has one.
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
    /// The message of a refused sign-in.
    SignInWording {
        /// The cause: wrong password, locked account, too many sessions, code required.
        Cause = "cause",
        /// The same sentence for every cause.
        Vague = "vague",
        /// No body.
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
        /// A cookie sID without a value.
        EmptySid = "empty-sid",
        /// An empty RID.
        EmptyRid = "empty-rid",
        /// Two cookies sID. The last one counts, as in a browser (RFC 6265, section 5.3).
        SeveralSid = "several-sid",
    }
}

choice! {
    /// What happens at the maximum number of sessions.
    SessionLimit {
        /// The sign-in is refused.
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
        /// A cookie that requests need not carry.
        Sent = "sent",
        /// A cookie without which a request reaches a node that does not know the session.
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
        /// The request is refused, like a date in the past.
        Refused = "refused",
    }
}

choice! {
    /// The fields of responses.
    AnswerFields {
        /// The fields of the published document.
        Usual = "usual",
        /// These and unknown ones.
        Future = "future",
        /// Only the ID, the name, and the secret key if any.
        Sparse = "sparse",
    }
}

choice! {
    /// The form of an error's body.
    ErrorBody {
        /// `{"message": "..."}`
        Message = "message",
        /// `{"error": {"message": "..."}}`
        Legacy = "legacy",
        /// The message as plain text.
        Text = "text",
        /// An HTML page.
        Html = "html",
        /// No body.
        Empty = "empty",
    }
}

choice! {
    /// The header Retry-After of a response with status 429.
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
    /// How the manager stores a text.
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
    /// Returns the stored text.
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
    /// The time until a search shows a new object.
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
    /// Returns the time in milliseconds.
    pub(crate) fn milliseconds(self) -> i64 {
        match self {
            SearchLag::None => 0,
            SearchLag::Short => 200,
            SearchLag::Long => 1000,
        }
    }
}
