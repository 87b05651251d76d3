//! Uses secrets, to find out whether they work and to which keys they belong.
//!
//! Each secret is used once in a run. A secret that the manager has rejected is never used again. Only a response of the manager itself shows that it
//! rejects a secret. The manager also rejects the correct secret of a locked or expired key, so such a rejection shows nothing.

use std::cell::RefCell;
use std::rc::Rc;

use chrono::TimeDelta;
use tokio::sync::OnceCell;

use super::rejected_secrets::RejectedSecrets;
use crate::auth::key_check::{Tried, try_key};
use crate::auth::key_header::key_header;
use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::manager::{Cause, Credentials, ManagerError, SignedIn};
use crate::secret::Secret;

/// If a key expires or its lock ends within this time, the manager may reject its correct secret.
const CLOCK_PRECISION: TimeDelta = TimeDelta::minutes(1);

/// The result of using a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretUse {
    /// It is the secret of the key with this ID. `None` if the manager does not report the key of a secret.
    Works(Option<i64>),
    /// The manager rejects it, although its key can be used.
    Rejected,
    /// The manager rejects it, and it names a different key than the expected one: the key with this ID.
    RejectedOf(i64),
}

/// The use of a secret, which other work may wait for.
type SharedUse = Rc<OnceCell<Result<SecretUse, Error>>>;

/// Uses secrets on one manager.
pub(crate) struct SecretChecks<'a> {
    access: Access<'a>,
    rejected: RejectedSecrets,
    used: RefCell<Vec<(Secret, SharedUse)>>,
    /// The connections that are not in use.
    connections: RefCell<Vec<SignedIn>>,
}

impl<'a> SecretChecks<'a> {
    /// Prepares the checks. No secret is used yet.
    pub(crate) fn new(access: Access<'a>) -> Self {
        Self {
            access,
            rejected: RejectedSecrets::of(access),
            used: RefCell::default(),
            connections: RefCell::default(),
        }
    }

    /// Uses the secret for a read request, unless this run has used it or the manager has rejected it before. `expected` is the ID of the key that
    /// probably has the secret. If the secret names this key, one request is enough.
    ///
    /// # Errors
    /// Returns an error if it is unknown whether the secret works, or if a signal arrives.
    pub(crate) async fn check(
        &self,
        secret: &Secret,
        expected: Option<i64>,
    ) -> Result<SecretUse, Error> {
        let shared = self.shared_use(secret);
        let trying = async {
            let used = shared.get_or_init(|| self.use_secret(secret, expected));
            match used.await.clone() {
                // Another key with the same secret at its destination was checked first.
                Ok(SecretUse::RejectedOf(named)) if expected == Some(named) => {
                    self.rejected(secret, Some(named), expected).await
                }
                used => used,
            }
        };
        self.access.context.signals.cancel(trying).await
    }

    fn shared_use(&self, secret: &Secret) -> SharedUse {
        let mut used = self.used.borrow_mut();
        let known = used
            .iter()
            .find(|(known, _)| known.expose() == secret.expose());
        if let Some((_, known)) = known {
            return Rc::clone(known);
        }
        let new = SharedUse::default();
        used.push((secret.clone(), Rc::clone(&new)));
        new
    }

    async fn use_secret(&self, secret: &Secret, expected: Option<i64>) -> Result<SecretUse, Error> {
        if self.rejected.contains(secret) {
            log::info!("a secret was not used, because the manager has rejected it before");
            return Ok(SecretUse::Rejected);
        }
        let header = key_header(self.access.target, secret);
        let secret_again = secret.clone();
        let credentials = Credentials::ApiKey {
            secret: secret_again,
            header,
        };
        let free = self.connections.borrow_mut().pop();
        let signed_in = match free {
            Some(connection) => connection.with(credentials),
            None => {
                let manager = self.access.target.manager(self.access.context)?;
                manager.with(credentials)
            }
        };
        let named = signed_in.signer_id();
        let tried = match expected.is_some() && named == expected {
            // The secret names its key, so one request shows that it works, whatever the key may read.
            true => access_with(&signed_in).await,
            false => try_key(&signed_in).await,
        };
        self.connections.borrow_mut().push(signed_in);
        match tried {
            Tried::Works(Some(key)) => Ok(SecretUse::Works(Some(key.id))),
            Tried::Works(None) => Ok(SecretUse::Works(named)),
            Tried::Refused(_) => self.rejected(secret, named, expected).await,
            Tried::Unproven(error) => Err(not_from_manager(error)),
        }
    }

    /// Returns the result for a secret that the manager has rejected. `named` is the ID in the secret. A rejection that the state of a key may explain
    /// is not remembered, because the secret works again when the key does.
    ///
    /// # Errors
    /// Returns an error if the state of the expected key may explain the rejection.
    async fn rejected(
        &self,
        secret: &Secret,
        named: Option<i64>,
        expected: Option<i64>,
    ) -> Result<SecretUse, Error> {
        if let Some(id) = expected.or(named)
            && let Some(obstacle) = self.obstacle(id).await?
        {
            let message = format!("the manager rejected the secret, but {obstacle} (ID {id})");
            let hint = format!("run `swp-keys show-key {id}` to see the state of the key");
            return Err(Error::new(ErrorKind::Partial, message).hint(hint).key(id));
        }
        // The manager accepts the correct secret of the expected key, so a secret that names a different key belongs to that key.
        let other = named.filter(|named| expected.is_some_and(|expected| expected != *named));
        let may_work_again = match other {
            Some(other) => self.obstacle(other).await?.is_some(),
            None => false,
        };
        if !may_work_again && expected.or(named).is_some() {
            self.rejected.add(secret);
        }
        Ok(other.map_or(SecretUse::Rejected, SecretUse::RejectedOf))
    }

    /// Returns why the manager rejects even the correct secret of a key. `None` if the key does not exist.
    async fn obstacle(&self, id: i64) -> Result<Option<&'static str>, Error> {
        let key = self.access.signed_in.find_api_key(id).await?;
        let now = self.access.signed_in.time();
        // The lock may have ended since the rejection, and the manager's clock is only known to the second.
        let times = [now, now - CLOCK_PRECISION, now + CLOCK_PRECISION];
        Ok(key.and_then(|key| times.iter().find_map(|time| key.why_unusable(*time))))
    }
}

/// Returns the error for a secret of which it is unknown whether it works. A gateway's 401 response says nothing about the sign-in of this run.
fn not_from_manager(error: ManagerError) -> Error {
    match error.cause() {
        Cause::Unauthorized => Error::new(
            ErrorKind::Partial,
            "a server other than the manager responded with HTTP 401",
        )
        .hint("check the proxy or gateway between this machine and the manager"),
        _ => error.into(),
    }
}

impl SecretUse {
    /// Returns the ID of the key that has the secret, if it is not the key `id`.
    pub(crate) fn other_key(self, id: i64) -> Option<i64> {
        match self {
            Self::Works(owner) => owner.filter(|owner| *owner != id),
            Self::RejectedOf(named) => Some(named).filter(|named| *named != id),
            Self::Rejected => None,
        }
    }

    /// Returns true if it is the secret of the key `id`, and it works.
    pub(crate) fn is_of(self, id: i64) -> bool {
        self == Self::Works(Some(id))
    }
}

/// Sends one read request with the secret.
async fn access_with(signed_in: &SignedIn) -> Tried {
    match signed_in.check_access().await {
        Ok(()) => Tried::Works(None),
        Err(error) => Tried::failed(error),
    }
}
