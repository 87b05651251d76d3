//! The command `sandbox`: its output, the environment of the command that it runs, and how both end.

use std::path::{Path, PathBuf};

use swp_keys::sandbox::UNKNOWNS;

use crate::support::{Home, contains};

#[test]
fn a_key_can_be_created_with_only_the_binary() {
    let home = Home::new();
    let result = home.run(["sandbox", "--", "swp-keys", "create", "--role", "Auditor"]);
    let secret = result.success();
    assert!(
        secret.starts_with("1:") && !secret.contains('\n'),
        "stdout is the command's alone: {secret}"
    );
    contains(&result.stderr, &["note:", "https://127.0.0.1"]);
}

#[cfg(unix)]
#[test]
fn a_command_gets_only_settings_for_the_sandbox() {
    let mut home = Home::new();
    for name in [
        "SWP_URL",
        "SWP_API_KEY",
        "SWP_PASSWORD",
        "SWP_PROFILE",
        "SWP_TENANT",
        "SWP_STATE_DIR",
    ] {
        home.set(name, "https://real.example");
    }
    home.set("SWP_TLS_PIN", format!("sha256:{}", "ab".repeat(32)));
    home.set("HTTPS_PROXY", "http://proxy.example:3128");
    home.set("NO_PROXY", "inside.example");
    let result = home.run([
        "sandbox",
        "--username",
        "o'hara",
        "--mfa-code",
        "012345",
        "--",
        "env",
    ]);
    let env = result.success();
    let value = |name: &str| {
        env.lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")))
    };
    for gone in [
        "SWP_API_KEY",
        "SWP_PASSWORD",
        "SWP_PROFILE",
        "SWP_TENANT",
        "SWP_TLS_PIN",
    ] {
        assert_eq!(value(gone), None, "{gone}");
    }
    assert!(value("SWP_URL").is_some_and(|url| url.starts_with("https://127.0.0.1:")));
    assert_eq!(
        (value("SWP_USERNAME"), value("SWP_MFA_CODE")),
        (Some("o'hara"), Some("012345"))
    );
    assert_eq!(value("NO_PROXY"), Some("127.0.0.0/8,::1,inside.example"));
    assert!(!env.contains("real.example"), "{env}");
    let path = value("PATH").expect("a PATH");
    assert_eq!(
        path.split(':').next().map(Path::new),
        crate::support::binary().parent()
    );
}

#[cfg(unix)]
#[test]
fn its_files_are_private_and_removed_at_the_end() {
    let home = Home::new();
    let script = "stat -c '%a' \"$SWP_PASSWORD_FILE\" \"$SWP_CA_CERT\" \"$(dirname \"$SWP_CA_CERT\")\" 2>/dev/null \
                  || stat -f '%Lp' \"$SWP_PASSWORD_FILE\" \"$SWP_CA_CERT\" \"$(dirname \"$SWP_CA_CERT\")\"; \
                  echo \"$SWP_STATE_DIR\"; dirname \"$SWP_CA_CERT\"";
    let result = home.run(["sandbox", "--", "sh", "-c", script]);
    let lines: Vec<&str> = result.success().lines().collect();
    let [password, certificate, folder, state, path] = lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!([password, certificate, folder], ["600", "600", "700"]);
    assert!(state.starts_with(path), "{state} is in {path}");
    assert!(!PathBuf::from(path).exists());
}

#[cfg(unix)]
#[test]
fn the_exit_code_is_that_of_the_command() {
    let home = Home::new();
    for (script, code) in [
        ("exit 7", 7),
        ("exit 0", 0),
        ("kill -9 $$", 137),
        ("kill -TERM $$", 143),
    ] {
        assert_eq!(
            home.run(["sandbox", "--", "sh", "-c", script]).code(),
            code,
            "{script}"
        );
    }
    let result = home.run(["sandbox", "--", "there-is-no-such-command"]);
    contains(result.failure(2), &["there-is-no-such-command", "hint:"]);
}

#[cfg(unix)]
#[test]
fn the_password_is_random_or_read_from_a_file() {
    let home = Home::new();
    let password = home.write_secret("mine", "my own password\n");
    let read = |extra: &[&str]| {
        let mut arguments = vec!["sandbox"];
        arguments.extend(extra);
        arguments.extend(["--", "sh", "-c", "cat \"$SWP_PASSWORD_FILE\""]);
        home.run(arguments).success().to_owned()
    };
    let mine = password.to_str().expect("a path");
    assert_eq!(read(&["--password-file", mine]), "my own password");
    let (first, second) = (read(&[]), read(&[]));
    assert!(first.len() >= 20 && first != second);
}

