//! The error type of the program: what failed, what to do next, and the exit code.
//!
//! Every module returns this type or a type that converts into it. Only `terminal/report.rs` prints it, and a run prints at most one error.

/// The kind of an error, which determines the exit code (see the table in the README).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// An unexpected failure.
    Unexpected,
    /// The command line, an environment variable or an input file is invalid. No request was sent.
    Usage,
    /// No role or key has this name or ID.
    NotFound,
    /// The manager rejected the sign-in, or the account is locked. The run must not repeat the sign-in, because each rejected sign-in counts towards
    /// the account lockout.
    SignIn,
    /// The manager rejected the sign-ins of earlier runs, so this run did not try to sign in.
    SignInPaused,
    /// The sign-in succeeded, but the account or the API key lacks a permission.
    Forbidden,
    /// The object already exists, or the name matches several objects.
    Conflict,
    /// The manager's certificate is not trusted.
    Trust,
    /// The manager did not respond, and nothing was changed on the manager.
    Unreachable,
    /// The rate limit lasts longer than the allowed wait.
    RateLimited,
    /// The account's sessions were all in use for longer than the allowed wait.
    TooManySessions,
    /// The secret could not be delivered, and the key was deleted.
    Undelivered,
    /// The outcome is unknown or the rollback failed, so the user must check the manager.
    Attention,
    /// A part of the operation failed, and the rest succeeded.
    Partial,
    /// The command succeeded, but the result of its check is negative. The result is printed to stdout.
    CheckFailed,
    /// The `exec` command could not start the user's program.
    CannotRun {
        /// True if the program exists but could not be executed.
        found: bool,
    },
    /// A signal ended the run. The run has cleaned up.
    Interrupted(Signal),
}

/// A signal on which a run cleans up and exits. Without a handler, the signal would end the process immediately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The terminal was closed.
    #[cfg(unix)]
    Hangup,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-\.
    #[cfg(unix)]
    Quit,
    /// SIGTERM, which `kill`, CI runners and service managers send to stop a process.
    #[cfg(unix)]
    Terminate,
    /// SIGUSR1, which some schedulers send before they end a process.
    #[cfg(unix)]
    User1,
    /// SIGUSR2, which some schedulers send before they end a process.
    #[cfg(unix)]
    User2,
    /// SIGALRM, which a timer sends. The program that started this process may have set the timer.
    #[cfg(unix)]
    Alarm,
    /// SIGXCPU, which the system sends when the CPU time limit (`ulimit -t`) is reached.
    #[cfg(unix)]
    CpuTime,
}

impl Signal {
    /// All signals.
    #[cfg(unix)]
    pub(crate) const ALL: [Self; 8] = [
        Self::Hangup,
        Self::Interrupt,
        Self::Quit,
        Self::Terminate,
        Self::User1,
        Self::User2,
        Self::Alarm,
        Self::CpuTime,
    ];

    /// All signals.
    #[cfg(not(unix))]
    pub(crate) const ALL: [Self; 1] = [Self::Interrupt];

    /// Returns the corresponding signal of the operating system.
    #[cfg(unix)]
    pub(crate) fn of_unix(self) -> rustix::process::Signal {
        match self {
            Self::Hangup => rustix::process::Signal::HUP,
            Self::Interrupt => rustix::process::Signal::INT,
            Self::Quit => rustix::process::Signal::QUIT,
            Self::Terminate => rustix::process::Signal::TERM,
            Self::User1 => rustix::process::Signal::USR1,
            Self::User2 => rustix::process::Signal::USR2,
            Self::Alarm => rustix::process::Signal::ALARM,
            Self::CpuTime => rustix::process::Signal::XCPU,
        }
    }

    /// Returns the exit code that a shell reports for the signal: 128 plus the signal number.
    #[cfg(unix)]
    fn exit_code(self) -> u8 {
        u8::try_from(128 + self.of_unix().as_raw()).unwrap_or(1)
    }

    /// Returns the exit code for Ctrl-C, the only signal on Windows.
    #[cfg(not(unix))]
    fn exit_code(self) -> u8 {
        130
    }
}

impl ErrorKind {
    /// Every kind except [`ErrorKind::Interrupted`]. A new kind must be added here.
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

