//! The names of roles, for showing keys: one search, made when there is a key to show. Who may not see roles sees their IDs.

use std::collections::HashMap;

use crate::context::Context;
use crate::error::Error;
use crate::manager::{Cause, RoleSummary, SignedIn};

/// Names by ID, as far as they may be seen.
#[derive(Default)]
pub(crate) struct RoleNames(HashMap<i64, String>);

impl RoleNames {
    /// Asks for all roles.
    ///
    /// # Errors
    /// Of the manager, but for a missing right.
    pub(crate) async fn ask(signed_in: &SignedIn, context: &Context) -> Result<Self, Error> {
        let asking = async { Ok(signed_in.roles::<RoleSummary>().await) };
        match context.signals.cancel(asking).await? {
            Ok(roles) => Ok(Self::from_iter(roles)),
            // Whether a session may search roles is unknown (manager-api.md, section 11, no. 20); keys could be seen just now.
            Err(error) if matches!(error.cause(), Cause::Forbidden | Cause::Unauthorized) => {
                log::info!("the names of roles are not shown: {error}");
                Ok(Self::default())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The name, where it is known.
    pub(crate) fn get(&self, id: Option<i64>) -> Option<&str> {
        self.0.get(&id?).map(String::as_str)
    }
}

impl FromIterator<RoleSummary> for RoleNames {
    fn from_iter<T: IntoIterator<Item = RoleSummary>>(roles: T) -> Self {
        Self(roles.into_iter().map(|role| (role.id, role.name)).collect())
    }
}
