//! Shell completion: it completes roles and keys of the manager if a credential is available, and prints nothing in all other cases. The shell treats
//! every name as text, whatever it contains.

use std::time::{Duration, Instant};

use serde_json::json;
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::{Home, RunResult, TestEnv};

/// Returns an environment with these roles, and a key in a variable, so that no password is needed.
fn with_roles(names: &[&str]) -> TestEnv {
    let mut env = TestEnv::with(Settings {
        roles: names.iter().map(|name| json!({"name": name})).collect(),
        ..Settings::default()
    });
    let key = env.sandbox.add_key("mine", 1);
    env.use_key(&key.secret);
    env
}

/// Returns the completions for a shell that quotes them itself. A line without a value, which names what the shell completes, is left as it is.
#[track_caller]
fn complete(home: &Home, before: &[&str], current: &str) -> Vec<String> {
    let current = format!("={current}");
    let words = ["__complete", "zsh", &current];
    let result = home.run(words.iter().chain(before));
    assert_eq!(result.stderr, "", "completion prints no messages");
    let answer = result.success().lines();
    let value = |line: &str| match line.split_once('\t') {
        None | Some(("", _)) => line.to_owned(),
        Some((value, _)) => value.to_owned(),
    };
    answer.map(value).collect()
}

#[test]
fn commands_flags_and_choices_need_no_manager() {
    let env = with_roles(&[]);
    let home = &env.home;
    assert_eq!(complete(home, &[], "create-"), ["create-key"]);
    assert_eq!(complete(home, &[], "he"), ["help"]);
    assert_eq!(complete(home, &["help"], "op"), ["options"]);
    assert_eq!(complete(home, &["help"], "rec"), ["recover"]);
    assert_eq!(complete(home, &["create"], "--if-"), ["--if-exists"]);
    assert_eq!(
        complete(home, &["create", "--if-exists"], ""),
        ["fail", "skip", "rekey", "ensure"]
    );
    assert_eq!(
        complete(home, &["create"], "--if-exists=r"),
        ["--if-exists=rekey"]
    );
    assert_eq!(home.run(["__complete"]).success(), "");
    assert_eq!(
        home.run(["__complete", "bash", "swp-keys create; "])
            .success(),
        ""
    );
    assert_eq!(env.sandbox.requests(), [], "the manager is not asked");
}

/// The shell expands `~` and variables in paths, and completes a command as it completes the user's own commands.
#[test]
fn paths_and_commands_are_left_to_the_shell() {
    let home = Home::new();
    for (before, current, work) in [
        (&["verify-key", "--key-file"][..], "ke", "\tfiles"),
        (&["create", "--out-file"], "~/k", "\tfiles"),
        (&["create"], "--out-file=$HOME/k", "\tfiles"),
        (&["plan", "-f"], "fl", "\ttoml"),
        (&["apply", "--file"], "", "\ttoml"),
        (&["man", "--out-dir"], "", "\tfolders"),
        (&["exec", "--role", "x", "--"], "l", "\tcommand"),
        (&["exec", "--role", "x", "--", "cat"], "", "\tcommand"),
        (&["sandbox", "--", "bash"], "-", "\tcommand"),
    ] {
        assert_eq!(
            complete(&home, before, current),
            [work],
            "{before:?} {current}"
        );
    }
    assert!(complete(&home, &["exec"], "--ro").contains(&"--role".to_owned()));
    assert_eq!(complete(&home, &["exec", "--role-id", "1"], "l"), [""; 0]);
    let in_bash = ["__complete", "bash", "swp-keys create --out-file=~/k"];
    assert_eq!(home.run(in_bash).success(), "\tfiles");
}

#[test]
fn roles_and_keys_come_from_the_manager() {
    let env = with_roles(&["Dev Read"]);
    let home = &env.home;
    for before in [
        &["create", "--role"][..],
        &["show-role"],
        &["find-role"],
        &["show-role", "1", "--diff"],
    ] {
        assert_eq!(
            complete(home, before, ""),
            ["Full Access", "Auditor", "Dev Read"],
            "{before:?}"
        );
    }
    assert_eq!(complete(home, &["create", "--role"], "De"), ["Dev Read"]);
    assert_eq!(complete(home, &["create"], "--role=A"), ["--role=Auditor"]);
    assert_eq!(complete(home, &["show-key"], "m"), ["mine"]);
    assert_eq!(env.count("POST /api/sessions"), 0);
    // Flags that are already on the command line apply.
    let mut home = Home::new();
    home.set("SWP_CA_CERT", env.home.path("manager.pem"));
    let file = env.home.path("key").display().to_string();
    let url = env.sandbox.url();
    let before = ["--url", &url, "--api-key-file", &file, "create", "--role"];
    assert_eq!(complete(&home, &before, "Au"), ["Auditor"]);
}

