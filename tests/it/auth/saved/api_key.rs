//! `login --api-key-file`: the check that the key works, where it is saved, which commands use it, and when it is removed.

use std::path::PathBuf;

use serde_json::json;
use swp_keys::sandbox::{Action, Fault};

use super::session::{saved_files, sessions};
use crate::support::files::read;
use crate::support::snapshot::snapshot;
use crate::support::wording::KEY_LIVES_ON;
use crate::support::{TestEnv, contains};

/// Returns a key of this role that is in a file, and the arguments that save it.
fn a_key(env: &TestEnv, role: i64) -> (String, [String; 3]) {
    let key = env.sandbox.add_key("existing", role).secret;
    let file = env.home.write_secret("key", &format!("{key}\n"));
    let arguments = ["login", "--api-key-file"].map(str::to_owned);
    let [login, flag] = arguments;
    (key, [login, flag, file.display().to_string()])
}

/// Removes every credential from the environment.
fn forget_password(env: &mut TestEnv) {
    env.home.unset("SWP_PASSWORD_FILE");
    env.home.unset("SWP_USERNAME");
}

/// Returns the keys that the requests carried.
fn keys_used(env: &TestEnv) -> Vec<String> {
    let requests = env.sandbox.requests();
    let mut keys: Vec<String> = (requests.iter())
        .filter_map(|request| request.header("api-secret-key").map(str::to_owned))
        .collect();
    keys.dedup();
    keys
}

#[test]
fn a_key_that_works_is_saved_and_serves_later_commands() {
    // Role 1 is Full Access. Role 2 is Auditor, whose keys cannot view keys, including themselves.
    for (role, accepted) in [(1, false), (2, false), (2, true)] {
        let mut env = TestEnv::new();
        if accepted {
            env.sandbox
                .change(|settings| settings.unknowns.current_without_view = None);
        }
        let (key, login) = a_key(&env, role);
        let id = env.sandbox.api_keys()[0].id;
        let result = env.run(&login);
        assert_eq!(result.success(), "");
        contains(&result.stderr, &["`swp-keys logout`"]);
        assert!(!env.calls().contains(&"POST /api/sessions".to_owned()));
        let writes = |call: &String| !call.starts_with("GET ") && !call.ends_with("/search");
        assert!(!env.calls().iter().any(writes), "{:?}", env.calls());
        let [file] = &saved_files(&env)[..] else {
            panic!("one file is kept: {:?}", saved_files(&env));
        };
        contains(&read(file), &[&key]);
        #[cfg(unix)]
        assert_eq!(crate::support::files::mode(file), 0o600);
        let result = env.run(
            login
                .iter()
                .map(String::as_str)
                .chain(["-o", "json", "-vv"]),
        );
        let may_look = role == 1 || accepted;
        let meta = json!({
            "manager": env.sandbox.url(), "tenant": null, "profile": null, "kept": "api-key",
            "keyID": may_look.then_some(id), "changed": true,
        });
        assert_eq!(result.json(), json!({"meta": meta}));
        assert!(!result.stderr.contains(&key) && !result.stdout.contains(&key));
        assert!(!result.stderr.contains(KEY_LIVES_ON), "it is the same key");
        // The original file is not needed any more.
        std::fs::remove_file(env.home.path("key")).expect("a file");
        forget_password(&mut env);
        env.sandbox.forget_requests();
        if role == 1 {
            assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
            env.run(["create", "--role", "Auditor"]).success();
            assert_eq!(keys_used(&env), std::slice::from_ref(&key));
        }
        let result = env.run(["logout"]);
        assert_eq!(result.success(), "");
        let delete = format!("`swp-keys delete-key {id}`");
        let way_out = if may_look {
            &delete
        } else {
            "`swp-keys list-keys`"
        };
        contains(&result.stderr, &[way_out]);
        assert!(!result.stderr.contains(&key));
        assert_eq!(saved_files(&env), [] as [PathBuf; 0]);
        assert!(!env.sandbox.api_keys().is_empty(), "the key is not ended");
        env.run(["list-roles"]).failure(2);
    }
}

#[test]
fn a_key_from_a_pipe_is_saved() {
    let mut env = TestEnv::new();
    let (key, _) = a_key(&env, 1);
    let result = (env.home).run_with_stdin(["login", "--api-key-file", "-"], &key);
    result.success();
    forget_password(&mut env);
    env.run(["list-roles"]).success();
    assert_eq!(keys_used(&env), [key]);
}

