//! The error of the program: what failed, what to do next, and what a script may conclude from it.
//!
//! Every room returns this type or one that turns into it. Nothing is printed here; `report.rs` does that, once.

/// What kind of failure it was: the table of exit codes in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// Nobody expected this.
    Unexpected,
    /// The command line, a variable or a file given by the user does not do; nothing was sent.
    Usage,
    /// No role or key of that name or ID.
    NotFound,
    /// The manager refused the sign-in, or the account is locked. Each further try counts towards the lock-out.
    SignIn,
    /// Earlier sign-ins were refused, so nothing was sent.
    SignInPaused,
    /// Signed in, but the right is missing.
    Forbidden,
    /// It exists already, or a name matches several.
    Conflict,
    /// The manager's certificate is not trusted.
    Trust,
    /// The manager did not answer, and nothing was done.
    Unreachable,
    /// Rate limited for longer than the wait allowed.
    RateLimited,
    /// The account has as many sessions as the manager allows, for longer than the wait allowed.
    TooManySessions,
    /// The secret could not be delivered; the key was deleted again.
    Undelivered,
    /// The outcome is unknown, or undoing failed: a person has to look.
    Attention,
    /// Some items of several failed.
    Partial,
    /// A check was made, and its answer is no. An answer is no failure, so stdout carries it all the same.
    CheckFailed,
    /// The program that was to be run was not.
    CannotRun {
        /// It is there, and cannot be run.
        found: bool,
    },
    /// A signal ended the run, and it cleaned up.
    Interrupted(Signal),
}

/// The signals that end a run in order: all that end a process by default and that a person, a shell, a scheduler or a limit sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The terminal went away.
    #[cfg(unix)]
    Hangup,
    /// Ctrl-C.
    Signals,
    /// Ctrl-\.
    #[cfg(unix)]
    Quit,
    /// `kill`, a CI runner's or service manager's stop.
    #[cfg(unix)]
    Terminate,
    /// A scheduler's notice that the end is near.
    #[cfg(unix)]
    User1,
    /// The same.
    #[cfg(unix)]
    User2,
    /// A timer that the caller set.
    #[cfg(unix)]
    Alarm,
    /// The limit of `ulimit -t`.
    #[cfg(unix)]
    CpuTime,
}

impl Signal {
    /// All of them.
    #[cfg(unix)]
    pub(crate) const ALL: [Self; 8] = [
        Self::Hangup,
        Self::Signals,
        Self::Quit,
        Self::Terminate,
        Self::User1,
        Self::User2,
        Self::Alarm,
        Self::CpuTime,
    ];

    /// All of them.
    #[cfg(not(unix))]
    pub(crate) const ALL: [Self; 1] = [Self::Signals];

    /// As the system has it.
    #[cfg(unix)]
    pub(crate) fn of_unix(self) -> rustix::process::Signal {
        match self {
            Self::Hangup => rustix::process::Signal::HUP,
            Self::Signals => rustix::process::Signal::INT,
            Self::Quit => rustix::process::Signal::QUIT,
            Self::Terminate => rustix::process::Signal::TERM,
            Self::User1 => rustix::process::Signal::USR1,
            Self::User2 => rustix::process::Signal::USR2,
            Self::Alarm => rustix::process::Signal::ALARM,
            Self::CpuTime => rustix::process::Signal::XCPU,
        }
    }

    /// As a shell reports a death by signal: 128 and the signal's number.
    #[cfg(unix)]
    fn exit_code(self) -> u8 {
        u8::try_from(128 + self.of_unix().as_raw()).unwrap_or(1)
    }

    /// Ctrl-C is the only one elsewhere.
    #[cfg(not(unix))]
    fn exit_code(self) -> u8 {
        130
    }
}

impl ErrorKind {
    /// Every kind but those of signals. A new kind belongs here too.
    const WITHOUT_SIGNAL: [Self; 17] = [
        Self::Unexpected,
        Self::Usage,
        Self::NotFound,
        Self::SignIn,
        Self::SignInPaused,
        Self::Forbidden,
        Self::Conflict,
        Self::Trust,
        Self::Unreachable,
        Self::RateLimited,
        Self::TooManySessions,
        Self::Undelivered,
        Self::Attention,
        Self::Partial,
        Self::CheckFailed,
        Self::CannotRun { found: true },
        Self::CannotRun { found: false },
    ];

