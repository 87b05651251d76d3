//! The answers to open questions that are more than a status, and how a choice is read from its name.

/// Something that is chosen by a word on the command line.
pub(crate) trait Choice: Sized {
    /// The value of this word, if it is one.
    fn choose(word: &str) -> Option<Self>;
}

impl Choice for u16 {
    fn choose(word: &str) -> Option<u16> {
        word.parse().ok()
    }
}

/// A status that refuses, or `accepted`.
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
            /// The words for it.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The value of this word, if it is one.
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
    /// What the message of a refused sign-in says.
    SignInWording {
        /// The cause: wrong password, locked, too many sessions, code needed.
        Cause = "cause",
        /// The same sentence for every cause.
        Vague = "vague",
        /// Nothing: there is no body.
        Empty = "empty",
    }
}

choice! {
    /// What a granted sign-in carries.
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
        /// Two cookies sID, of which the last one counts, as it does for a browser (RFC 6265, section 5.3).
        SeveralSid = "several-sid",
    }
}

choice! {
    /// What happens when as many sessions live as may.
    SessionLimit {
        /// The sign-in is refused.
        Refuse = "refuse",
        /// The oldest session ends.
        EndOldest = "end-oldest",
    }
}

choice! {
    /// The JSON type that mfaCode must have.
    MfaCodeType {
        /// A string.
        String = "string",
        /// A number.
        Number = "number",
        /// Any of the two.
        Either = "either",
    }
}

choice! {
    /// A load balancer's cookie.
    StickyCookie {
        /// There is none.
        Off = "off",
        /// It is sent, and nobody looks whether it comes back.
        Sent = "sent",
        /// Without it, a request reaches a node that does not know the session.
        Needed = "needed",
    }
}

choice! {
    /// What `expiryDate: 0` does.
    ExpiryZero {
        /// It clears the expiry.
        Clears = "clears",
        /// It leaves the expiry as it is.
        Ignored = "ignored",
        /// It is refused as a date in the past.
        Refused = "refused",
    }
}

choice! {
    /// Which fields answers have.
    AnswerFields {
        /// Those of the published document.
        Usual = "usual",
        /// These and others that it does not know.
        Future = "future",
        /// Only the ID, the name, and a secret key where there is one.
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
        /// None.
        Empty = "empty",
    }
}

choice! {
    /// The header Retry-After of a 429.
    RetryAfter {
        /// It is not there.
        None = "none",
        /// A number of seconds.
        Seconds = "seconds",
        /// A date.
        Date = "date",
    }
}

choice! {
    /// What the manager makes of a text that it is to keep.
    StoredText {
        /// It is kept to the letter.
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
        /// It is not kept at all.
        Dropped = "dropped",
    }
}

impl StoredText {
    /// The text as it is kept.
    pub(crate) fn keep(self, text: String) -> Option<String> {
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
    /// How long it takes until a search shows what was created.
    SearchLag {
        /// It shows it at once.
        None = "none",
        /// A fifth of a second.
        Short = "200ms",
        /// A second.
        Long = "1s",
    }
}

impl SearchLag {
    /// The time in milliseconds.
    pub(crate) fn milliseconds(self) -> i64 {
        match self {
            SearchLag::None => 0,
            SearchLag::Short => 200,
            SearchLag::Long => 1000,
        }
    }
}
