//! The next step that a refusal names works when it is followed literally; where no step of a kind can work, it is not named.

use crate::support::certificates::{Authority, Certificate, for_clients, server, valid};
use crate::support::scripted_server::ScriptedServer;
use crate::support::{Home, contains};

const FIND: [&str; 2] = ["find-role", "Auditor"];

/// A home that signs with a key, and whose system trusts this PEM text alone.
pub(super) fn home(server: &ScriptedServer, system: &str) -> Home {
    let mut home = Home::new();
    home.set("SWP_URL", server.url());
    home.set("SWP_API_KEY", "1:a2V5");
    home.set("SWP_CONFIG_DIR", home.path("config"));
    home.set("SSL_CERT_FILE", home.write("system.pem", system));
    home
}

/// The words of a text between backticks that begin so.
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

/// The pin that the refusal names is given, and then kept as it says: each time the manager is trusted.
#[track_caller]
fn follow_the_pin(home: &Home, said: &str) {
    let pin = quoted(said, "--tls-pin");
    let result = home.run(FIND.iter().chain(&pin));
    assert_eq!(result.success(), "2", "{pin:?}");
    let add = quoted(said, "swp-keys trust add");
    home.run(&add[1..]).success();
    assert_eq!(home.run(FIND).success(), "2");
}

#[test]
fn a_pin_is_the_only_hint_if_no_ca_file_would_help() {
    let other = Authority::root("elsewhere");
    for (params, said) in [
        // As keytool makes it: the host is in the CN alone.
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
        contains(result.failure(7), said);
        assert!(!result.stderr.contains("--ca-cert"), "{}", result.stderr);
        follow_the_pin(&home, &result.stderr);
    }
}

/// The same of those whose CA is trusted, by a file and by the system.
#[test]
fn a_pin_helps_if_the_ca_is_trusted_and_the_certificate_is_invalid() {
    let authority = Authority::root("corporate");
    for (params, said) in [
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
            contains(result.failure(7), said);
            assert!(!result.stderr.contains("--ca-cert"), "{}", result.stderr);
            quoted(&result.stderr, "--tls-pin");
        }
        let result = home.run(FIND);
        follow_the_pin(&home, &result.stderr);
    }
}

/// The first next step is a CA file only if that works, and then it does.
#[test]
fn a_ca_file_is_a_step_where_it_works() {
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
    // A CA's name is in the message, and its certificate is what to give.
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

/// The signature under a self-signed certificate vouches for nothing, so it may be any; the key is what is pinned.
#[cfg(unix)]
#[test]
fn a_self_signed_certificate_over_an_old_digest_is_pinned_by_its_key() {
    for digest in ["sha1", "md5"] {
        let made = Home::new();
        let request =
            "req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout key.pem -out request.pem";
        super::openssl::openssl(&made, &[request]);
        // As keytool does, it states nothing about CAs.
        made.write("extensions", "subjectAltName=IP:127.0.0.1\n");
        let signed =
            "x509 -req -in request.pem -signkey key.pem -out leaf.pem -days 30 -extfile extensions";
        super::openssl::openssl(&made, &[signed, &format!("-{digest}")]);
        let read = |name| std::fs::read_to_string(made.path(name)).expect("openssl wrote it");
        let certificate = Certificate::from_pem(&read("leaf.pem"), &read("key.pem"));
        let manager = ScriptedServer::serving_one_role(&certificate);
        let other = Authority::root("elsewhere");
        let home = home(&manager, &other.pem);
        let result = home.run(FIND);
        contains(result.failure(7), &["self-signed"]);
        follow_the_pin(&home, &result.stderr);
        // It may also be trusted itself.
        let file = home.write("leaf.pem", &certificate.pem);
        let file = file.to_str().expect("UTF-8");
        assert_eq!(
            home.run(FIND.iter().chain(&["--ca-cert", file])).success(),
            "2"
        );
    }
}

/// Of a CA's signature over SHA-1, the key is as good as any, and the signature is not.
#[cfg(unix)]
#[test]
fn a_certificate_that_a_ca_signed_over_sha_1_is_pinned_and_not_trusted() {
    let made = Home::new();
    super::openssl::issued(&made, "sha1", "");
    let read = |name| std::fs::read_to_string(made.path(name)).expect("openssl wrote it");
    let manager = ScriptedServer::serving_one_role(&Certificate::from_pem(
        &read("leaf.pem"),
        &read("key.pem"),
    ));
    let home = home(&manager, &read("ca.pem"));
    let result = home.run(FIND);
    contains(result.failure(7), &["SHA-1"]);
    follow_the_pin(&home, &result.stderr);
}

/// The refusal comes before the password, whatever decides whom to trust.
#[cfg(unix)]
#[test]
fn no_password_is_asked_for_before_the_manager_is_trusted() {
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
        let shown = terminal.end();
        assert!(!shown.contains("Password"), "{shown}");
    }
}
