//! Profiles of `config.toml`: which profile is used, what takes precedence over it, and its defaults for new keys.

use swp_keys::sandbox::{Sandbox, Settings};

use crate::support::files::read;
use crate::support::profiles::{configure, env_in_a_profile, profile, unset_manager};
use crate::support::snapshot::snapshot;
use crate::support::{TestEnv, contains, set_mode};

#[test]
fn a_profile_provides_every_unset_setting() {
    let env = env_in_a_profile("output = \"json\"\n");
    let result = env.run(["find-role", "Auditor", "--profile", "here"]);
    assert_eq!(result.json()["ID"], 2);
    // Without the profile, no manager is set.
    env.run(["list-roles"]).failure(2);
}

#[test]
fn the_profile_comes_from_flag_then_variable_then_default() {
    let mut env = TestEnv::new();
    let mut text = "default-profile = \"one\"\n".to_owned();
    for (name, role) in [("one", 2), ("two", 2), ("three", 1)] {
        text += &format!("[profiles.{name}.create]\nrole-id = {role}\ndescription = \"{name}\"\n");
    }
    configure(&mut env.home, &text);
    let output = |env: &TestEnv, arguments: &[&str]| {
        let create = ["create", "--dry-run", "--no-mark", "-o", "json"];
        let key = env.run(create.iter().chain(arguments)).json();
        (key["description"].clone(), key["roleID"].clone())
    };
    assert_eq!(output(&env, &[]), ("one".into(), 2.into()));
    env.home.set("SWP_PROFILE", "two");
    assert_eq!(output(&env, &[]), ("two".into(), 2.into()));
    let three = output(&env, &["--profile", "three"]);
    assert_eq!(three, ("three".into(), 1.into()));
    let auditor = output(&env, &["--profile", "three", "--role", "Auditor"]);
    assert_eq!(auditor, ("three".into(), 2.into()));
    // An empty variable counts as unset.
    env.home.set("SWP_PROFILE", "");
    assert_eq!(output(&env, &[]), ("one".into(), 2.into()));
}

/// `--profile` was typed for this run, so the run must not work on the manager of an older variable.
#[test]
fn a_profile_flag_contradicts_the_address_of_another_manager() {
    let mut env = env_in_a_profile("[profiles.bare]\nurl = \"https://dsm.invalid:4119\"\n");
    let url = env.sandbox.url();
    env.home.set("SWP_URL", &url);
    env.home.set("SWP_USERNAME", "admin");
    for command in [
        &["delete", "s1", "--yes"][..],
        &["list-roles"],
        &["config", "show"],
    ] {
        let result = env.run(command.iter().chain(&["--profile", "bare"]));
        let parts = ["`--profile`", "`bare`", "`SWP_URL`", &url, "`--url"];
        contains(result.failure(2), &parts);
        snapshot(&result.stderr);
    }
    assert_eq!(env.sandbox.connections().tcp, 0);
    // The addresses are compared, not their texts.
    env.home.set("SWP_URL", format!("{url}/api/"));
    env.run(["list-roles", "--profile", "here"]).success();
    // A typed address selects the manager of this run.
    let typed = ["config", "show", "--profile", "bare", "--url", &url];
    contains(env.run(typed).success(), &[&url]);
    // If variables select both the profile and the address, a note says that the profile's address is ignored.
    env.home.set("SWP_PROFILE", "bare");
    let result = env.run(["config", "show"]);
    contains(result.success(), &["SWP_URL"]);
    contains(&result.stderr, &["note: ", "`bare`", "`SWP_URL`"]);
    snapshot(&result.stderr);
}

