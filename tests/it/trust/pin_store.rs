//! `trust show|add|remove|list`, and the effect of a saved pin on other commands.

use serde_json::json;
use swp_keys::sandbox::{CertificateKind, Settings, TlsVersions};

use super::fixtures::{file, keep, other_pin, place, shown, unknown_manager};
use crate::support::proxy::Proxy;
use crate::support::scripted_server::{Certificate, Recording, ScriptedServer};
use crate::support::snapshot::snapshot;
use crate::support::{Home, TestEnv, contains};

#[test]
fn show_prints_the_certificate_and_sends_nothing() {
    for tls in [TlsVersions::Only12, TlsVersions::Only13] {
        let mut env = TestEnv::with(Settings {
            tls,
            ..Settings::default()
        });
        let text = env.run(["trust", "show"]);
        let expected = [
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
        contains(text.success(), &expected);
        let object = env.run(["trust", "show", "-o", "json"]).json();
        assert_eq!(object["trusted"], true);
        assert_eq!(object["names"], json!(["localhost", "127.0.0.1", "::1"]));
        assert_eq!(object["flaw"], json!(null));
        // The command needs neither a user name nor a password.
        env.home.unset("SWP_USERNAME");
        env.home.unset("SWP_PASSWORD_FILE");
        env.home.unset("SWP_CA_CERT");
        let place = place(&env);
        env.home.unset("SWP_URL");
        let object = env.run(["trust", "show", &place, "-o", "json"]).json();
        assert_eq!(object["trusted"], false);
        assert_eq!(object["flaw"], "self-signed");
        contains(
            object["decidedBy"].as_str().unwrap_or_default(),
            &["system"],
        );
        assert_eq!(env.sandbox.requests(), []);
    }
}

#[test]
fn show_names_the_setting_that_decides() {
    let mut env = unknown_manager(CertificateKind::SelfSigned);
    let pin = shown(&env);
    let decided = |env: &TestEnv, more: &[&str]| {
        let arguments = ["trust", "show", "-o", "json"];
        let object = env.run(arguments.iter().chain(more)).json();
        format!("{} {}", object["decidedBy"], object["trusted"])
    };
    contains(&decided(&env, &[]), &["SSL_CERT_FILE"]);
    contains(&decided(&env, &["--insecure"]), &["--insecure"]);
    keep(&env, &pin);
    contains(&decided(&env, &[]), &["trusted.toml"]);
    let pem = env.home.write("manager.pem", env.sandbox.certificate_pem());
    env.home.set("SWP_CA_CERT", pem);
    contains(&decided(&env, &[]), &["manager.pem (`SWP_CA_CERT`)"]);
    contains(&decided(&env, &["--tls-pin", &other_pin()]), &["--tls-pin"]);
}

#[test]
fn a_saved_pin_is_trusted_by_every_command_and_is_private() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    env.run(["find-role", "Auditor"]).failure(7);
    let result = env.run(["trust", "add", "--tls-pin", &shown(&env)]);
    assert_eq!(result.success(), "");
    contains(&result.stderr, &["sha256"]);
    contains(
        &file(&env.home),
        &[&format!("[managers.\"{}\"]", place(&env)), &shown(&env)],
    );
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |name: &str| {
            let metadata = std::fs::metadata(env.home.path(name)).expect("it is there");
            metadata.permissions().mode() & 0o777
        };
        assert_eq!(mode("config/trusted.toml"), 0o600);
        assert_eq!(mode("config"), 0o700);
    }
}

#[test]
fn a_changed_key_is_rejected_with_the_old_and_the_new_pin() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    keep(&env, &other_pin());
    let new = shown(&env);
    let before = env.sandbox.connections().tcp;
    for more in [&[][..], &["--tls-accept-new"]] {
        let result = env.run(["find-role", "Auditor"].iter().chain(more));
        contains(
            result.failure(7),
            &[&new, &other_pin(), "trusted.toml", "trust remove"],
        );
    }
    assert_eq!(env.sandbox.connections().tcp, before + 2, "one each");
    let result = env.run(["trust", "add", "--tls-accept-new"]);
    contains(result.failure(7), &[&new, &other_pin()]);
    assert!(!file(&env.home).contains(&new));
    // An explicit `--tls-pin` adds a second key, which prepares the renewal of a certificate.
    keep(&env, &new);
    contains(&file(&env.home), &[&new, &other_pin()]);
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    assert_eq!(env.sandbox.requests().len(), 3, "nothing before");
}

#[test]
fn a_given_credential_overrides_a_saved_one() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let pin = shown(&env);
    keep(&env, &other_pin());
    let result = env.run(["find-role", "Auditor", "--tls-pin", &pin]);
    assert_eq!(result.success(), "2");
    let pem = env.home.write("manager.pem", env.sandbox.certificate_pem());
    let pem = pem.to_str().expect("UTF-8").to_owned();
    let result = env.run(["find-role", "Auditor", "--ca-cert", &pem]);
    assert_eq!(result.success(), "2");
}

#[test]
fn insecure_is_refused_for_a_pinned_manager() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    keep(&env, &shown(&env));
    let before = env.sandbox.connections().tcp;
    let result = env.run(["find-role", "Auditor", "--insecure"]);
    contains(
        result.failure(2),
        &["--insecure", "trusted.toml", &place(&env), "trust remove"],
    );
    assert_eq!(env.sandbox.connections().tcp, before);
    // The pin does not apply to a different manager.
    let other = unknown_manager(CertificateKind::SelfSigned);
    std::fs::create_dir(other.home.path("config")).expect("a folder");
    other
        .home
        .write_secret("config/trusted.toml", &file(&env.home));
    let result = other.run(["find-role", "Auditor", "--insecure"]);
    assert_eq!(result.success(), "2");
    assert!(
        !file(&other.home).contains(&place(&other)),
        "it is never stored"
    );
}

