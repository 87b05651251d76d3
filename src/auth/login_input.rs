//! What the user typed or piped in to sign in. A prompt and stdin supply it only once.

use std::cell::RefCell;

use crate::secret::Secret;

/// The user name and the password of a sign-in, if the run may have to sign in a second time.
///
/// The default keeps nothing: only a command that repeats its sign-in stores a password for longer than one request.
#[derive(Default)]
pub(crate) struct LoginInput {
    is_kept: bool,
    kept: RefCell<Option<(String, Secret)>>,
}

impl LoginInput {
    /// An input that keeps the user name and the password for a second sign-in.
    pub(crate) fn kept() -> Self {
        Self {
            is_kept: true,
            kept: RefCell::default(),
        }
    }

    /// The user name of the first sign-in, if it is kept.
    pub(super) fn username(&self) -> Option<String> {
        let kept = self.kept.borrow();
        kept.as_ref().map(|(username, _)| username.clone())
    }

    /// The password of the first sign-in, if it is kept.
    pub(super) fn password(&self) -> Option<Secret> {
        let kept = self.kept.borrow();
        kept.as_ref().map(|(_, password)| password.clone())
    }

    /// Stores the user name and the password, if they are kept at all.
    pub(super) fn store(&self, username: &str, password: &Secret) {
        if self.is_kept {
            *self.kept.borrow_mut() = Some((username.to_owned(), password.clone()));
        }
    }
}
