//! Determines whether this process can ask the user questions.

#[cfg(not(unix))]
use super::console as tty;
#[cfg(unix)]
use super::tty;

/// Whether this process can ask the user questions on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// The process has a terminal.
    Terminal,
    /// The process has no terminal.
    NoTerminal,
    /// `--no-input` or SWP_NO_INPUT is set.
    Disabled,
}

impl Prompt {
    /// Returns [`Prompt::Terminal`] if the process has a terminal and `no_input` is false.
    pub(crate) fn find(no_input: bool) -> Self {
        if no_input {
            Self::Disabled
        } else if tty::is_available() {
            Self::Terminal
        } else {
            Self::NoTerminal
        }
    }

    /// Returns true if this process can ask the user.
    pub(crate) fn is_available(self) -> bool {
        self == Self::Terminal
    }

    /// Returns the reason why this process cannot ask the user, for an error message.
    pub(crate) fn obstacle(self) -> &'static str {
        match self {
            Self::Disabled => "prompts are disabled by `--no-input` or SWP_NO_INPUT",
            Self::Terminal | Self::NoTerminal => "there is no terminal to prompt on",
        }
    }
}