#[test]
fn accept_new_pins_only_at_first_use() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let result = env.run(["create", "--role", "Auditor", "--tls-accept-new"]);
    assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
    contains(&result.stderr, &["self-signed"]);
    contains(&file(&env.home), &[&shown(&env)]);
    let result = env.run(["find-role", "Auditor", "--tls-accept-new"]);
    assert_eq!(result.success(), "2");
    assert_eq!(result.stderr, "");
}

#[test]
fn accept_new_works_with_wait_and_with_a_key() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let result = env.run(["find-role", "Auditor", "--tls-accept-new", "--wait", "10s"]);
    assert_eq!(result.success(), "2");
    let mut env = unknown_manager(CertificateKind::SelfSigned);
    let key = env.sandbox.add_key("existing", 1).secret;
    env.use_key(&key);
    let result = env.run(["find-role", "Auditor", "--tls-accept-new"]);
    assert_eq!(result.success(), "2");
    contains(&file(&env.home), &[&place(&env)]);
}

#[cfg(unix)]
#[test]
fn with_a_read_only_home_the_key_is_trusted_for_one_run() {
    let mut env = unknown_manager(CertificateKind::SelfSigned);
    let blocked = env.home.write("blocked", "");
    env.home.set("SWP_CONFIG_DIR", blocked.join("config"));
    let result = env.run(["find-role", "Auditor", "--tls-accept-new", "--quiet"]);
    assert_eq!(result.success(), "2");
    snapshot(&result.stderr);
    let result = env.run(["trust", "add", "--tls-pin", &other_pin()]);
    contains(result.failure(2), &["SWP_CONFIG_DIR"]);
}

#[test]
fn trust_add_without_a_terminal_names_the_command_and_pins_nothing() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let result = env.run(["trust", "add"]);
    let command = format!(
        "swp-keys trust add {} --tls-pin {}",
        place(&env),
        shown(&env)
    );
    contains(result.failure(7), &[&command]);
    assert_eq!(file(&env.home), "");
    let result = env.run(["find-role", "Auditor"]);
    contains(
        result.failure(7),
        &[
            &format!("`{command}`"),
            &format!("--tls-pin {}", shown(&env)),
        ],
    );
}

#[test]
fn remove_deletes_a_pin_and_list_prints_all_pins() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    keep(&env, &other_pin());
    env.run(["trust", "add", "dsm.example.com", "--tls-pin", &other_pin()])
        .success();
    let result = env.run(["trust", "list"]);
    contains(
        result.success(),
        &[&place(&env), "dsm.example.com:4119", &other_pin()],
    );
    let object = env.run(["trust", "list", "-o", "json"]).json();
    assert_eq!(object["managers"].as_array().map(Vec::len), Some(2));
    assert_eq!(object["managers"][1]["host"], "dsm.example.com:4119");
    assert_eq!(object["managers"][1]["pins"], json!([other_pin()]));
    env.run(["trust", "list", "-o", "env"]).failure(2);
    let result = env.run(["trust", "remove", "https://DSM.example.com:4119/api"]);
    contains(&result.stderr, &["dsm.example.com:4119"]);
    result.success();
    let result = env.run(["trust", "remove", "dsm.example.com"]);
    contains(result.failure(3), &["dsm.example.com:4119", "trust list"]);
    contains(&file(&env.home), &[&place(&env)]);
}

#[test]
fn concurrent_runs_lose_no_pin() {
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
fn an_invalid_host_is_a_usage_error_without_the_password() {
    let home = Home::new();
    for host in [
        "https://admin:hunter2@dsm.example.com",
        "http://127.0.0.1:1",
        "",
    ] {
        for command in ["show", "add", "remove"] {
            let result = home.run(["trust", command, host, "--tls-pin", &other_pin()]);
            assert!(!result.failure(2).contains("hunter2"), "{}", result.stderr);
        }
    }
    home.run(["trust", "show"]).failure(2);
    home.run(["trust", "show", "127.0.0.1:1"]).failure(8);
    home.run(["trust", "show", "127.0.0.1:1", "-o", "env"])
        .failure(2);
}

/// Everyone can copy a certificate. A server without its key is neither shown nor pinned.
#[test]
fn a_server_without_the_pinned_key_is_not_shown() {
    let own = Certificate::marked_as_ca("127.0.0.1", 2020, 2100);
    let heard = Recording::default();
    let thief = ScriptedServer::tls(&own.copied(), heard.clone());
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
fn trust_commands_work_through_a_proxy() {
    let env = unknown_manager(CertificateKind::SelfSigned);
    let proxy = Proxy::to(env.sandbox.address());
    let result = env.run(["trust", "show", "-o", "json", "--proxy", &proxy.url()]);
    assert_eq!(result.json()["flaw"], "self-signed");
    let result = env.run([
        "find-role",
        "Auditor",
        "--tls-accept-new",
        "--proxy",
        &proxy.url(),
    ]);
    assert_eq!(result.success(), "2");
    assert!(
        proxy
            .heads()
            .iter()
            .all(|head| head.starts_with("CONNECT "))
    );
}
