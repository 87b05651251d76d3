//! The page that `swp-keys`, `swp-keys -h` and `swp-keys help` print. It fits on one screen.

/// The overview of the commands.
pub(crate) const OVERVIEW: &str = "\
Get the first API key from Deep Security Manager, and manage keys from then on.

Usage: swp-keys COMMAND [OPTIONS]

Get a key:
  create       Create a key and deliver its secret
  exec         Run a command with a temporary key
  login        Save a session or an API key for later runs
  logout       Delete the saved credential

Manage keys:
  list, show   List the keys, show one key
  update-key   Change the role, name, description or expiry of a key
  lock-key     Lock keys; unlock-key unlocks them
  rotate       Replace a key; the old one expires after an overlap
  delete       Delete keys and verify that they are gone
  verify-key   Check whether a secret works

Roles:
  list-roles   List the roles; find-role and show-role show one

Trust and settings:
  trust        Show, pin and unpin the manager's certificate
  config       Show the settings with their sources

Troubleshooting and other:
  doctor       Check the settings, the connection and the sign-in
  whoami       Show the signed-in identity and the manager
  recover      Finish or undo interrupted runs
  sandbox      Run a simulated manager to try out commands
  completions  Print a shell completion script; man writes man pages

Examples:
  swp-keys create --url https://dsm.example.com --role Auditor --expires 90d
  swp-keys list --expiring 14d
  swp-keys sandbox -- swp-keys create --role Auditor

Run `swp-keys help COMMAND` for a command, `swp-keys help options` for the
flags of all commands, and `swp-keys --help` for the full help with exit codes.";