#[test]
fn saved_credentials_are_used_and_passwords_are_not() {
    let mut env = TestEnv::new();
    let create = ["create", "--role"];
    env.home.set("SWP_PASSWORD_COMMAND", "touch asked");
    env.home.set("SWP_MFA_COMMAND", "touch asked");
    assert_eq!(complete(&env.home, &create, ""), [""; 0]);
    env.home.unset("SWP_PASSWORD_FILE");
    assert_eq!(complete(&env.home, &create, ""), [""; 0]);
    assert_eq!(
        complete(&env.home, &["create", "--api-key-file", "-", "--role"], ""),
        [""; 0]
    );
    assert!(!env.home.path("asked").exists());
    assert_eq!(env.sandbox.requests(), []);
    env.home.unset("SWP_PASSWORD_COMMAND");
    env.home.unset("SWP_MFA_COMMAND");
    env.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
    env.run(["login"]).success();
    assert_eq!(complete(&env.home, &create, "Au"), ["Auditor"]);
    assert_eq!(env.sandbox.live_sessions(), 1, "it stays");
}

#[test]
fn without_a_manager_the_output_is_empty() {
    let mut env = with_roles(&[]);
    let create = ["create", "--role"];
    for action in [Action::status(500, "no"), Action::Drop, Action::Cut(20)] {
        env.sandbox
            .inject(Fault::new("POST", "/api/roles/search", action));
        assert_eq!(complete(&env.home, &create, ""), [""; 0]);
        env.sandbox.clear_faults();
    }
    assert_eq!(
        complete(&env.home, &[&["--insecure"][..], &create].concat(), ""),
        [""; 0]
    );
    env.sandbox.forget_requests();
    env.home.unset("SWP_CA_CERT");
    for flags in [&[][..], &["--tls-accept-new"]] {
        assert_eq!(complete(&env.home, &[flags, &create].concat(), ""), [""; 0]);
    }
    assert_eq!(env.sandbox.requests(), []);
    env.home.set("SWP_URL", "https://127.0.0.1:1");
    assert_eq!(complete(&env.home, &create, ""), [""; 0]);
    env.home.unset("SWP_URL");
    assert_eq!(complete(&env.home, &create, ""), [""; 0]);
}

#[test]
fn completion_does_not_wait_for_a_slow_manager() {
    let env = with_roles(&[]);
    let slow = Action::Delay(Duration::from_secs(20));
    env.sandbox
        .inject(Fault::new("POST", "/api/roles/search", slow));
    let begun = Instant::now();
    assert_eq!(complete(&env.home, &["create", "--role"], ""), [""; 0]);
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "a second, and what a busy machine adds"
    );
}

/// The manager counts failed attempts of a key and locks it, and a shell asks for completions at each press of a key.
#[test]
fn a_rejected_key_is_used_once() {
    for (role, spoil) in [(1, true), (2, false)] {
        let mut env = TestEnv::new();
        let key = env.sandbox.add_key("mine", role);
        env.use_key(&key.secret);
        if spoil {
            assert!(env.sandbox.edit_key(key.id, |key| key.active = false));
        }
        for _ in 0..4 {
            assert_eq!(complete(&env.home, &["create", "--role"], ""), [""; 0]);
        }
        assert_eq!(env.sandbox.requests().len(), 1);
    }
}

const HOSTILE: [&str; 9] = [
    "a\x1b[2Jb",
    "a\tb",
    "\u{202e}evil",
    "a\n\u{202e}evil",
    "--insecure",
    "a\ntouch pwned",
    "$(touch pwned)",
    "`touch pwned`; touch pwned",
    "it's \"so\" \\ * & | > pwned",
];

#[test]
fn control_characters_and_flag_like_names_are_omitted() {
    let env = with_roles(&HOSTILE);
    let found = complete(&env.home, &["create", "--role"], "").into_iter();
    // This character stands for a newline, because each line contains one name.
    let mut found: Vec<String> = found.map(|name| name.replace('\x1f', "\n")).collect();
    found.retain(|name| name != "Auditor" && name != "Full Access");
    found.sort_unstable();
    let mut expected = HOSTILE[5..].to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// Runs this in bash after bash has read the completion script. `swp-keys` is the binary.
#[cfg(unix)]
fn bash(env: &TestEnv, script: &str) -> RunResult {
    let folder = env.home.path("bin");
    if !folder.exists() {
        std::fs::create_dir(&folder).expect("a folder");
        std::os::unix::fs::symlink(crate::support::binary(), folder.join("swp-keys"))
            .expect("a link");
    }
    let command = env.home.command(["x"]);
    let mut bash = std::process::Command::new("bash");
    bash.args([
        "--norc",
        "-c",
        &format!("source <(swp-keys completions bash)\n{script}"),
    ])
    .env_clear()
    .envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    )
    .env(
        "PATH",
        format!(
            "{}:{}",
            folder.display(),
            std::env::var("PATH").unwrap_or_default()
        ),
    )
    .current_dir(env.home.path("."))
    .stdin(std::process::Stdio::null());
    RunResult::of(&mut bash)
}

