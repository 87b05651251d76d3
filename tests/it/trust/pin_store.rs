//! `trust show|add|remove|list`, and what a pin that is kept means for every other command.

use serde_json::json;
use swp_keys::sandbox::{CertificateKind, Settings, TlsVersions};

use super::fixtures::{file, keep, other_pin, place, shown, stranger};
use crate::support::proxy::Proxy;
use crate::support::raw_server::{Certificate, Heard, RawServer};
use crate::support::{Home, World, contains, set_mode};

#[test]
fn show_tells_what_the_certificate_says_and_sends_nothing() {
    for tls in [TlsVersions::Only12, TlsVersions::Only13] {
        let mut world = World::with(Settings {
            tls,
            ..Settings::default()
        });
        let text = world.run(["trust", "show"]);
        let said = [
            "subject",
            "CN=localhost",
            "issuer   itself",
            "names    localhost, 127.0.0.1, ::1",
            "ECDSA P-256",
            "sha256:",
            "trusted  yes",
            "SWP_CA_CERT",
            "openssl s_client -connect localhost:",
        ];
        contains(text.success(), &said);
        let object = world.run(["trust", "show", "-o", "json"]).json();
        assert_eq!(object["trusted"], true);
        assert_eq!(object["names"], json!(["localhost", "127.0.0.1", "::1"]));
        assert_eq!(object["flaw"], json!(null));
        // Not a user name, not a password: it needs none.
        world.home.unset("SWP_USERNAME");
        world.home.unset("SWP_PASSWORD_FILE");
        world.home.unset("SWP_CA_CERT");
        let place = place(&world);
        world.home.unset("SWP_URL");
        let object = world.run(["trust", "show", &place, "-o", "json"]).json();
        assert_eq!(object["trusted"], false);
        assert_eq!(object["flaw"], "self-signed");
        contains(
            object["decidedBy"].as_str().unwrap_or_default(),
            &["the system's roots"],
        );
        assert_eq!(world.sandbox.requests(), []);
    }
}

#[test]
fn show_says_which_word_decides() {
    let mut world = stranger(CertificateKind::SelfSigned);
    let pin = shown(&world);
    let decided = |world: &World, more: &[&str]| {
        let arguments = ["trust", "show", "-o", "json"];
        let object = world.run(arguments.iter().chain(more)).json();
        format!("{} {}", object["decidedBy"], object["trusted"])
    };
    contains(&decided(&world, &[]), &["SSL_CERT_FILE", "false"]);
    contains(
        &decided(&world, &["--insecure"]),
        &["nobody: `--insecure`", "true"],
    );
    keep(&world, &pin);
    contains(
        &decided(&world, &[]),
        &["the pin in", "trusted.toml", "true"],
    );
    let pem = world
        .home
        .write("manager.pem", world.sandbox.certificate_pem());
    world.home.set("SWP_CA_CERT", pem);
    contains(
        &decided(&world, &[]),
        &["manager.pem (`SWP_CA_CERT`)", "true"],
    );
    contains(
        &decided(&world, &["--tls-pin", &other_pin()]),
        &["the pin in `--tls-pin`", "false"],
    );
}

#[test]
fn a_pin_that_is_kept_is_trusted_by_every_command_and_is_private() {
    let world = stranger(CertificateKind::SelfSigned);
    world.run(["find-role", "Auditor"]).failure(7);
    let ran = world.run(["trust", "add", "--tls-pin", &shown(&world)]);
    assert_eq!(ran.success(), "");
    contains(&ran.stderr, &["is known by sha256:"]);
    contains(
        &file(&world.home),
        &[&format!("[managers.\"{}\"]", place(&world)), &shown(&world)],
    );
    assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |name: &str| {
            let metadata = std::fs::metadata(world.home.path(name)).expect("it is there");
            metadata.permissions().mode() & 0o777
        };
        assert_eq!(mode("config/trusted.toml"), 0o600);
        assert_eq!(mode("config"), 0o700);
    }
}

