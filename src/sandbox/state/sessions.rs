//! The administrator's account and its sessions.

use std::collections::HashMap;
use std::time::Duration;

use super::clock::{Millis, millis};

/// The state of the administrator's account.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// The number of wrong passwords and wrong MFA codes since the last successful sign-in.
    pub(crate) failures: u32,
    pub(crate) locked: bool,
}

/// One session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) rid: String,
    /// The load balancer's cookie that requests must contain. `None` if no cookie is required.
    pub(crate) sticky: Option<String>,
    pub(crate) created: Millis,
    pub(crate) last_activity: Millis,
}

/// The open sessions. The index is the session ID in the cookie sID.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_sid: HashMap<String, Session>,
}

impl Sessions {
    pub(crate) fn insert(&mut self, sid: String, session: Session) {
        self.by_sid.insert(sid, session);
    }

    pub(crate) fn get_mut(&mut self, sid: &str) -> Option<&mut Session> {
        self.by_sid.get_mut(sid)
    }

    pub(crate) fn end(&mut self, sid: &str) {
        self.by_sid.remove(sid);
    }

    pub(crate) fn end_all(&mut self) {
        self.by_sid.clear();
    }

    pub(crate) fn end_oldest(&mut self) {
        let oldest = self
            .by_sid
            .iter()
            .min_by_key(|(_, session)| session.created)
            .map(|(sid, _)| sid.clone());
        if let Some(sid) = oldest {
            self.end(&sid);
        }
    }

    /// Ends two kinds of sessions: those without a request for at least `idle`, and those that began at least `max` ago.
    pub(crate) fn expire(&mut self, now: Millis, idle: Duration, max: Duration) {
        let (idle, max) = (millis(idle), millis(max));
        self.by_sid
            .retain(|_, session| now - session.last_activity < idle && now - session.created < max);
    }

    pub(crate) fn len(&self) -> usize {
        self.by_sid.len()
    }
}