#[test]
fn a_key_that_does_not_work_is_tried_once_and_not_saved() {
    for status in [401, 403] {
        let env = TestEnv::new();
        env.sandbox
            .change(|settings| settings.unknowns.refused_key = status);
        let (_, login) = a_key(&env, 1);
        let id = env.sandbox.api_keys()[0].id;
        assert!(env.sandbox.remove_key(id));
        let result = env.run(&login);
        snapshot(result.failure(4));
        assert_eq!(env.calls(), ["GET /api/apikeys/current"]);
        assert_eq!(saved_files(&env), [] as [PathBuf; 0]);
    }
}

#[test]
fn a_key_that_cannot_be_checked_does_not_replace_a_session() {
    let env = TestEnv::new();
    env.run(["login"]).success();
    let before = read(&saved_files(&env)[0]);
    let (_, login) = a_key(&env, 2);
    for method in ["GET", "POST"] {
        let refuse = Action::status(403, "Not authorized.");
        env.sandbox.inject(Fault::new(method, "*", refuse).times(9));
    }
    let result = env.run(login.iter().map(String::as_str).chain(["-o", "json"]));
    assert_eq!(result.json_error(5)["code"], "forbidden");
    assert!(!result.stderr.contains("note: "), "{}", result.stderr);
    assert_eq!(read(&saved_files(&env)[0]), before);
    assert_eq!(env.sandbox.live_sessions(), 1);
}

#[test]
fn a_key_in_the_environment_is_used_only_without_a_password() {
    let mut env = TestEnv::new();
    let (key, _) = a_key(&env, 1);
    env.home.set("SWP_API_KEY", &key);
    // `login` would save a session, because the home has a password file. Later commands would use the key from the variable, and `login` warns about
    // it.
    let result = env.run(["login"]);
    result.success();
    let shadowed = ["warning: ", "SWP_API_KEY", "admin"];
    contains(&result.stderr, &shadowed);
    assert_eq!(env.sandbox.live_sessions(), 1);
    env.run(["logout"]).success();
    env.home.unset("SWP_PASSWORD_FILE");
    let result = env.run(["login"]);
    result.success();
    contains(&result.stderr, &["SWP_API_KEY"]);
    assert_eq!(saved_files(&env).len(), 1);
}

#[test]
fn each_command_warns_once_of_a_variable_that_overrides_a_saved_login() {
    for variable in ["SWP_API_KEY", "SWP_API_KEY_FILE"] {
        let mut env = TestEnv::new();
        let (kept_key, login) = a_key(&env, 1);
        env.run(&login).success();
        let other = env.sandbox.add_key("other", 1).secret;
        let file = env.home.write_secret("other", &other);
        let value = if variable == "SWP_API_KEY" {
            PathBuf::from(&other)
        } else {
            file
        };
        env.home.set(variable, value);
        env.sandbox.forget_requests();
        let result = env.run(["list-roles"]);
        result.success();
        let note = format!("note: `{variable}` takes precedence over");
        assert_eq!(result.stderr.matches(&note).count(), 1, "{}", result.stderr);
        assert_eq!(keys_used(&env), [other]);
        // An empty variable counts as unset, so it overrides nothing.
        env.home.set(variable, "");
        env.sandbox.forget_requests();
        let result = env.run(["list-roles"]);
        result.success();
        assert_eq!(result.stderr, "");
        assert_eq!(keys_used(&env), [kept_key]);
    }
}

#[test]
fn a_password_in_the_environment_overrides_no_saved_key_and_is_logged() {
    let env = TestEnv::new();
    let (key, login) = a_key(&env, 1);
    env.run(&login).success();
    env.sandbox.forget_requests();
    let result = env.run(["list-roles", "-v"]);
    result.success();
    contains(&result.stderr, &["SWP_PASSWORD_FILE"]);
    assert_eq!(keys_used(&env), [key]);
}