#[test]
fn each_value_is_taken_from_flag_then_variable_then_profile() {
    let mut env = env_in_a_profile("");
    let users = |env: &TestEnv| -> Vec<String> {
        let requests = env.sandbox.requests();
        let names = requests.iter().filter(|seen| seen.path == "/api/sessions");
        let user = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body);
        names
            .filter_map(|seen| {
                user(&seen.body).ok()?["userName"]
                    .as_str()
                    .map(str::to_owned)
            })
            .collect()
    };
    env.home.set("SWP_PROFILE", "here");
    env.run(["list-roles"]).success();
    env.home.set("SWP_USERNAME", "by variable");
    env.run(["list-roles"]).failure(4);
    env.run(["list-roles", "--username", "by flag"]).failure(4);
    env.home.set("SWP_USERNAME", "");
    env.run(["list-roles"]).success();
    assert_eq!(users(&env), ["admin", "by variable", "by flag", "admin"]);
}

#[test]
fn an_empty_flag_unsets_a_value_of_the_profile() {
    let env = env_in_a_profile("tenant = \"Acme\"\n");
    env.run(["list-roles", "--profile", "here", "--tenant", ""])
        .success();
}

#[test]
fn the_output_format_of_a_profile_applies_to_errors() {
    let env = env_in_a_profile("output = \"json\"\n");
    let missing = ["find-role", "none such", "--profile", "here"];
    assert_eq!(env.run(missing).json_error(3)["code"], "not-found");
    let result = env.run(missing.iter().chain(&["-o", "text"]));
    contains(result.failure(3), &["error: "]);
}

#[test]
fn numbers_times_and_switches_of_a_profile_apply() {
    let mut env = env_in_a_profile(
        "retries = 0\ntimeout = \"20s\"\nconnect-timeout = \"9s\"\nsettle-timeout = \"1s\"\nwait = \"3s\"\nrequire-journal = true\n",
    );
    env.home.set("SWP_PROFILE", "here");
    // A record cannot be written if a file is in the place of its folder.
    let state = env.home.path("state");
    std::fs::create_dir_all(&state).expect("a folder");
    std::fs::write(state.join("unfinished"), "").expect("a file");
    let create = ["create", "--role", "Auditor"];
    contains(env.run(create).failure(2), &["`--require-journal`"]);
    assert!(env.sandbox.api_keys().is_empty());
    env.home.set("SWP_REQUIRE_JOURNAL", "0");
    env.run(create).success();
    let drop =
        swp_keys::sandbox::Fault::new("POST", "/api/roles/search", swp_keys::sandbox::Action::Drop);
    env.sandbox.inject(drop);
    env.run(["list-roles"]).failure(8);
}

#[test]
fn a_profile_can_name_a_command_that_prints_a_password() {
    let env = TestEnv::new();
    let mut env = env;
    let mut text = profile(&env, "here").replace("password-file = \"../password\"\n", "");
    // A relative path is relative to the folder of the file, not to the working folder. A bare name is searched in PATH.
    text += "password-command = \"./say ../password\"\n";
    let config = configure(&mut env.home, &text);
    unset_manager(&mut env.home);
    env.home.set("SWP_PROFILE", "here");
    let say = env
        .home
        .write("config/say", "#!/bin/sh\ncat \"$SWP_CONFIG_DIR/$1\"\n");
    set_mode(&say, 0o755);
    if cfg!(unix) {
        env.run(["list-roles"]).success();
        set_mode(&say, 0o644);
        let result = env.run(["list-roles"]);
        let place = config.display().to_string();
        contains(result.failure(2), &["`password-command`", "`here`", &place]);
    }
}

