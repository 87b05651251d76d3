//! The simulated manager's state and the helpers every endpoint uses. It is plain data changed by plain functions: the network, and
//! what goes wrong on it, are elsewhere.

pub(crate) mod clock;
pub(crate) mod keys;
pub(crate) mod name_index;
pub(crate) mod rate_limit;
pub(crate) mod rights;
pub(crate) mod roles;
pub(crate) mod secrets;
use super::api::sessions::{Account, Sessions};
use super::options::Settings;
use clock::Clock;
use keys::Keys;
use rate_limit::RateLimit;
use roles::Roles;

/// Everything a manager knows.
#[derive(Debug)]
pub(super) struct Manager {
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) account: Account,
    pub(super) sessions: Sessions,
    pub(super) roles: Roles,
    pub(super) keys: Keys,
    pub(super) calls: RateLimit,
    /// The GUID of the one tenant; `/current` answers carry it.
    pub(super) tenant_guid: String,
}

impl Manager {
    pub(super) fn new(settings: Settings) -> anyhow::Result<Manager> {
        let roles = Roles::with(&settings.roles)?;
        if roles.get(settings.administrator_role).is_none() {
            anyhow::bail!(
                "the administrator's role {} does not exist",
                settings.administrator_role
            );
        }
        Ok(Manager {
            clock: Clock::skewed(settings.clock_skew_seconds),
            account: Account::default(),
            sessions: Sessions::default(),
            roles,
            keys: Keys::default(),
            calls: RateLimit::default(),
            tenant_guid: crate::sandbox::state::secrets::guid().to_lowercase(),
            settings,
        })
    }
}