#[test]
fn a_changed_key_is_a_hard_stop_that_shows_old_and_new() {
    let world = stranger(CertificateKind::SelfSigned);
    keep(&world, &other_pin());
    let new = shown(&world);
    let before = world.sandbox.connections().tcp;
    for more in [&[][..], &["--tls-accept-new"]] {
        let ran = world.run(["find-role", "Auditor"].iter().chain(more));
        contains(
            ran.failure(7),
            &[
                "does not hold the pinned key",
                &new,
                &other_pin(),
                "trusted.toml",
                "trust remove",
                "the connection may be intercepted",
            ],
        );
    }
    assert_eq!(world.sandbox.connections().tcp, before + 2, "one each");
    let ran = world.run(["trust", "add", "--tls-accept-new"]);
    contains(
        ran.failure(7),
        &["has changed", &new, &other_pin(), "nothing was changed"],
    );
    assert!(!file(&world.home).contains(&new));
    // A second key is taken on somebody's explicit word: it is how a renewal is prepared.
    keep(&world, &new);
    contains(&file(&world.home), &[&new, &other_pin()]);
    assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
    assert_eq!(world.sandbox.requests().len(), 3, "nothing before");
}

#[test]
fn what_is_said_wins_over_what_is_kept() {
    let world = stranger(CertificateKind::SelfSigned);
    let pin = shown(&world);
    keep(&world, &other_pin());
    let ran = world.run(["find-role", "Auditor", "--tls-pin", &pin]);
    assert_eq!(ran.success(), "2");
    let pem = world
        .home
        .write("manager.pem", world.sandbox.certificate_pem());
    let pem = pem.to_str().expect("UTF-8").to_owned();
    let ran = world.run(["find-role", "Auditor", "--ca-cert", &pem]);
    assert_eq!(ran.success(), "2");
}

#[test]
fn insecure_is_refused_where_a_pin_is_kept() {
    let world = stranger(CertificateKind::SelfSigned);
    keep(&world, &shown(&world));
    let before = world.sandbox.connections().tcp;
    let ran = world.run(["find-role", "Auditor", "--insecure"]);
    contains(
        ran.failure(2),
        &[
            "`--insecure` is refused",
            "trusted.toml",
            &place(&world),
            "trust remove",
        ],
    );
    assert_eq!(world.sandbox.connections().tcp, before);
    // Of another manager it is none.
    let other = stranger(CertificateKind::SelfSigned);
    std::fs::create_dir(other.home.path("config")).expect("a folder");
    other
        .home
        .write_secret("config/trusted.toml", &file(&world.home));
    let ran = other.run(["find-role", "Auditor", "--insecure"]);
    assert_eq!(ran.success(), "2");
    assert!(
        !file(&other.home).contains(&place(&other)),
        "it is never stored"
    );
}

#[test]
fn accept_new_pins_at_first_use_without_asking_and_only_then() {
    let world = stranger(CertificateKind::SelfSigned);
    let ran = world.run(["create", "--role", "Auditor", "--tls-accept-new"]);
    assert_eq!(ran.success(), world.sandbox.api_keys()[0].secret);
    contains(
        &ran.stderr,
        &[
            "is self-signed",
            "is pinned from now on",
            "nobody compared it",
        ],
    );
    contains(&file(&world.home), &[&shown(&world)]);
    let ran = world.run(["find-role", "Auditor", "--tls-accept-new"]);
    assert_eq!(ran.success(), "2");
    assert_eq!(ran.stderr, "");
}

#[test]
fn accept_new_works_while_a_manager_is_waited_for_and_with_a_key() {
    let world = stranger(CertificateKind::SelfSigned);
    let ran = world.run(["find-role", "Auditor", "--tls-accept-new", "--wait", "10s"]);
    assert_eq!(ran.success(), "2");
    let mut world = stranger(CertificateKind::SelfSigned);
    let key = world.sandbox.add_key("existing", 1).secret;
    world.use_key(&key);
    let ran = world.run(["find-role", "Auditor", "--tls-accept-new"]);
    assert_eq!(ran.success(), "2");
    contains(&file(&world.home), &[&place(&world)]);
}

#[cfg(unix)]
#[test]
fn a_home_that_cannot_be_written_is_said_and_the_run_goes_on_with_the_key_it_saw() {
    let mut world = stranger(CertificateKind::SelfSigned);
    let blocked = world.home.write("blocked", "");
    world.home.set("SWP_CONFIG_DIR", blocked.join("config"));
    let ran = world.run(["find-role", "Auditor", "--tls-accept-new", "--quiet"]);
    assert_eq!(ran.success(), "2");
    contains(&ran.stderr, &["cannot be kept", "in this run alone"]);
    let ran = world.run(["trust", "add", "--tls-pin", &other_pin()]);
    contains(
        ran.failure(2),
        &["the pin cannot be kept", "SWP_CONFIG_DIR"],
    );
}