#[cfg(unix)]
#[test]
fn a_profile_can_name_a_command_that_prints_a_key() {
    let mut env = TestEnv::new();
    let key = env.sandbox.add_key("existing", 1).secret;
    env.home.write_secret("key", &key);
    let text = format!(
        "{}api-key-command = \"cat '{}'\"\n",
        profile(&env, "here").replace("password-file = \"../password\"\n", ""),
        env.home.path("key").display()
    );
    configure(&mut env.home, &text);
    let password = env.home.path("password");
    env.home.unset("SWP_PASSWORD_FILE");
    env.home.set("SWP_PROFILE", "here");
    let signed_by_key = |env: &TestEnv| {
        env.sandbox.forget_requests();
        env.run(["list-roles"]).success();
        !env.calls().contains(&"POST /api/sessions".to_owned())
    };
    assert!(signed_by_key(&env));
    // The environment takes precedence over the profile, and so does a saved session.
    env.home.set("SWP_PASSWORD_FILE", &password);
    assert!(!signed_by_key(&env));
    env.run(["login"]).success();
    assert_eq!(env.sandbox.live_sessions(), 1);
    env.home.unset("SWP_PASSWORD_FILE");
    env.sandbox.forget_requests();
    env.run(["list-roles"]).success();
    let requests = env.sandbox.requests();
    assert!(requests.iter().all(|seen| seen.header("rid").is_some()));
    // Without a password, `login` saves the key of the profile.
    env.run(["login"]).success();
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[cfg(unix)]
#[test]
fn a_saved_key_is_used_only_for_its_profile() {
    let mut env = env_in_a_profile("");
    let text = profile(&env, "here") + &profile(&env, "other");
    configure(&mut env.home, &text);
    let key = env.sandbox.add_key("existing", 1).secret;
    let file = env.home.write_secret("key", &key);
    let file = file.to_str().expect("UTF-8");
    let result = env.run([
        "login",
        "--profile",
        "here",
        "--api-key-file",
        file,
        "-o",
        "json",
    ]);
    assert_eq!(result.json()["meta"]["profile"], "here");
    for (name, by_key) in [("here", true), ("other", false)] {
        env.sandbox.forget_requests();
        env.run(["list-roles", "--profile", name]).success();
        let signed_in = env.calls().contains(&"POST /api/sessions".to_owned());
        assert_eq!(signed_in, !by_key, "{name}");
    }
    snapshot(&env.run(["logout", "--profile", "other"]).stderr);
    snapshot(&env.run(["logout", "--profile", "here"]).stderr);
}

#[test]
fn defaults_for_new_keys_are_used_if_the_command_line_has_none() {
    let mut env = env_in_a_profile(
        "[profiles.here.create]\nrole = \"Auditor\"\nexpires = \"14d\"\ndescription = \"for CI\"\nlocale = \"ja-JP\"\ntime-zone = \"Asia/Tokyo\"\n",
    );
    env.home.set("SWP_PROFILE", "here");
    let result = env.run(["create", "--no-mark", "-o", "json"]);
    let key = result.json();
    assert_eq!(key["roleID"], 2);
    assert_eq!(key["locale"], "ja-JP");
    assert_eq!(key["timeZone"], "Asia/Tokyo");
    assert_eq!(key["description"], "for CI");
    assert!(key["expiryDate"].is_i64());
    let given = [
        "create",
        "-o",
        "json",
        "--role-id",
        "1",
        "--locale",
        "en-US",
        "--expires",
        "never",
        "--description",
        "mine",
        "--no-mark",
    ];
    let key = env.run(given).json();
    assert_eq!(
        (&key["roleID"], &key["locale"]),
        (&1.into(), &"en-US".into())
    );
    assert_eq!(key["description"], "mine");
    assert!(key.get("expiryDate").is_none());
}

#[test]
fn an_expiry_in_the_past_is_reported_and_blocks_nothing_else() {
    let mut env =
        env_in_a_profile("[profiles.here.create]\nrole-id = 2\nexpires = \"2020-01-31\"\n");
    env.home.set("SWP_PROFILE", "here");
    env.run(["list-roles"]).success();
    let result = env.run(["create"]);
    contains(result.failure(2), &["create.expires", "here"]);
    env.run(["create", "--expires", "14d"]).success();
}

#[test]
fn a_profile_applies_only_to_its_own_manager() {
    let mut env = env_in_a_profile("");
    env.home.set("SWP_PROFILE", "here");
    let other = Sandbox::start(Settings::default()).expect("a second manager");
    let result = env.run(["list-roles", "--url", &other.url()]);
    // The run must not use the profile's user, password or certificate for a different manager.
    contains(result.failure(2), &["note:", "--url", "here"]);
    assert_eq!(other.connections().tcp, 0);
    // The same manager, in a different spelling.
    let same = format!("{}/api/", env.sandbox.url());
    let result = env.run(["list-roles", "--url", &same]);
    result.success();
    assert_eq!(result.stderr, "");
}

#[test]
fn the_file_variables_have_an_order_of_precedence() {
    let mut env = TestEnv::new();
    let places = ["own", "xdg/swp-keys", ".config/swp-keys"];
    for place in places {
        let folder = env.home.path(place);
        std::fs::create_dir_all(&folder).expect("a folder");
        set_mode(&folder, 0o755);
        let text = format!(
            "default-profile = \"p\"\n[profiles.p.create]\nrole-id = 2\ndescription = \"{place}\"\n"
        );
        let path = env.home.write(&format!("{place}/config.toml"), &text);
        set_mode(&path, 0o644);
    }
    let output = |env: &TestEnv| {
        let result = env.run(["create", "--dry-run", "--no-mark", "-o", "json"]);
        result.json()["description"].clone()
    };
    let (own, xdg) = (env.home.path("own"), env.home.path("xdg"));
    env.home.set("SWP_CONFIG_DIR", own);
    env.home.set("XDG_CONFIG_HOME", xdg);
    assert_eq!(output(&env), places[0]);
    env.home.set("SWP_CONFIG_DIR", "");
    assert_eq!(output(&env), places[1]);
    if cfg!(unix) {
        env.home.set("XDG_CONFIG_HOME", "relative");
        assert_eq!(output(&env), places[2]);
    }
}

#[test]
fn the_file_is_optional_and_help_does_not_read_it() {
    let mut env = TestEnv::new();
    for folder in ["nowhere", "password", "password/below"] {
        let folder = env.home.path(folder);
        env.home.set("SWP_CONFIG_DIR", folder);
        env.run(["list-roles"]).success();
    }
    configure(&mut env.home, "this is no TOML");
    for arguments in [&["--help"][..], &["--version"], &["create", "--help"]] {
        env.run(arguments).success();
    }
    env.run(["sandbox", "--", "true"]).success();
    env.run(["list-roles"]).failure(2);
}

#[test]
fn the_file_is_never_written() {
    let env = env_in_a_profile("# a comment\n");
    let path = env.home.path("config/config.toml");
    let before = (
        read(&path),
        std::fs::metadata(&path)
            .and_then(|file| file.modified())
            .ok(),
    );
    env.run(["login", "--profile", "here"]).success();
    env.run(["logout", "--profile", "here"]).success();
    let after = (
        read(&path),
        std::fs::metadata(&path)
            .and_then(|file| file.modified())
            .ok(),
    );
    assert_eq!(before, after);
    assert_eq!(
        crate::support::files::files(&env.home.path("config")).len(),
        1,
        "nothing is put beside it"
    );
}

#[cfg(unix)]
#[test]
fn a_profile_can_allow_files_that_other_users_can_read() {
    let mut env = env_in_a_profile("allow-loose-permissions = true\n");
    set_mode(&env.home.path("password"), 0o644);
    env.run(["config", "check"]).success();
    let command = ["list-roles", "--profile", "here"];
    env.run(command).success();
    env.home.set("SWP_ALLOW_LOOSE_PERMISSIONS", "0");
    for command in [&command[..], &["config", "check"]] {
        contains(env.run(command).failure(2), &["chmod 600"]);
    }
    // For a different manager, the field does not apply.
    env.home.unset("SWP_ALLOW_LOOSE_PERMISSIONS");
    let other = [
        "config",
        "show",
        "-o",
        "json",
        "--url",
        "https://dsm.invalid",
    ];
    let shown = env.run(other.iter().chain(&command[1..])).json();
    assert!(shown["settings"]["allow-loose-permissions"]["value"].is_null());
}