#[test]
fn the_flags_configure_the_manager() {
    let home = Home::new();
    let roles = home.write("roles.json", r#"[{"ID": 40, "name": "Operator"}]"#);
    let roles = roles.to_str().expect("a path");
    let find = ["--", "swp-keys", "find-role", "Operator"];
    let run = |extra: &[&str]| {
        let arguments = [&["sandbox", "--roles", roles], extra, &find].concat();
        home.run(arguments)
    };
    assert_eq!(run(&[]).success(), "40");
    assert_eq!(
        run(&["--tls", "1.2", "--listen", "[::1]:0", "--tenant", "Blue"]).success(),
        "40"
    );
    let many = ["sandbox", "--many-roles", "3", "--many-keys", "3", "--"];
    let find = ["swp-keys", "find-role", "role-000003"];
    assert_eq!(home.run([&many[..], &find].concat()).success(), "5");
    let create = ["swp-keys", "create", "--role", "role-000003"];
    home.run([&many[..], &create].concat()).success();
    assert_eq!(
        run(&["--administrator-role", "2"]).code(),
        5,
        "an Auditor may not see roles"
    );
    assert_eq!(run(&["--certificate", "expired"]).code(), 7);
    assert_eq!(run(&["--unknown", "session-roles=403"]).code(), 5);
    assert_eq!(
        run(&["--fault", "POST /api/sessions status=500 body=broken"]).code(),
        4
    );
    assert_eq!(
        run(&[
            "--fault",
            "* /api/roles/search status=200 header='Content-Type: text/html' body=hello"
        ])
        .code(),
        1
    );
}

#[test]
fn invalid_arguments_are_rejected() {
    let home = Home::new();
    let missing = home.path("missing.json");
    let no_list = home.write("roles.json", "{}");
    let taken = home.write("taken.json", r#"[{"ID": 1, "name": "Second"}]"#);
    let path = |path: &Path| path.to_str().expect("a path").to_owned();
    for (arguments, complaint) in [
        (
            vec!["--listen".to_owned(), "0.0.0.0:0".to_owned()],
            "loopback",
        ),
        (
            vec!["--fault".into(), "POST /api/roles explode".into()],
            "`explode` is not a valid action",
        ),
        (
            vec!["--unknown".into(), "duplicate-name=418".into()],
            "400, accepted, 403, 409, 500",
        ),
        (
            vec!["--unknown".into(), "weather=fine".into()],
            "unrecognised behaviour `weather`",
        ),
        (vec!["--roles".into(), path(&missing)], "could not be read"),
        (
            vec!["--roles".into(), path(&no_list)],
            "is not a JSON array of roles",
        ),
        (
            vec!["--roles".into(), path(&taken)],
            "two roles have the ID 1",
        ),
        (
            vec!["--administrator-role".into(), "9".into()],
            "role 9 does not exist",
        ),
        (
            vec!["--rate-limit".into(), "many".into()],
            "expected a number or `off`",
        ),
    ] {
        let result = home.run(std::iter::once("sandbox".to_owned()).chain(arguments));
        contains(result.failure(2), &[complaint]);
    }
}

#[test]
fn the_help_lists_every_open_question() {
    let result = Home::new().run(["sandbox", "--help"]);
    let help = result.success();
    for unknown in UNKNOWNS {
        assert!(
            help.contains(&format!("{}={}", unknown.name, unknown.choices[0])),
            "{}",
            unknown.name
        );
    }
}

#[cfg(unix)]
mod signals {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use rexpect::process::WaitStatus;
    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    fn send(child: &Child, signal: Signal) {
        let process = Pid::from_raw(child.id().cast_signed()).expect("a process");
        kill_process(process, signal).expect("the signal is sent");
    }

    /// Runs this script in a shell whose environment sets only the state folder.
    fn shell(home: &Home, script: &str) -> std::process::Output {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script])
            .arg(crate::support::binary())
            .env_clear();
        shell
            .env("SWP_STATE_DIR", home.path("state"))
            .stdin(Stdio::null());
        shell.output().expect("a shell")
    }

    #[test]
    fn without_a_command_it_prints_variables_and_runs_until_a_signal() {
        let home = Home::new();
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            let mut child =
                home.start_piped(["sandbox", "--username", "o'hara", "--tenant", "Blue"]);
            let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
            let mut lines = String::new();
            while !lines.contains("export SWP_TENANT=") {
                assert_ne!(stdout.read_line(&mut lines).expect("a line"), 0, "{lines}");
            }
            contains(&lines, &["export SWP_USERNAME='o'\\''hara'\n"]);
            let created = shell(&home, &format!("{lines}\nexec \"$0\" create --role-id 2"));
            assert!(
                created.stdout.starts_with(b"1:"),
                "{}",
                String::from_utf8_lossy(&created.stderr)
            );
            let certificate = lines.lines().find_map(|line| {
                let value = line.strip_prefix("export SWP_CA_CERT=")?;
                Some(value.trim_matches('\''))
            });
            let folder = Path::new(certificate.expect("a certificate"))
                .parent()
                .expect("a folder")
                .to_owned();
            assert!(folder.exists());
            send(&child, signal);
            assert!(
                child.wait().expect("it ends").success(),
                "a signal is how it is meant to end"
            );
            assert!(!folder.exists());
        }
    }

    /// The command ignores the first signal and ends at the second one. The sandbox must forward both, and must end after the command.
    #[test]
    fn signals_reach_the_command_which_ends_first() {
        let home = Home::new();
        for (signal, name) in [
            (Signal::TERM, "TERM"),
            (Signal::INT, "INT"),
            (Signal::HUP, "HUP"),
        ] {
            let script = format!(
                "sleep 60 >/dev/null & count=0; end() {{ kill $!; test -e \"$SWP_CA_CERT\" && exit 9; exit 1; }}; \
                 trap 'count=$((count+1)); echo got; test $count = 2 && end' {name}; echo ready; while :; do wait; done"
            );
            let mut command = home.command(["sandbox", "--", "sh", "-c", &script]);
            // The sandbox has its own process group, as under a service manager, so that no terminal sends signals to both processes.
            let mut child = command
                .process_group(0)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts");
            let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
            for (expected, more) in [("ready\n", true), ("got\n", true), ("got\n", false)] {
                let mut line = String::new();
                stdout.read_line(&mut line).expect("a line");
                assert_eq!(line, expected, "{name}");
                if more {
                    send(&child, signal);
                }
            }
            assert_eq!(child.wait().expect("it ends").code(), Some(9), "{name}");
        }
    }

    /// The terminal sends Ctrl-C to both processes. The sandbox must not forward it a second time.
    #[test]
    fn ctrl_c_in_a_terminal_reaches_the_command_once() {
        let home = Home::new();
        let script = "count=0; trap 'count=$((count+1)); echo got' INT; echo ready; \
                      while ! read -r line; do :; done; echo \"count=$count\"; exit 5";
        let mut command = home.command(["sandbox", "--", "sh", "-c", script]);
        command.stdin(Stdio::inherit());
        let timeout = Duration::from_secs(20).as_millis();
        let mut terminal = rexpect::session::spawn_command(command, u64::try_from(timeout).ok())
            .expect("a terminal");
        terminal.exp_string("ready").expect("ready");
        terminal.send_control('c').expect("Ctrl-C");
        terminal.exp_string("got").expect("got");
        terminal.send_line("go on").expect("a line");
        terminal.exp_string("count=1").expect("one signal");
        let ended = terminal.process().wait().expect("it ends");
        assert!(matches!(ended, WaitStatus::Exited(_, 5)), "{ended:?}");
    }
}

