//! The offer to save the manager as a profile, after the key was delivered.

use std::path::Path;

use swp_keys::sandbox::Settings;

use super::fixtures::{answer, out, sign_in, start, unconfigured};
use crate::support::pty::Pty;
use crate::support::snapshot::snapshot;
use crate::support::wording::{
    ADDRESS_PROMPT, ADMIN_PASSWORD_PROMPT, EXPIRY_PROMPT, PROFILE_NAME_PROMPT, PROFILE_OFFER,
    ROLE_PROMPT,
};
use crate::support::{TestEnv, contains, set_mode};

/// Makes the settings file unusable for the run.
type Spoil = fn(&TestEnv);

/// A home with this settings file, if any.
fn with_file(text: Option<&str>) -> TestEnv {
    let env = unconfigured(Settings::default());
    if let Some(text) = text {
        let folder = env.home.path("config");
        std::fs::create_dir(&folder).expect("a folder");
        set_mode(&folder, 0o700);
        let file = env.home.write("config/config.toml", text);
        set_mode(&file, 0o640);
    }
    env
}

fn file(env: &TestEnv) -> String {
    std::fs::read_to_string(env.home.path("config/config.toml")).unwrap_or_default()
}

/// A run that has delivered its key and makes the offer.
fn offered(env: &TestEnv) -> Pty {
    let mut terminal = start(env, "create");
    sign_in(env, &mut terminal);
    answer(&mut terminal, &[(ROLE_PROMPT, "2"), (EXPIRY_PROMPT, "")]);
    terminal.see(PROFILE_OFFER);
    // Nothing is lost if the run ends now.
    assert_eq!(
        out(env),
        format!("{}\n", env.sandbox.api_keys().last().expect("a key").secret)
    );
    assert_eq!(env.sandbox.live_sessions(), 0);
    terminal
}

/// Accepts the offer and gives this name. The run succeeds. Returns the screen.
fn accept(env: &TestEnv, name: &str) -> String {
    let mut terminal = offered(env);
    terminal.type_line("y");
    answer(&mut terminal, &[(PROFILE_NAME_PROMPT, name)]);
    terminal.see("code=0");
    terminal.end()
}

fn table(env: &TestEnv, name: &str) -> String {
    let url = env.sandbox.url();
    format!("[profiles.{name}]\nurl = \"{url}\"\nusername = \"admin\"\n")
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path)
        .expect("a file")
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn the_first_profile_is_the_default_and_later_runs_use_it() {
    let mut env = with_file(None);
    let shown = accept(&env, "");
    snapshot(&shown);
    let name = env.sandbox.address().ip().to_string().replace('.', "-");
    let expected = format!("default-profile = \"{name}\"\n\n{}", table(&env, &name));
    assert_eq!(file(&env), expected);
    assert_eq!(mode(&env.home.path("config/config.toml")), 0o600);
    assert_eq!(mode(&env.home.path("config")), 0o700);
    let password = env
        .home
        .write_secret("password", Settings::DEFAULT_PASSWORD);
    env.home.set("SWP_PASSWORD_FILE", password);
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
}

#[test]
fn the_rest_of_the_file_is_kept_byte_for_byte() {
    for (old, break_, is_default) in [
        ("", "", true),
        ("# only a comment", "\n\n", true),
        (
            "# \u{fc}\r\n[profiles.a]\r\nurl = \"a\" # b\r\n",
            "\n",
            false,
        ),
        ("[profiles.a]\n  url   = 'a'", "\n\n", false),
        ("[profiles]\n", "\n", false),
    ] {
        let env = with_file(Some(old));
        let shown = accept(&env, "new");
        let default = if is_default {
            "default-profile = \"new\"\n\n"
        } else {
            ""
        };
        let expected = format!("{old}{break_}{default}{}", table(&env, "new"));
        assert_eq!(file(&env), expected, "{shown}");
        assert_eq!(mode(&env.home.path("config/config.toml")), 0o640);
        let files = std::fs::read_dir(env.home.path("config")).expect("a folder");
        assert_eq!(files.count(), 1);
        env.run(["config", "check"]).success();
    }
}