    /// Returns every kind.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let of_signals = Signal::ALL.into_iter().map(Self::Interrupted);
        Self::WITHOUT_SIGNAL.into_iter().chain(of_signals)
    }

    /// The exit code, as promised in the README's table.
    #[must_use]
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::SignIn | Self::SignInPaused => 4,
            Self::Forbidden => 5,
            Self::Conflict => 6,
            Self::Trust => 7,
            Self::Unreachable => 8,
            Self::RateLimited | Self::TooManySessions => 9,
            Self::Undelivered => 10,
            Self::Attention => 11,
            Self::Partial => 12,
            Self::CheckFailed => 13,
            // As a shell has it.
            Self::CannotRun { found: true } => 126,
            Self::CannotRun { found: false } => 127,
            Self::Interrupted(signal) => signal.exit_code(),
        }
    }

    /// The word for it in `-o json`.
    #[must_use]
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unexpected => "unexpected",
            Self::Usage => "usage",
            Self::NotFound => "not-found",
            Self::SignIn => "sign-in-refused",
            Self::SignInPaused => "sign-in-paused",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::Trust => "tls-trust",
            Self::Unreachable => "unreachable",
            Self::RateLimited => "rate-limited",
            Self::TooManySessions => "too-many-sessions",
            Self::Undelivered => "undelivered",
            Self::Attention => "attention",
            Self::Partial => "partial",
            Self::CheckFailed => "said-no",
            Self::CannotRun { .. } => "cannot-run",
            Self::Interrupted(_) => "interrupted",
        }
    }

    /// Whether running the same command again, unchanged, is safe and makes sense.
    #[must_use]
    pub(crate) fn retryable(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::RateLimited
                | Self::TooManySessions
                | Self::Undelivered
                | Self::Interrupted(_)
        )
    }
}

/// What failed, and what to do next.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    http: Option<u16>,
    key_id: Option<i64>,
    retry_at: Option<i64>,
}

impl Error {
    /// A failure of `kind`; `message` says what failed, with the flag, variable or file at fault.
    #[must_use]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            http: None,
            key_id: None,
            retry_at: None,
        }
    }

    /// The user's input does not do, and `hint` says what would.
    #[must_use]
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message).hint(hint)
    }

    /// Something that should not have happened.
    #[must_use]
    pub(crate) fn unexpected(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unexpected, message)
    }

    /// A signal ended the run before anything was asked of the manager that is not undone.
    #[must_use]
    pub(crate) fn interrupted(signal: Signal) -> Self {
        Self::new(ErrorKind::Interrupted(signal), "interrupted")
    }

    /// Says what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The HTTP status of the manager's answer, where there was one.
    #[must_use]
    pub(crate) fn http(mut self, status: Option<u16>) -> Self {
        self.http = status;
        self
    }

    /// The API key this is about.
    #[must_use]
    pub(crate) fn key(mut self, id: i64) -> Self {
        self.key_id = Some(id);
        self
    }

    /// From when on it may be tried again, in milliseconds since 1970.
    #[must_use]
    pub(crate) fn retry_at(mut self, time: i64) -> Self {
        self.retry_at = Some(time);
        self
    }

    /// What kind of failure it was.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What to do next, if anything is known.
    #[must_use]
    pub(crate) fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The HTTP status of the manager's answer.
    #[must_use]
    pub(crate) fn http_status(&self) -> Option<u16> {
        self.http
    }

    /// The API key this is about.
    #[must_use]
    pub(crate) fn key_id(&self) -> Option<i64> {
        self.key_id
    }

    /// From when on it may be tried again, in milliseconds since 1970, if that is known.
    #[must_use]
    pub(crate) fn retry_time(&self) -> Option<i64> {
        self.retry_at
    }
}
