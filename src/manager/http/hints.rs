//! Hints that several errors share.

/// For a session that is not accepted. Without sticky sessions, a load balancer sends the second request to a node that does not know the
/// session of the first.
pub(crate) const SIGN_IN_AGAIN: &str = "sign in again; if the session was new and the manager has several nodes, turn on sticky sessions in the \
     load balancer or use the address of one node in `--url`";

/// For a key of Cloud One. "The apikeys operations work with legacy keys only" (docs/manager-api.md, "Authentication" and "Other key
/// services"). The status with which other keys are refused is unknown.
pub(crate) const CLOUD_ONE_KEY: &str = "check that the key is valid and that its role has the right; the key was sent as a Cloud One key \
     (`--api-key-scheme`), and most of these cannot manage the manager's keys: sign in with a key of the manager instead";

/// For an account that is locked.
pub(crate) const LOCKED: &str = "ask an administrator who may edit users to unlock the account, and do not try again before that";

/// For a response that the manager may have sent while it starts.
pub(crate) const WAIT_FOR_START: &str = "if the manager is starting, wait for it with `--wait 5m`";
