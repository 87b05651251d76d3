//! Settings files.

use std::path::PathBuf;

use super::{Home, TestEnv, set_mode};

/// Writes the settings file of a home.
pub(crate) fn configure(home: &mut Home, text: &str) -> PathBuf {
    let folder = home.path("config");
    std::fs::create_dir_all(&folder).expect("a folder");
    set_mode(&folder, 0o755);
    home.set("SWP_CONFIG_DIR", folder);
    let path = home.write("config/config.toml", text);
    set_mode(&path, 0o644);
    path
}

/// Returns an environment without variables. The profile `here` contains the settings for its manager and these additional lines.
pub(crate) fn env_in_a_profile(more: &str) -> TestEnv {
    let mut env = TestEnv::new();
    let text = profile(&env, "here") + more;
    configure(&mut env.home, &text);
    unset_manager(&mut env.home);
    env
}

/// Removes the variables that name the manager and the user.
pub(crate) fn unset_manager(home: &mut Home) {
    for variable in [
        "SWP_URL",
        "SWP_CA_CERT",
        "SWP_USERNAME",
        "SWP_PASSWORD_FILE",
    ] {
        home.unset(variable);
    }
}

/// Returns a profile for the manager of this environment, with paths relative to the folder of the settings file.
pub(crate) fn profile(env: &TestEnv, name: &str) -> String {
    format!(
        "[profiles.{name}]\nurl = \"{}\"\nca-cert = \"../manager.pem\"\nusername = \"admin\"\n\
         password-file = \"../password\"\n",
        env.sandbox.url()
    )
}