#[test]
fn a_name_that_cannot_be_used_is_asked_for_again() {
    let env = with_file(Some("[profiles.taken]\nurl = \"a\"\n"));
    let mut terminal = offered(&env);
    terminal.type_line("y");
    for name in ["a b", "a.b", "taken", "\x1b]0;x\x07", "\"q\""] {
        answer(&mut terminal, &[(PROFILE_NAME_PROMPT, name)]);
    }
    answer(&mut terminal, &[(PROFILE_NAME_PROMPT, "dsm")]);
    terminal.see("code=0");
    let shown = terminal.end();
    assert!(file(&env).ends_with(&table(&env, "dsm")), "{shown}");
    snapshot(&shown);
}

#[test]
fn a_profile_that_another_run_adds_meanwhile_is_not_overwritten() {
    let env = with_file(None);
    let mut terminal = offered(&env);
    terminal.type_line("y");
    terminal.see(PROFILE_NAME_PROMPT);
    let other = "default-profile = \"dsm\"\n[profiles.dsm]\nurl = \"other\"\n";
    let folder = env.home.path("config");
    std::fs::create_dir_all(&folder).expect("a folder");
    set_mode(&folder, 0o700);
    let path = env.home.write("config/config.toml", other);
    set_mode(&path, 0o600);
    terminal.type_line("dsm");
    answer(
        &mut terminal,
        &[(PROFILE_NAME_PROMPT, "dsm"), (PROFILE_NAME_PROMPT, "mine")],
    );
    terminal.see("code=0");
    let shown = terminal.end();
    assert_eq!(
        file(&env),
        format!("{other}\n{}", table(&env, "mine")),
        "{shown}"
    );
}

#[test]
fn two_runs_append_at_once_and_neither_profile_is_lost() {
    let env = with_file(Some("# first\n"));
    let mut terminals = [offered(&env), second(&env)];
    for terminal in &mut terminals {
        terminal.type_line("y");
        terminal.see(PROFILE_NAME_PROMPT);
    }
    for (terminal, name) in terminals.iter_mut().zip(["one", "two"]) {
        terminal.type_line(name);
    }
    for mut terminal in terminals {
        terminal.see("code=0");
        terminal.end();
    }
    let text = file(&env);
    contains(
        &text,
        &["# first\n", &table(&env, "one"), &table(&env, "two")],
    );
    env.run(["config", "check"]).success();
}

/// A second run beside [`offered`].
fn second(env: &TestEnv) -> Pty {
    let mut terminal = start(env, "create");
    sign_in(env, &mut terminal);
    answer(&mut terminal, &[(ROLE_PROMPT, "2"), (EXPIRY_PROMPT, "")]);
    terminal.see(PROFILE_OFFER);
    terminal
}

#[test]
fn a_run_that_ends_at_the_offer_has_succeeded() {
    let leave: [fn(&mut Pty); 3] = [
        |terminal| terminal.control('c'),
        |terminal| terminal.control('d'),
        |terminal| terminal.control('\\'),
    ];
    for leave in leave {
        for accepts in [false, true] {
            let env = with_file(None);
            let mut terminal = offered(&env);
            if accepts {
                terminal.type_line("y");
                terminal.see(PROFILE_NAME_PROMPT);
            }
            leave(&mut terminal);
            terminal.see("code=0");
            let shown = terminal.end();
            contains(&shown, &["note: no profile was saved"]);
            assert!(!shown.contains("error:"), "{shown}");
            assert_eq!(file(&env), "");
        }
    }
}

