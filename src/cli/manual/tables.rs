//! The environment variables without a flag, and the files. `docs/configuration.md` describes them. A test compares both.

/// The date in the footer of each page: the release date of this version in CHANGELOG.md.
pub(super) const DATE: &str = "2026-11-29";

/// Environment variables that no flag reads.
pub(super) const VARIABLES: [(&str, &str); 10] = [
    (
        "SWP_PASSWORD",
        "The password, if no file or command for it is set.",
    ),
    (
        "SWP_API_KEY",
        "An existing API key that authenticates the run.",
    ),
    (
        "SWP_MFA_CODE",
        "The current code of the second factor. See --mfa-code.",
    ),
    (
        "SWP_CONFIG_DIR",
        "The folder of config.toml and trusted.toml.",
    ),
    ("SWP_STATE_DIR", "The state folder."),
    (
        "XDG_CONFIG_HOME, XDG_STATE_HOME",
        "The parents of these two folders, if the variables above are not set.",
    ),
    (
        "HTTPS_PROXY, https_proxy, ALL_PROXY, all_proxy",
        "The proxy. See --proxy.",
    ),
    (
        "NO_PROXY, no_proxy",
        "The hosts that are reached without a proxy.",
    ),
    ("NO_COLOR", "Disables colour. See --color."),
    ("COLUMNS", "The width of tables and help texts."),
];

/// The files, with the commands that manage them.
pub(super) const FILES: [(&str, &str, &[&str]); 3] = [
    (
        "~/.config/swp-keys/config.toml",
        "The profiles. The file contains no secrets.",
        &["config", "create-key"],
    ),
    (
        "~/.config/swp-keys/trusted.toml",
        "The public keys of trusted managers.",
        &["trust"],
    ),
    (
        "~/.local/state/swp-keys/",
        "The records of unfinished runs, the credentials that login saves, and the times of rejected sign-ins.",
        &[
            "apply",
            "create-key",
            "exec",
            "login",
            "logout",
            "recover",
            "rotate-key",
        ],
    ),
];