    /// Returns the exit code, as listed in the README.
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
            // As in a shell: 126 if the program was found but cannot be run, and 127 if it was not found.
            Self::CannotRun { found: true } => 126,
            Self::CannotRun { found: false } => 127,
            Self::Interrupted(signal) => signal.exit_code(),
        }
    }

    /// Returns the value of `error.code` in JSON output.
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

    /// Returns true if repeating the same command is usually safe after an error of this kind, and may succeed.
    #[must_use]
    fn retryable(self) -> bool {
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

/// An error with a message about what failed and a hint on what to do next. Its fields are boxed, so that a `Result` is small.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.message)]
pub(crate) struct Error(Box<ErrorFields>);

#[derive(Debug, Clone)]
struct ErrorFields {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    http: Option<u16>,
    key_id: Option<i64>,
    retry_at: Option<i64>,
    cause: Option<ErrorKind>,
    /// The problems that the message lists, as a JSON array. `None` if the message describes one problem.
    problems: Option<serde_json::Value>,
    /// True if repeating the command is not safe, whatever the kind of the error is.
    is_final: bool,
}

impl Error {
    /// Returns an error of this kind. `message` describes the failure and names the flag, variable or file that caused it.
    #[must_use]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(ErrorFields {
            kind,
            message: message.into(),
            hint: None,
            http: None,
            key_id: None,
            retry_at: None,
            cause: None,
            problems: None,
            is_final: false,
        }))
    }

    /// Returns a usage error. `hint` describes how to fix it.
    #[must_use]
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message).hint(hint)
    }

    /// Returns an unexpected error.
    #[must_use]
    pub(crate) fn unexpected(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unexpected, message)
    }

    /// Returns the error for a run that was ended by a signal and has nothing to roll back.
    #[must_use]
    pub(crate) fn interrupted(signal: Signal) -> Self {
        Self::new(ErrorKind::Interrupted(signal), "interrupted")
    }

    /// Adds a hint on what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the HTTP status of the manager's response, if any.
    #[must_use]
    pub(crate) fn http(mut self, status: Option<u16>) -> Self {
        self.0.http = status;
        self
    }

    /// Adds the ID of the API key that the error concerns.
    #[must_use]
    pub(crate) fn key(mut self, id: i64) -> Self {
        self.0.key_id = Some(id);
        self
    }

    /// Adds the earliest time at which the command may be repeated, in milliseconds since the Unix epoch.
    #[must_use]
    pub(crate) fn retry_at(mut self, time: i64) -> Self {
        self.0.retry_at = Some(time);
        self
    }

    /// Adds the problems that the message lists, as a JSON array.
    #[must_use]
    pub(crate) fn problems(mut self, problems: serde_json::Value) -> Self {
        self.0.problems = Some(problems);
        self
    }

    /// Returns the problems that the message lists, if it lists several.
    #[must_use]
    pub(crate) fn listed_problems(&self) -> Option<&serde_json::Value> {
        self.0.problems.as_ref()
    }

    /// Records in the error that repeating the same command is not safe.
    #[must_use]
    pub(crate) fn not_retryable(mut self) -> Self {
        self.0.is_final = true;
        self
    }

    /// Returns true if repeating the same command is safe and may succeed.
    #[must_use]
    pub(crate) fn retryable(&self) -> bool {
        !self.0.is_final && self.0.kind.retryable()
    }

    /// Adds the kind of the failure that left the outcome of the operation unknown.
    #[must_use]
    pub(crate) fn caused_by(mut self, cause: ErrorKind) -> Self {
        self.0.cause = Some(cause);
        self
    }

    /// Returns true if the reason for this error would also make every other request fail.
    #[must_use]
    pub(crate) fn concerns_all_requests(&self) -> bool {
        matches!(
            self.0.cause.unwrap_or(self.0.kind),
            ErrorKind::SignIn | ErrorKind::Trust | ErrorKind::Unreachable | ErrorKind::RateLimited
        )
    }

    /// Returns the kind of the error.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the hint on what to do next, if any.
    #[must_use]
    pub(crate) fn next_step(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns the HTTP status of the manager's response, if any.
    #[must_use]
    pub(crate) fn http_status(&self) -> Option<u16> {
        self.0.http
    }

    /// Returns the ID of the API key that the error concerns, if any.
    #[must_use]
    pub(crate) fn key_id(&self) -> Option<i64> {
        self.0.key_id
    }

    /// Returns the earliest time at which the command may be repeated, in milliseconds since the Unix epoch, if the time is known.
    #[must_use]
    pub(crate) fn retry_time(&self) -> Option<i64> {
        self.0.retry_at
    }
}
