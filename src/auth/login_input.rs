//! Stores the user name and the password of a sign-in, for a second sign-in in the same run.

use std::cell::RefCell;

use crate::secret::Secret;

/// The user name and the password of the first sign-in. The password is stored only for a run that may have to sign in again.
///
/// A value from `LoginInput::default()` does not store the password. The password is then in memory only until the sign-in is done.
#[derive(Default)]
pub(crate) struct LoginInput {
    keeps_password: bool,
    username: RefCell<Option<String>>,
    password: RefCell<Option<Secret>>,
}

impl LoginInput {
    /// Returns a value that stores both the user name and the password.
    pub(crate) fn kept() -> Self {
        Self {
            keeps_password: true,
            ..Self::default()
        }
    }

    /// Returns the user name of the first sign-in, or `None` if there was no sign-in with a password.
    pub(crate) fn username(&self) -> Option<String> {
        self.username.borrow().clone()
    }

    /// Returns the password of the first sign-in, if it was stored.
    pub(super) fn password(&self) -> Option<Secret> {
        self.password.borrow().clone()
    }

    /// Stores the user name. Also stores the password if this value was created with [`LoginInput::kept`].
    pub(super) fn store(&self, username: &str, password: &Secret) {
        *self.username.borrow_mut() = Some(username.to_owned());
        if self.keeps_password {
            *self.password.borrow_mut() = Some(password.clone());
        }
    }
}
