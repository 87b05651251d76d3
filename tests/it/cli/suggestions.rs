//! Suggestions for misspelled commands and flags. A suggestion is only printed, and never names a command that can do harm.

use crate::support::{Home, TestEnv, contains};

#[test]
fn a_near_miss_gets_a_suggestion() {
    let env = TestEnv::new();
    for (arguments, meant) in [
        (&["list-role"][..], "list-roles"),
        (&["lgoin"], "login"),
        (&["create-kye", "--role", "Auditor"], "create-key"),
        (&["create", "--rol", "Auditor"], "--role"),
        (&["list-roles", "--usrname", "admin"], "--username"),
        (&["list-roles", "--api-key-fil", "x"], "--api-key-file"),
        (&["list-roles", "-o", "jsn"], "json"),
        (&["lst"], "`list`"),
        (&["LIST"], "`list`"),
        (&["help", "creat"], "`create`"),
        (&["get", "keys"], "`list-keys`"),
        (&["get-key", "x"], "`show-key`"),
        (&["key", "list"], "`list-keys`"),
        (&["role", "list"], "`list-roles`"),
        (&["config", "list"], "`show`"),
        (&["trust", "rm"], "`remove`"),
        (&["create", "--Role", "Auditor"], "`--role`"),
        (&["list", "--state", "locked"], "`--locked`"),
        (&["create", "--role-id", "2", "--locale", "en"], "en-US"),
    ] {
        contains(env.run(arguments).failure(2), &[meant]);
    }
}

/// Commands and flags of other programs. The program only suggests its own.
#[test]
fn words_of_other_programs_get_a_suggestion() {
    let env = TestEnv::new();
    for (word, meant) in [
        ("new", "create"),
        ("generate", "create"),
        ("add", "create"),
        ("mint", "create"),
        ("rm", "delete-key"),
        ("remove", "delete-key"),
        ("revoke", "delete-key"),
        ("roles", "list-roles"),
        ("keys", "list"),
        ("status", "whoami"),
        ("me", "whoami"),
        ("renew", "rotate-key"),
        ("refresh", "rotate-key"),
        ("disable", "lock-key"),
        ("enable", "unlock-key"),
        ("version", "--version"),
    ] {
        let result = env.run([word, "1"]);
        let lines: Vec<&str> = result.failure(2).lines().collect();
        contains(lines[0], &[&format!("`{word}`")]);
        contains(lines[1], &[&format!("`{meant}`")]);
    }
    for (arguments, flag, meant) in [
        (&["list-roles", "--json"][..], "`--json`", "`-o json`"),
        (&["list-roles", "-u", "x"], "`-u`", "`--username`"),
        (&["list-roles", "--host", "x"], "`--host`", "`--url`"),
        (&["create", "--ttl", "1d"], "`--ttl`", "`--expires`"),
        (
            &["create", "--version"],
            "`--version`",
            "`swp-keys --version`",
        ),
    ] {
        contains(env.run(arguments).failure(2), &[flag, meant]);
    }
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}

#[test]
fn a_misspelled_command_never_suggests_a_destructive_one() {
    let env = TestEnv::new();
    for word in [
        "deleet-key",
        "delet",
        "dlete",
        "rotat",
        "rotae-key",
        "lok-key",
        "locky",
        "logut",
        "recovr",
        "generat",
    ] {
        let stderr = env.run([word, "1"]).failure(2).to_owned();
        let hint = stderr.lines().nth(1).expect("a hint");
        for bad in ["`delete", "`rotate", "`lock", "`logout", "`recover"] {
            assert!(!hint.contains(bad), "{word}: {stderr}");
        }
    }
    let stderr = env.run(["key", "delete", "1"]).failure(2).to_owned();
    contains(&stderr, &["`key`", "`swp-keys help`"]);
    for flag in [
        "--forc",
        "--yess",
        "--insecur",
        "--in-plac",
        "--allow-full-acces",
    ] {
        for command in ["create", "delete-key", "rotate-key"] {
            let stderr = env.run([command, flag]).failure(2).to_owned();
            for bad in [
                "`--force`",
                "`--yes`",
                "`--insecure`",
                "`--in-place`",
                "`--allow-full-access`",
            ] {
                assert!(!stderr.contains(bad), "{flag}: {stderr}");
            }
        }
    }
}

/// A word that looks like a command is shown. Any other word may be a secret.
#[test]
fn an_unknown_command_is_shown_if_it_looks_like_a_command() {
    let home = Home::new();
    for (arguments, is_shown) in [
        (&["whatever"][..], true),
        (&["-q", "whatever"], false),
        (&["whatever1"], false),
        (&["whateverwhateverwhatever"], false),
    ] {
        let stderr = home.run(arguments).failure(2).to_owned();
        let shown = stderr.contains("`whatever`");
        assert_eq!(shown, is_shown, "{stderr}");
        assert!(is_shown || !stderr.contains("whatever"), "{stderr}");
    }
}