#[cfg(unix)]
#[test]
fn on_a_terminal_the_lines_can_be_pasted() {
    use crate::support::pty::Pty;

    let home = Home::new();
    let mut terminal = Pty::start(&home, r#""$SWP_KEYS" sandbox"#);
    terminal.see("press Ctrl-C");
    terminal.control('c');
    let screen = terminal.end().replace('\r', "");
    let first = screen.find("# ---- Sandbox: ").expect("a rule");
    let last = screen.rfind("---\n").expect("a rule") + 4;
    let script = format!("{}printf '%s' \"$SWP_USERNAME\"", &screen[first..last]);
    let result = crate::support::shell::sh(&home, &script);
    assert_eq!(result.success(), "admin");
}

#[test]
fn with_v_each_request_is_logged_without_its_secrets() {
    let home = Home::new();
    let result = home.run([
        "sandbox", "-v", "--", "swp-keys", "create", "--role", "Auditor",
    ]);
    let secret = result.success();
    let lines = ["POST /api/sessions: HTTP", "POST /api/apikeys: HTTP"];
    contains(&result.stderr, &lines);
    assert!(!result.stderr.contains(secret.trim()));
    let quiet = home.run(["sandbox", "--", "swp-keys", "create", "--role", "Auditor"]);
    assert!(!quiet.stderr.contains("POST /api"));
}