#[test]
fn add_without_anybody_to_ask_names_the_command_and_pins_nothing() {
    let world = stranger(CertificateKind::SelfSigned);
    let ran = world.run(["trust", "add"]);
    let command = format!(
        "swp-keys trust add {} --tls-pin {}",
        place(&world),
        shown(&world)
    );
    contains(ran.failure(7), &["was not compared by anybody", &command]);
    assert_eq!(file(&world.home), "");
    let ran = world.run(["find-role", "Auditor"]);
    contains(
        ran.failure(7),
        &[
            &format!("`{command}`"),
            &format!("--tls-pin {}", shown(&world)),
        ],
    );
}

#[test]
fn remove_forgets_and_list_lists() {
    let world = stranger(CertificateKind::SelfSigned);
    keep(&world, &other_pin());
    world
        .run(["trust", "add", "dsm.example.com", "--tls-pin", &other_pin()])
        .success();
    let ran = world.run(["trust", "list"]);
    contains(
        ran.success(),
        &[
            "HOST",
            "PIN",
            &place(&world),
            "dsm.example.com:4119",
            &other_pin(),
        ],
    );
    let object = world.run(["trust", "list", "-o", "json"]).json();
    assert_eq!(object["managers"].as_array().map(Vec::len), Some(2));
    assert_eq!(object["managers"][1]["host"], "dsm.example.com:4119");
    assert_eq!(object["managers"][1]["pins"], json!([other_pin()]));
    world.run(["trust", "list", "-o", "env"]).failure(2);
    let ran = world.run(["trust", "remove", "https://DSM.example.com:4119/api"]);
    contains(&ran.stderr, &["dsm.example.com:4119 is forgotten"]);
    ran.success();
    let ran = world.run(["trust", "remove", "dsm.example.com"]);
    contains(
        ran.failure(3),
        &["no pin is kept for dsm.example.com:4119", "trust list"],
    );
    contains(&file(&world.home), &[&place(&world)]);
}

#[test]
fn runs_that_pin_at_once_lose_none() {
    let home = Home::new();
    let names: Vec<_> = (0..12)
        .map(|number| format!("dsm{number}.example.com"))
        .collect();
    std::thread::scope(|scope| {
        for name in &names {
            scope.spawn(|| {
                home.run(["trust", "add", name, "--tls-pin", &other_pin()])
                    .success()
                    .to_owned()
            });
        }
    });
    let listed = home.run(["trust", "list"]).stdout;
    for name in &names {
        contains(&listed, &[&format!("{name}:4119")]);
    }
}

