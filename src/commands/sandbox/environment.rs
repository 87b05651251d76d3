//! The temporary folder of a sandbox, and the environment variables that connect a client to it.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::Error;
use crate::sandbox::{Sandbox, Settings};

/// The variables with the prefix SWP_ that a command in the sandbox inherits. None of them selects a manager or a credential.
const INHERITED: [&str; 9] = [
    "SWP_COLOR",
    "SWP_CONNECT_TIMEOUT",
    "SWP_NO_INPUT",
    "SWP_NO_SIGN_OUT",
    "SWP_OUTPUT",
    "SWP_QUIET",
    "SWP_RETRIES",
    "SWP_TIMEOUT",
    "SWP_WAIT",
];

/// The temporary folder and the variables of a sandbox. Only the owner can read the folder. It is deleted on drop.
pub(super) struct Environment {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Environment {
    /// Creates the folder, and writes the certificate and the administrator's password to it.
    pub(super) fn create(sandbox: &Sandbox, settings: &Settings) -> Result<Environment, Error> {
        let failed = |error: std::io::Error| {
            Error::unexpected(format!(
                "could not write to the sandbox's temporary folder: {error}"
            ))
        };
        let folder = private_folder().map_err(failed)?;
        let certificate = folder.path().join("manager.pem");
        write(&certificate, sandbox.certificate_pem()).map_err(failed)?;
        let password = folder.path().join("password");
        write(&password, &format!("{}\n", settings.password)).map_err(failed)?;
        let mut variables = vec![
            ("SWP_URL", sandbox.url()),
            ("SWP_CA_CERT", text(&certificate)?),
            ("SWP_USERNAME", settings.username.clone()),
            ("SWP_PASSWORD_FILE", text(&password)?),
        ];
        variables.extend(settings.tenant.clone().map(|tenant| ("SWP_TENANT", tenant)));
        variables.extend(settings.mfa_code.clone().map(|code| ("SWP_MFA_CODE", code)));
        variables.extend(proxy_exceptions());
        Ok(Environment { folder, variables })
    }

    /// Returns the variables that connect a client to the sandbox.
    pub(super) fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// Returns the variables that set the state folder and the settings folder of a command in the sandbox. The command must not use the user's
    /// own folders.
    pub(super) fn folders(&self) -> [(&'static str, PathBuf); 2] {
        ["SWP_STATE_DIR", "SWP_CONFIG_DIR"]
            .map(|name| (name, self.folder.path().join(name.to_lowercase())))
    }
}

/// Returns true if a command in the sandbox must not inherit this variable, because the variable may belong to a real manager.
pub(super) fn is_removed(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("SWP_") && !INHERITED.contains(&name.as_ref())
}

/// Returns `NO_PROXY` and `no_proxy` with the loopback addresses added. Returns no variables if no proxy is set.
fn proxy_exceptions() -> Vec<(&'static str, String)> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .all(|name| set(name).is_none())
    {
        return Vec::new();
    }
    let others = set("NO_PROXY").or_else(|| set("no_proxy"));
    let list = ["127.0.0.0/8", "::1"]
        .map(str::to_owned)
        .into_iter()
        .chain(others)
        .collect::<Vec<String>>()
        .join(",");
    // Both spellings are set, because some programs read `NO_PROXY` first and others read `no_proxy` first.
    vec![("NO_PROXY", list.clone()), ("no_proxy", list)]
}

fn text(path: &Path) -> Result<String, Error> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| {
        Error::usage(
            "the path of the temporary folder is not valid UTF-8",
            "set TMPDIR to a different folder",
        )
    })
}

fn private_folder() -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("swp-keys-sandbox-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

fn write(path: &Path, content: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(content.as_bytes())
}
