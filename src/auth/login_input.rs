//! Stores the user name and the password from a prompt or from stdin, because they can be read only once.

use std::cell::RefCell;

use crate::secret::Secret;

/// The user name and the password of the first sign-in. They are stored only for a run that may have to sign in again.
///
/// The default value stores nothing, so that only a command that may sign in twice holds the password in memory after the first sign-in.
#[derive(Default)]
pub(crate) struct LoginInput {
    is_kept: bool,
    kept: RefCell<Option<(String, Secret)>>,
}

impl LoginInput {
    /// Returns a value that stores the user name and the password for a second sign-in.
    pub(crate) fn kept() -> Self {
        Self {
            is_kept: true,
            kept: RefCell::default(),
        }
    }

    /// Returns the user name of the first sign-in, if it was stored.
    pub(super) fn username(&self) -> Option<String> {
        let kept = self.kept.borrow();
        kept.as_ref().map(|(username, _)| username.clone())
    }

    /// Returns the password of the first sign-in, if it was stored.
    pub(super) fn password(&self) -> Option<Secret> {
        let kept = self.kept.borrow();
        kept.as_ref().map(|(_, password)| password.clone())
    }

    /// Stores the user name and the password if this value was created with [`LoginInput::kept`].
    pub(super) fn store(&self, username: &str, password: &Secret) {
        if self.is_kept {
            *self.kept.borrow_mut() = Some((username.to_owned(), password.clone()));
        }
    }
}
