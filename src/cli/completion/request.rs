//! The request of a shell for completion.

use std::ffi::OsString;

use super::bash_line::BashLine;

/// A request of a shell: the command line up to the cursor.
#[derive(Default)]
pub(crate) struct Request {
    /// The words before the current word, starting with the program's name. Empty if nothing can be completed.
    pub(super) before: Vec<OsString>,
    /// The word at the cursor, without shell quotes.
    pub(super) current: OsString,
    /// The command line as it was typed. Only set for bash, which expects candidates with shell quotes.
    pub(super) line: Option<BashLine>,
}

impl Request {
    /// Parses `PROGRAM __complete bash LINE` or `PROGRAM __complete SHELL =CURRENT WORD...`. Returns `None` if the arguments are not
    /// a completion request.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let program = arguments.next()?;
        if arguments.next()? != "__complete" {
            return None;
        }
        let is_bash = arguments.next().is_some_and(|shell| shell == "bash");
        let Some(first) = arguments.next().and_then(|text| text.into_string().ok()) else {
            return Some(Self::default());
        };
        if is_bash {
            let line = BashLine::read(&first);
            return Some(line.map_or_else(Self::default, |line| Self {
                before: line.before.iter().map(OsString::from).collect(),
                current: line.current.clone().into(),
                line: Some(line),
            }));
        }
        let current = first.strip_prefix('=').unwrap_or(&first);
        Some(Self {
            before: [program].into_iter().chain(arguments).collect(),
            current: current.into(),
            line: None,
        })
    }
}
