//! The temporary folder of a sandbox, and the variables that lead a client to it.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Account;
use crate::error::Error;
use crate::sandbox::Sandbox;

/// Variables of ours that a command in the sandbox keeps: how to talk, not whom to talk to.
const KEPT: [&str; 9] = [
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

/// A folder that only its owner can look into; it is gone when this is dropped.
pub(super) struct Workplace {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Workplace {
    /// Writes the certificate and the password.
    pub(super) fn set_up(sandbox: &Sandbox, account: &Account) -> Result<Workplace, Error> {
        let failed = |error: std::io::Error| {
            Error::unexpected(format!("the sandbox's folder cannot be written: {error}"))
        };
        let folder = private_folder().map_err(failed)?;
        let certificate = folder.path().join("manager.pem");
        write(&certificate, sandbox.certificate_pem()).map_err(failed)?;
        let password = folder.path().join("password");
        write(&password, &format!("{}\n", account.password)).map_err(failed)?;
        let mut variables = vec![
            ("SWP_URL", sandbox.url()),
            ("SWP_CA_CERT", text(&certificate)?),
            ("SWP_USERNAME", account.username.clone()),
            ("SWP_PASSWORD_FILE", text(&password)?),
        ];
        variables.extend(account.tenant.clone().map(|tenant| ("SWP_TENANT", tenant)));
        variables.extend(account.mfa_code.clone().map(|code| ("SWP_MFA_CODE", code)));
        variables.extend(without_proxy());
        Ok(Workplace { folder, variables })
    }

    /// What leads a client here.
    pub(super) fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// What a command in the sandbox gets beside that: a state and a configuration that do not mix with the real ones.
    pub(super) fn folders(&self) -> [(&'static str, PathBuf); 2] {
        ["SWP_STATE_DIR", "SWP_CONFIG_DIR"]
            .map(|name| (name, self.folder.path().join(name.to_lowercase())))
    }
}

/// Whether a variable would lead a command in the sandbox elsewhere: ours are all about a real manager, but for a few.
pub(super) fn leads_elsewhere(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("SWP_") && !KEPT.contains(&name.as_ref())
}

/// Where a proxy is set, it must not be asked for loopback, which is the proxy's own.
fn without_proxy() -> Vec<(&'static str, String)> {
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
    // Which of the two spellings wins differs from program to program.
    vec![("NO_PROXY", list.clone()), ("no_proxy", list)]
}

fn text(path: &Path) -> Result<String, Error> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| {
        Error::usage(
            "the folder for temporary files has a name that is not UTF-8",
            "name another one in TMPDIR",
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
