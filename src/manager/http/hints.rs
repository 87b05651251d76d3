//! Hints that are used for several errors.

/// The hint for a rejected session. It mentions sticky sessions, because without them a load balancer may send a request to a node that does not know
/// the session.
pub(crate) const SIGN_IN_AGAIN: &str = "sign in again; if new sessions are rejected too, turn on sticky sessions in the manager's load balancer, or \
 use the address of one node in `--url`";

/// The hint for a rejected API key, which may be a Cloud One key. Most Cloud One keys cannot manage keys, because "the apikeys operations work with
/// legacy keys only" (docs/manager-api.md, "Authentication" and "Other key services"). The status of the manager's response to a Cloud One key is
/// unknown.
pub(crate) const CLOUD_ONE_KEY: &str = "check that the key is valid and that its role has this permission; \
    most Cloud One keys (see `--api-key-scheme`) cannot manage API keys: use an API key of the manager instead";

/// The hint for a locked account.
pub(crate) const LOCKED: &str = "ask an administrator to unlock the account (the administrator needs permission to edit users); \
    do not sign in again until the account is unlocked";

/// The hint for a response that may mean that the manager is still starting.
pub(crate) const WAIT_FOR_START: &str = "if the manager is still starting, add `--wait 5m`";
