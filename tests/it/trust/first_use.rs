//! The first meeting, in a real terminal: shown before the password is asked for, and pinned on nothing less than a whole word.

use swp_keys::sandbox::CertificateKind;

use super::fixtures::{file, keep, other_pin, place, shown, stranger};
use crate::support::World;
use crate::support::pty::Pty;
use crate::support::raw_server::{Certificate, Heard, RawServer};

const QUESTION: &str = "or paste one of the fingerprints: ";

/// A stranger whose password is to be typed, and the password.
fn met(kind: CertificateKind) -> (World, String) {
    let mut world = stranger(kind);
    world.home.unset("SWP_PASSWORD_FILE");
    let password = world.sandbox.change(|settings| settings.password.clone());
    (world, password)
}

fn start(world: &World, arguments: &str) -> Pty {
    let script = format!(r#""$SWP_KEYS" {arguments} > out; echo "code=$?""#);
    Pty::start(&world.home, &script)
}

fn out(world: &World) -> String {
    std::fs::read_to_string(world.home.path("out")).expect("stdout")
}

#[test]
fn an_unknown_manager_is_shown_before_the_password_is_asked_for() {
    let (world, password) = met(CertificateKind::SelfSigned);
    let pin = shown(&world);
    let mut terminal = start(&world, "create --role Auditor");
    for text in [
        "is self-signed",
        "subject  CN=localhost",
        "issuer   itself",
        "names    localhost, 127.0.0.1, ::1",
        "valid    from 20",
        &pin,
        "openssl s_client -connect localhost:",
        QUESTION,
    ] {
        terminal.see(text);
    }
    assert_eq!(world.sandbox.requests(), [], "no HTTP before the answer");
    terminal.type_line("yes");
    terminal.see("Password of ");
    assert_eq!(world.sandbox.requests(), []);
    terminal.type_line(&password);
    terminal.see("code=0");
    terminal.end();
    let secret = &world.sandbox.api_keys()[0].secret;
    assert_eq!(out(&world), format!("{secret}\n"));
    assert!(file(&world.home).contains(&pin));
    // It is known now.
    let mut terminal = start(&world, "find-role Auditor");
    terminal.see("Password of ");
    terminal.type_line(&password);
    terminal.see("code=0");
    assert!(!terminal.end().contains("certificate"));
}

#[test]
fn the_print_that_was_compared_may_be_pasted() {
    for prefix in ["sha256:", "", "SHA2-256(stdin)= "] {
        let (world, password) = met(CertificateKind::UnknownCa);
        let pin = shown(&world);
        let digits = pin.trim_start_matches("sha256:");
        let mut terminal = start(&world, "find-role Auditor");
        terminal.see("was issued by `CN=swp-keys sandbox CA`, which is not trusted here");
        terminal.see(QUESTION);
        terminal.type_line(&format!("{prefix}{digits}"));
        terminal.see("Password of ");
        terminal.type_line(&password);
        terminal.see("code=0");
        terminal.end();
        assert!(file(&world.home).contains(&pin));
    }
}

#[test]
fn anything_but_a_whole_yes_is_no() {
    for (answer, said) in [
        ("y", "was not confirmed"),
        ("YES", "was not confirmed"),
        ("no", "was not confirmed"),
        ("", "was not confirmed"),
        (&other_pin(), "has the fingerprint that was typed"),
    ] {
        let (world, _) = met(CertificateKind::SelfSigned);
        let mut terminal = start(&world, "create --role Auditor");
        terminal.see(QUESTION);
        terminal.type_line(answer);
        terminal.see(said);
        terminal.see("nothing was sent");
        terminal.see("code=7");
        assert!(!terminal.end().contains("Password"));
        let left = (out(&world), file(&world.home));
        assert_eq!(left, (String::new(), String::new()));
        assert_eq!(world.sandbox.requests(), []);
    }
}

#[test]
fn ctrl_c_at_the_question_leaves_nothing() {
    let (world, _) = met(CertificateKind::SelfSigned);
    let mut terminal = start(&world, "create --role Auditor");
    terminal.see(QUESTION);
    terminal.control('c');
    terminal.see("code=130");
    terminal.end();
    assert_eq!(file(&world.home), "");
    assert_eq!(world.sandbox.requests(), []);
}

#[test]
fn a_run_that_asks_for_no_password_meets_the_manager_all_the_same() {
    let mut world = stranger(CertificateKind::SelfSigned);
    let mut terminal = start(&world, "find-role Auditor");
    terminal.see(QUESTION);
    terminal.type_line("yes");
    terminal.see("code=0");
    terminal.end();
    let key = world.sandbox.add_key("existing", 1).secret;
    world.use_key(&key);
    world.run(["trust", "remove"]).success();
    let mut terminal = start(&world, "find-role Auditor --wait 10s");
    terminal.see(QUESTION);
    terminal.type_line("yes");
    terminal.see("code=0");
    terminal.end();
    assert!(file(&world.home).contains(&place(&world)));
}

#[test]
fn a_changed_key_is_not_asked_about() {
    let (world, _) = met(CertificateKind::SelfSigned);
    keep(&world, &other_pin());
    let mut terminal = start(&world, "find-role Auditor");
    terminal.see("does not hold the pinned key");
    terminal.see("code=7");
    let shown = terminal.end();
    assert!(!shown.contains(QUESTION), "{shown}");
    assert!(!shown.contains("Password"), "{shown}");
    assert_eq!(world.sandbox.requests(), []);
}

#[test]
fn a_choice_that_was_made_is_not_asked_about_again() {
    let mut world = stranger(CertificateKind::SelfSigned);
    let other = stranger(CertificateKind::SelfSigned);
    let pem = (world.home).write("other.pem", other.sandbox.certificate_pem());
    world.home.set("SWP_CA_CERT", pem);
    let unasked = |world: &World, arguments: &str| {
        let mut terminal = start(world, arguments);
        terminal.see("code=7");
        assert!(!terminal.end().contains(QUESTION));
    };
    unasked(&world, "find-role Auditor");
    world.home.unset("SWP_CA_CERT");
    unasked(&world, "find-role Auditor --no-input");
}

#[test]
fn trust_add_shows_and_asks_in_the_same_way() {
    let world = stranger(CertificateKind::SelfSigned);
    let mut terminal = start(&world, "trust add -o json");
    terminal.see("is self-signed");
    terminal.see(QUESTION);
    terminal.type_line("yes");
    terminal.see("code=0");
    terminal.end();
    let object: serde_json::Value = serde_json::from_str(&out(&world)).expect("one document");
    assert_eq!(object["pins"][0], shown(&world).as_str());
    assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
}

#[test]
fn a_key_that_another_run_met_meanwhile_is_not_added_to_in_passing() {
    for arguments in ["find-role Auditor", "trust add"] {
        let world = stranger(CertificateKind::SelfSigned);
        let mut terminal = start(&world, arguments);
        terminal.see(QUESTION);
        keep(&world, &other_pin());
        terminal.type_line("yes");
        terminal.see("has changed: it shows");
        terminal.see("code=7");
        terminal.end();
        assert!(!file(&world.home).contains(&shown(&world)));
        assert_eq!(world.sandbox.requests(), []);
    }
}

#[test]
fn a_certificate_cannot_carry_the_question_out_of_sight() {
    let certificate = Certificate::naming(2000);
    let server = RawServer::tls(&certificate, Heard::default());
    let world = stranger(CertificateKind::SelfSigned);
    let url = server.url();
    let mut terminal = start(&world, &format!("trust add {url}"));
    terminal.see("n0.example.com, ");
    terminal.see("and 1992 more");
    terminal.see(QUESTION);
    terminal.type_line("no");
    terminal.see("code=7");
    assert!(terminal.end().len() < 4000);
}