#[test]
fn the_newer_of_session_and_key_replaces_the_older() {
    let mut env = TestEnv::new();
    env.run(["login"]).success();
    env.run(["list-roles"]).success();
    let former = sessions(&env);
    let (key, login) = a_key(&env, 1);
    env.sandbox.forget_requests();
    env.run(&login).success();
    assert_eq!(
        (saved_files(&env).len(), env.sandbox.live_sessions()),
        (1, 0)
    );
    assert_eq!(sessions(&env), former, "the session was ended");
    env.sandbox.forget_requests();
    env.run(["list-roles"]).success();
    assert_eq!(keys_used(&env), std::slice::from_ref(&key));
    // When a session replaces the key, the run prints how to delete the key on the manager.
    let result = env.run(["login"]);
    result.success();
    contains(&result.stderr, &["`swp-keys delete-key 1`"]);
    assert_eq!(
        (saved_files(&env).len(), env.sandbox.live_sessions()),
        (1, 1)
    );
    assert!(!read(&saved_files(&env)[0]).contains(&key));
    env.sandbox.forget_requests();
    forget_password(&mut env);
    env.run(["list-roles"]).success();
    assert_eq!(keys_used(&env), [] as [String; 0]);
}

#[test]
fn a_different_tenant_user_or_password_does_not_use_a_saved_key() {
    let env = TestEnv::new();
    let (_, login) = a_key(&env, 1);
    env.run(&login).success();
    env.sandbox.forget_requests();
    env.run(["list-roles", "--username", "admin"]).success();
    let file = env.home.path("password");
    let file = file.to_str().expect("UTF-8");
    env.run(["list-roles", "--password-file", file]).success();
    env.run(["list-roles", "--tenant", "Acme"]);
    assert_eq!(keys_used(&env), [] as [String; 0]);
    snapshot(&env.run(["logout", "--tenant", "Acme"]).stderr);
    assert_eq!(saved_files(&env).len(), 1);
}

#[test]
fn a_rejected_saved_key_is_reported_as_the_saved_key() {
    let env = TestEnv::new();
    let (key, login) = a_key(&env, 1);
    env.run(&login).success();
    let id = env.sandbox.api_keys()[0].id;
    assert!(env.sandbox.edit_key(id, |key| key.active = false));
    let result = env.run(["list-roles"]);
    contains(result.failure(5), &["swp-keys login", "`swp-keys logout`"]);
    assert!(env.sandbox.remove_key(id));
    let result = env.run(["list-roles"]);
    contains(result.failure(4), &["`swp-keys logout`"]);
    assert!(!result.stderr.contains(&key));
    assert!(!env.calls().contains(&"POST /api/sessions".to_owned()));
}

#[test]
fn the_requested_header_is_saved_with_the_key() {
    let env = TestEnv::new();
    let (_, login) = a_key(&env, 1);
    let scheme = ["--api-key-scheme", "cloud-one"];
    let result = env.run(login.iter().map(String::as_str).chain(scheme));
    // The header must be the requested one, whether or not the manager accepts the key in it.
    let header = |env: &TestEnv| {
        env.sandbox
            .requests()
            .last()
            .map(|request| request.header("authorization").is_some())
    };
    assert_eq!(header(&env), Some(true));
    if result.code() == 0 {
        env.run(["list-roles"]);
        assert_eq!(header(&env), Some(true));
    }
}

#[test]
fn a_key_that_cannot_be_saved_is_reported() {
    let mut env = TestEnv::new();
    let (_, login) = a_key(&env, 1);
    let file = env.home.write("file", "");
    env.home.set("SWP_STATE_DIR", &file);
    contains(env.run(&login).failure(1), &["SWP_STATE_DIR"]);
}

#[test]
fn no_command_prints_a_saved_key() {
    let env = TestEnv::new();
    let (key, login) = a_key(&env, 1);
    env.run(&login).success();
    let check = |env: &TestEnv, arguments: &[&str]| {
        for format in ["text", "json"] {
            let result = env.run(
                arguments
                    .iter()
                    .chain(&["-vv", "--retries", "0", "-o", format]),
            );
            let output = format!("{}{}", result.stdout, result.stderr);
            assert!(!output.contains(&key), "{arguments:?}: {output}");
        }
    };
    let commands = [
        &["list-roles"][..],
        &["whoami"],
        &["config", "show"],
        &["show-key", "existing"],
        &["login"],
    ];
    for command in &commands[..4] {
        check(&env, command);
    }
    let id = env.sandbox.api_keys()[0].id;
    assert!(env.sandbox.edit_key(id, |key| key.active = false));
    for command in &commands {
        check(&env, command);
    }
    env.run(&login).failure(5);
    check(&env, &["logout"]);
}
