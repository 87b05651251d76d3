//! The complete state of one simulated manager.

use super::clock::Clock;
use super::keys::Keys;
use super::rate_limit::RateLimit;
use super::roles::Roles;
use super::secrets;
use super::sessions::{Account, Sessions};
use crate::sandbox::options::settings::Settings;

/// The state of a simulated manager. Each endpoint is a method, which is defined in a file in `api/`.
#[derive(Debug)]
pub(crate) struct Manager {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) account: Account,
    pub(crate) sessions: Sessions,
    pub(crate) roles: Roles,
    pub(crate) keys: Keys,
    pub(crate) calls: RateLimit,
    /// The GUID of the only tenant. Every response of `/api/apikeys/current` contains it.
    pub(crate) tenant_guid: String,
}

impl Manager {
    pub(crate) fn new(settings: Settings) -> anyhow::Result<Manager> {
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
            tenant_guid: secrets::guid().to_lowercase(),
            settings,
        })
    }

    /// Ends the sessions that have been open or idle for too long.
    pub(crate) fn expire_sessions(&mut self) {
        let settings = &self.settings;
        self.sessions.expire(
            self.clock.now(),
            settings.session_idle,
            settings.session_max,
        );
    }
}