#[test]
fn a_file_that_is_none_is_an_error_with_its_line() {
    let world = stranger(CertificateKind::SelfSigned);
    std::fs::create_dir(world.home.path("config")).expect("a folder");
    for (text, said) in [
        (
            "[managers.\"a:1\"]\npins = [\"sha256:12\"]\nadded = \"\"\n",
            "line 2: a pin is none",
        ),
        ("[manager]\n", "line 1: this is no table of the file"),
        ("\n\n=", "line 3: "),
    ] {
        world.home.write_secret("config/trusted.toml", text);
        for command in [
            &["find-role", "Auditor"][..],
            &["trust", "list"],
            &["trust", "remove"],
        ] {
            contains(
                world.run(command).failure(2),
                &["trusted.toml (SWP_CONFIG_DIR)", said],
            );
        }
    }
    assert_eq!(world.sandbox.connections().tcp, 0);
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_write_to_is_not_believed() {
    let world = stranger(CertificateKind::SelfSigned);
    keep(&world, &shown(&world));
    let path = world.home.path("config/trusted.toml");
    for mode in [0o620, 0o602, 0o666] {
        set_mode(&path, mode);
        let ran = world.run(["find-role", "Auditor"]);
        contains(
            ran.failure(2),
            &["others on this machine may write to", "chmod go-w"],
        );
    }
    // Who reads it learns nothing.
    set_mode(&path, 0o644);
    assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
    assert_eq!(world.sandbox.requests().len(), 3);
}

#[cfg(unix)]
#[test]
fn a_folder_in_which_others_may_replace_the_file_is_not_believed() {
    let world = stranger(CertificateKind::SelfSigned);
    keep(&world, &other_pin());
    let folder = world.home.path("config");
    for mode in [0o770, 0o707] {
        set_mode(&folder, mode);
        let ran = world.run(["find-role", "Auditor"]);
        contains(
            ran.failure(2),
            &["others on this machine may write to", "go-w"],
        );
        // Nor is anything kept there that others may take away.
        std::fs::remove_file(folder.join("trusted.toml")).expect("it was kept");
        let ran = world.run(["trust", "add", "--tls-pin", &other_pin()]);
        contains(
            ran.failure(2),
            &["others on this machine may write to", "go-w"],
        );
        set_mode(&folder, 0o700);
        keep(&world, &other_pin());
    }
    // Nobody replaces a file of ours in a sticky one.
    set_mode(&folder, 0o1777);
    contains(world.run(["find-role", "Auditor"]).failure(7), &["pinned"]);
}

#[cfg(unix)]
#[test]
fn a_lock_that_somebody_else_holds_is_not_waited_for_for_ever() {
    let world = stranger(CertificateKind::SelfSigned);
    keep(&world, &other_pin());
    let folder = std::fs::File::open(world.home.path("config")).expect("the folder");
    folder.lock().expect("a lock");
    let ran = world.run(["trust", "remove"]);
    contains(ran.failure(2), &["has locked"]);
    contains(&file(&world.home), &[&other_pin()]);
}

#[cfg(unix)]
#[test]
fn a_home_that_is_no_place_keeps_nothing() {
    let mut world = stranger(CertificateKind::SelfSigned);
    for name in ["SWP_CONFIG_DIR", "XDG_CONFIG_HOME"] {
        world.home.unset(name);
    }
    world.home.set("HOME", "here");
    let ran = world.run(["trust", "add", "--tls-pin", &other_pin()]);
    contains(ran.failure(2), &["names no place for settings"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_the_file_is_not_waited_for() {
    let world = stranger(CertificateKind::SelfSigned);
    std::fs::create_dir(world.home.path("config")).expect("a folder");
    let made = std::process::Command::new("mkfifo")
        .arg(world.home.path("config/trusted.toml"))
        .status();
    assert!(made.expect("mkfifo runs").success());
    contains(world.run(["trust", "list"]).failure(2), &["it is no file"]);
}

#[test]
fn what_is_no_host_is_a_usage_error_that_repeats_no_password() {
    let home = Home::new();
    for host in [
        "https://admin:hunter2@dsm.example.com",
        "http://127.0.0.1:1",
        "",
    ] {
        for command in ["show", "add", "remove"] {
            let ran = home.run(["trust", command, host, "--tls-pin", &other_pin()]);
            assert!(!ran.failure(2).contains("hunter2"), "{}", ran.stderr);
        }
    }
    contains(
        home.run(["trust", "show"]).failure(2),
        &["no manager is given"],
    );
    contains(
        home.run(["trust", "show", "127.0.0.1:1"]).failure(8),
        &["nobody listens"],
    );
    home.run(["trust", "show", "127.0.0.1:1", "-o", "env"])
        .failure(2);
}

/// Everybody can copy a certificate: who does not hold its key is not shown, and cannot be pinned.
#[test]
fn who_does_not_hold_the_key_is_not_shown() {
    let own = Certificate::marked_as_ca("127.0.0.1", 2020, 2100);
    let heard = Heard::default();
    let thief = RawServer::tls(&own.copied(), heard.clone());
    let mut home = Home::new();
    home.set("SWP_URL", thief.url());
    home.run(["trust", "show"]).failure(7);
    home.run(["trust", "add", "--tls-accept-new"]).failure(7);
    home.set("SWP_API_KEY", "1:a2V5");
    home.run(["find-role", "Auditor", "--tls-accept-new"])
        .failure(7);
    assert!(!home.path(".config/swp-keys/trusted.toml").exists());
    assert_eq!(heard.bytes(), b"");
}

#[test]
fn a_proxy_is_looked_through() {
    let world = stranger(CertificateKind::SelfSigned);
    let proxy = Proxy::to(world.sandbox.address());
    let ran = world.run(["trust", "show", "-o", "json", "--proxy", &proxy.url()]);
    assert_eq!(ran.json()["flaw"], "self-signed");
    let ran = world.run([
        "find-role",
        "Auditor",
        "--tls-accept-new",
        "--proxy",
        &proxy.url(),
    ]);
    assert_eq!(ran.success(), "2");
    assert!(
        proxy
            .heads()
            .iter()
            .all(|head| head.starts_with("CONNECT "))
    );
}
