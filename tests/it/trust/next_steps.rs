//! The next step in an error works if it is followed literally. A next step that cannot work is not suggested.

use crate::support::certificates::{Authority, Certificate, for_clients, server, valid};
use crate::support::scripted_server::ScriptedServer;
use crate::support::{Home, contains};

const FIND: [&str; 2] = ["find-role", "Auditor"];

/// Returns a home that authenticates with a key, and whose system trusts only this PEM text.
pub(super) fn home(server: &ScriptedServer, system: &str) -> Home {
    let mut home = Home::new();
    home.set("SWP_URL", server.url());
    home.set("SWP_API_KEY", "1:a2V5");
    home.set("SWP_CONFIG_DIR", home.path("config"));
    home.set("SSL_CERT_FILE", home.write("system.pem", system));
    home
}

/// Returns the words of every text between backticks that begins with `begin`.
fn quoted<'a>(text: &'a str, begin: &'a str) -> Vec<&'a str> {
    let (_, rest) = (text.split_once(&format!("`{begin}"))).unwrap_or_else(|| {
        panic!("`{begin} is missing in: {text}");
    });
    let rest = rest.split('`').next().expect("an end");
    begin
        .split(' ')
        .chain(rest.split_whitespace())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Passes the suggested pin as a flag, and then saves it with the suggested command. The manager must be trusted both times.
#[track_caller]
fn follow_the_pin(home: &Home, stderr: &str) {
    let pin = quoted(stderr, "--tls-pin");
    let result = home.run(FIND.iter().chain(&pin));
    assert_eq!(result.success(), "2", "{pin:?}");
    let add = quoted(stderr, "swp-keys trust add");
    home.run(&add[1..]).success();
    assert_eq!(home.run(FIND).success(), "2");
}

#[test]
fn a_pin_is_the_only_hint_if_no_ca_file_would_help() {
    let other = Authority::root("elsewhere");
    for (params, expected) in [
        // keytool puts the host only into the CN.
        (server(&[]), &["self-signed", "CN"][..]),
        (
            server(&["dsm.example.com"]),
            &["self-signed", "127.0.0.1", "dsm.example.com"],
        ),
        (valid(&["127.0.0.1"], 2001, 2002), &["2002-01-01"]),
        (valid(&["127.0.0.1"], 2099, 2100), &["2099-01-01"]),
        (for_clients(&["127.0.0.1"]), &["serverAuth"]),
    ] {
        let certificate = Certificate::self_signed(&params);
        let manager = ScriptedServer::serving_one_role(&certificate);
        let home = home(&manager, &other.pem);
        let result = home.run(FIND);
        contains(result.failure(7), expected);
        assert!(!result.stderr.contains("--ca-cert"), "{}", result.stderr);
        follow_the_pin(&home, &result.stderr);
    }
}

/// Problems of certificates whose CA is trusted by a file or by the system.
#[test]
fn a_pin_helps_if_the_ca_is_trusted_and_the_certificate_is_invalid() {
    let authority = Authority::root("corporate");
    for (params, expected) in [
        (server(&[]), &["127.0.0.1"][..]),
        (
            server(&["dsm.example.com"]),
            &["127.0.0.1", "dsm.example.com"],
        ),
        (valid(&["127.0.0.1"], 2001, 2002), &["2002-01-01"]),
        (valid(&["127.0.0.1"], 2099, 2100), &["2099-01-01"]),
        (for_clients(&["127.0.0.1"]), &["serverAuth"]),
    ] {
        let certificate = authority.issue(&params);
        let manager = ScriptedServer::serving_one_role(&certificate);
        let home = home(&manager, &authority.pem);
        let file = home.write("ca.pem", &authority.pem);
        let file = file.to_str().expect("UTF-8");
        for given in [&[][..], &["--ca-cert", file]] {
            let result = home.run(FIND.iter().chain(given));
            contains(result.failure(7), expected);
            assert!(!result.stderr.contains("--ca-cert"), "{}", result.stderr);
            quoted(&result.stderr, "--tls-pin");
        }
        let result = home.run(FIND);
        follow_the_pin(&home, &result.stderr);
    }
}

/// The first next step is a CA file only if this file makes the manager trusted.
#[test]
fn a_ca_file_is_suggested_only_if_it_works() {
    let other = Authority::root("elsewhere");
    let certificate = Certificate::self_signed(&server(&["127.0.0.1"]));
    let manager = ScriptedServer::serving_one_role(&certificate);
    let at_home = home(&manager, &other.pem);
    let result = at_home.run(FIND);
    contains(result.failure(7), &["openssl s_client -connect 127.0.0.1:"]);
    contains(&result.stderr, &["`--ca-cert manager.pem`"]);
    at_home.write("manager.pem", &certificate.pem);
    let step = quoted(&result.stderr, "--ca-cert");
    assert_eq!(at_home.run(FIND.iter().chain(&step)).success(), "2");
    follow_the_pin(&at_home, &result.stderr);
    // The message names the CA, whose certificate must be passed.
    let authority = Authority::root("corporate");
    let manager = ScriptedServer::serving_one_role(&authority.issue(&server(&["127.0.0.1"])));
    let home = home(&manager, &other.pem);
    let result = home.run(FIND);
    contains(result.failure(7), &["CN=corporate", "--ca-cert FILE"]);
    let file = home.write("ca.pem", &authority.pem);
    let file = file.to_str().expect("UTF-8");
    assert_eq!(
        home.run(FIND.iter().chain(&["--ca-cert", file])).success(),
        "2"
    );
    follow_the_pin(&home, &result.stderr);
}

/// The signature of a self-signed certificate proves nothing, so its digest does not matter. The key is pinned.
#[cfg(unix)]
#[test]
fn a_self_signed_certificate_with_an_old_digest_can_be_pinned() {
    for digest in ["sha1", "md5"] {
        let openssl_home = Home::new();
        let request =
            "req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout key.pem -out request.pem";
        super::openssl::openssl(&openssl_home, &[request]);
        // keytool also omits the basic constraints.
        openssl_home.write("extensions", "subjectAltName=IP:127.0.0.1\n");
        let signed =
            "x509 -req -in request.pem -signkey key.pem -out leaf.pem -days 30 -extfile extensions";
        super::openssl::openssl(&openssl_home, &[signed, &format!("-{digest}")]);
        let read =
            |name| std::fs::read_to_string(openssl_home.path(name)).expect("openssl wrote it");
        let certificate = Certificate::from_pem(&read("leaf.pem"), &read("key.pem"));
        let manager = ScriptedServer::serving_one_role(&certificate);
        let other = Authority::root("elsewhere");
        let home = home(&manager, &other.pem);
        let result = home.run(FIND);
        contains(result.failure(7), &["self-signed"]);
        follow_the_pin(&home, &result.stderr);
        // The certificate itself may also be trusted.
        let file = home.write("leaf.pem", &certificate.pem);
        let file = file.to_str().expect("UTF-8");
        assert_eq!(
            home.run(FIND.iter().chain(&["--ca-cert", file])).success(),
            "2"
        );
    }
}

/// A certificate with a SHA-1 signature of a CA is not trusted, but its key can be pinned.
#[cfg(unix)]
#[test]
fn a_certificate_with_a_sha_1_signature_can_be_pinned_but_is_not_trusted() {
    let openssl_home = Home::new();
    super::openssl::issued(&openssl_home, "sha1", "");
    let read = |name| std::fs::read_to_string(openssl_home.path(name)).expect("openssl wrote it");
    let manager = ScriptedServer::serving_one_role(&Certificate::from_pem(
        &read("leaf.pem"),
        &read("key.pem"),
    ));
    let home = home(&manager, &read("ca.pem"));
    let result = home.run(FIND);
    contains(result.failure(7), &["SHA-1"]);
    follow_the_pin(&home, &result.stderr);
}

/// The error comes before the password prompt, whichever setting decides about trust.
#[cfg(unix)]
#[test]
fn the_password_prompt_comes_after_the_trust_check() {
    let certificate = Certificate::self_signed(&server(&[]));
    let manager = ScriptedServer::serving_one_role(&certificate);
    let mut home = home(&manager, &certificate.pem);
    home.unset("SWP_API_KEY");
    home.set("SWP_USERNAME", "admin");
    home.write("manager.pem", &certificate.pem);
    let pin = format!("sha256:{}", "ab".repeat(32));
    for given in ["--ca-cert manager.pem", &format!("--tls-pin {pin}")] {
        let script = format!(r#""$SWP_KEYS" find-role Auditor {given}; echo "code=$?""#);
        let mut terminal = crate::support::pty::Pty::start(&home, &script);
        terminal.see("code=7");
        let screen = terminal.end();
        assert!(!screen.contains("Password"), "{screen}");
    }
}