/// The completed line is run as bash would run it. The name arrives complete, and bash executes nothing in it.
#[cfg(unix)]
#[test]
fn bash_passes_every_name_unchanged() {
    if std::process::Command::new("bash")
        .arg("--version")
        .output()
        .is_err()
    {
        return;
    }
    let env = with_roles(&HOSTILE);
    for (typed, end) in [("", ""), ("\"", "\""), ("'", "'")] {
        let script = format!(
            "COMP_LINE={} COMP_POINT=${{#COMP_LINE}}\n_swp_keys swp-keys\n\
             for one in \"${{COMPREPLY[@]}}\"; do [[ $one == *{end} ]] || one+={end}; \
             eval \"printf '%s\\0' \"{}\"$one\"; done",
            shell_quoted(&format!("swp-keys create --role {typed}")),
            shell_quoted(typed),
            end = shell_quoted(end),
        );
        let result = bash(&env, &script);
        let mut found: Vec<&str> = result.success().split_terminator('\0').collect();
        assert_eq!(result.stderr, "");
        found.sort_unstable();
        let mut expected = [&["Auditor", "Full Access"], &HOSTILE[5..]].concat();
        expected.sort_unstable();
        assert_eq!(found, expected, "after {typed}");
        assert!(!env.home.path("pwned").exists());
    }
    let result = bash(&env, "complete -p swp-keys");
    assert!(result.success().contains("_swp_keys"));
}

fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Every installed shell reads its completion script. Each of them quotes the completions and evaluates nothing.
#[cfg(unix)]
#[test]
fn every_script_is_read_by_its_shell() {
    let home = Home::new();
    for (name, shell, check) in [
        ("bash", "bash", &["-n"][..]),
        ("zsh", "zsh", &["-n"]),
        ("fish", "fish", &["--no-execute"]),
        ("powershell", "", &[]),
        ("elvish", "", &[]),
    ] {
        let result = home.run(["completions", name]);
        let script = result.success().to_owned();
        let code: String = (script.lines())
            .filter(|line| !line.trim_start().starts_with('#'))
            .collect();
        let evaluates = code.contains("eval ") || code.contains("Invoke-Expression");
        assert!(code.contains("__complete") && !evaluates, "{name}");
        let file = home.write(name, &script);
        if let Ok(output) = std::process::Command::new(shell)
            .args(check)
            .arg(file)
            .output()
        {
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && stderr.is_empty(),
                "{name}: {stderr}"
            );
        }
    }
    home.run(["completions", "tcsh"]).failure(2);
    home.run(["completions"]).failure(2);
}

/// A name that KEY would treat as an ID is completed with the `name:` prefix.
#[test]
fn keys_are_completed_in_an_unambiguous_form() {
    let env = with_roles(&[]);
    for name in ["777", "id:9"] {
        env.sandbox.add_key(name, 2);
    }
    let home = &env.home;
    assert_eq!(
        complete(home, &["show-key"], ""),
        ["mine", "name:777", "name:id:9"]
    );
    assert_eq!(complete(home, &["delete-key"], "7"), [""; 0]);
    assert_eq!(complete(home, &["delete-key"], "name:m"), ["name:mine"]);
    assert_eq!(
        complete(home, &["rotate-key"], "id:"),
        ["id:1", "id:2", "id:3"]
    );
}

/// An interactive bash expands `!` within double quotes. A backslash before it would become part of the name.
#[cfg(unix)]
#[test]
fn an_interactive_bash_expands_no_history_in_names() {
    if std::process::Command::new("bash")
        .arg("--version")
        .output()
        .is_err()
    {
        return;
    }
    const NAMES: [&str; 6] = ["Ops!", "!!", "a!b $x", "x !$ y", "!-1", "it's !\"so\""];
    let env = with_roles(&NAMES);
    for (typed, end) in [("", ""), ("\"", "\""), ("'", "'")] {
        let script = format!(
            "COMP_LINE={} COMP_POINT=${{#COMP_LINE}}\n_swp_keys swp-keys\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
            shell_quoted(&format!("swp-keys create --role {typed}")),
        );
        let answers = bash(&env, &script);
        let mut lines = String::from("echo recalled\n");
        for answer in answers.success().lines() {
            // bash adds the closing quote, unless the word already ends with it.
            let end = if answer.ends_with(end) { "" } else { end };
            lines.push_str(&format!("printf '%s\\n' {typed}{answer}{end}\n"));
        }
        let file = env.home.write("lines", &lines);
        let mut shell = env.home.program(std::path::Path::new("bash"));
        shell
            .args(["--norc", "--noprofile", "-i"])
            .env("HISTFILE", "/dev/null")
            .env("PS1", "")
            .stdin(std::fs::File::open(file).expect("the lines"));
        let result = RunResult::of(&mut shell);
        let mut found: Vec<&str> = result.stdout.lines().skip(1).collect();
        found.sort_unstable();
        let mut expected = [&["Auditor", "Full Access"][..], &NAMES].concat();
        expected.sort_unstable();
        assert_eq!(found, expected, "after {typed}: {}", result.stderr);
    }
}