#[test]
fn a_file_that_cannot_be_changed_is_a_warning() {
    let old = "# protected\n";
    let cases: [(&str, Spoil); 4] = [
        ("read-only", |env| {
            set_mode(&env.home.path("config/config.toml"), 0o440)
        }),
        ("other users", |env| {
            set_mode(&env.home.path("config/config.toml"), 0o666)
        }),
        ("other users", |env| {
            set_mode(&env.home.path("config"), 0o777)
        }),
        ("could not append", |env| {
            env.home.write("config/config.toml", "profiles = {}\n");
        }),
    ];
    for (reason, spoil) in cases {
        let env = with_file(Some(old));
        let mut terminal = offered(&env);
        terminal.type_line("y");
        terminal.see(PROFILE_NAME_PROMPT);
        spoil(&env);
        let before = file(&env);
        terminal.type_line("dsm");
        terminal.see("code=0");
        let shown = terminal.end();
        contains(&shown, &["warning: no profile was saved", reason]);
        assert_eq!(file(&env), before);
        snapshot(&shown);
    }
}

#[test]
fn a_symbolic_link_is_kept_and_its_file_is_changed() {
    let env = with_file(Some(""));
    let real = env.home.path("config/real.toml");
    let link = env.home.path("config/config.toml");
    std::fs::rename(&link, &real).expect("a file");
    std::os::unix::fs::symlink("real.toml", &link).expect("a link");
    accept(&env, "dsm");
    assert!(link.is_symlink());
    let text = std::fs::read_to_string(real).expect("a file");
    assert!(text.ends_with(&table(&env, "dsm")), "{text}");

    std::fs::remove_file(env.home.path("config/real.toml")).expect("a file");
    let shown = accept(&env, "dsm");
    contains(&shown, &["warning: no profile was saved", "symbolic link"]);
}

#[test]
fn a_run_with_a_profile_makes_no_offer() {
    let env = with_file(Some(
        "default-profile = \"a\"\n[profiles.a]\nusername = \"admin\"\n",
    ));
    let mut terminal = start(&env, "create");
    answer(
        &mut terminal,
        &[
            (ADDRESS_PROMPT, &env.sandbox.url()),
            (ADMIN_PASSWORD_PROMPT, Settings::DEFAULT_PASSWORD),
            (ROLE_PROMPT, "2"),
            (EXPIRY_PROMPT, ""),
        ],
    );
    terminal.see("code=0");
    assert!(!terminal.end().contains(PROFILE_OFFER));
}

#[test]
fn no_name_of_a_profile_is_asked_for_without_a_yes() {
    let env = unconfigured(Settings::default());
    let mut terminal = start(&env, "create");
    sign_in(&env, &mut terminal);
    answer(
        &mut terminal,
        &[
            (ROLE_PROMPT, "2"),
            (EXPIRY_PROMPT, ""),
            (PROFILE_OFFER, "n"),
        ],
    );
    terminal.see("code=0");
    assert!(!terminal.end().contains(PROFILE_NAME_PROMPT));
}

/// A run with a saved session says so, and the profile contains the user name of the session.
#[test]
fn the_user_name_of_a_saved_session_is_saved() {
    let mut env = unconfigured(Settings::default());
    let password = env.sandbox.change(|settings| settings.password.clone());
    let file_of_password = env.home.write_secret("password", &password);
    env.home.set("SWP_PASSWORD_FILE", file_of_password);
    let url = env.sandbox.url();
    env.run(["login", "--url", &url, "--username", "admin"])
        .success();
    env.home.unset("SWP_PASSWORD_FILE");
    let mut terminal = start(&env, "create");
    answer(
        &mut terminal,
        &[
            (ADDRESS_PROMPT, &url),
            (ROLE_PROMPT, "2"),
            (EXPIRY_PROMPT, ""),
            (PROFILE_OFFER, "soon"),
            (PROFILE_OFFER, "y"),
            (PROFILE_NAME_PROMPT, "dsm"),
        ],
    );
    terminal.see("code=0");
    let screen = terminal.end();
    contains(&screen, &["note: using the session of admin"]);
    assert!(!screen.contains("swp-keys login --profile"), "{screen}");
    contains(&file(&env), &["username = \"admin\""]);
}
