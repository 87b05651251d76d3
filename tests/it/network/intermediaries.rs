//! Responses from proxies and web pages, wrong clocks, and responses about different keys. The program does not treat any of them as proof.

use serde_json::json;
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::held_manager::HeldManager;
use crate::support::proxy::Proxy;
use crate::support::scripted_server::ScriptedServer;
use crate::support::snapshot::snapshot;
use crate::support::{TestEnv, answering_unknowns, contains};

const CREATE: [&str; 5] = ["create", "--role", "Auditor", "--name", "ci"];

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Action {
    Action::Answer {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
    }
}

fn json_answer(body: &serde_json::Value) -> Action {
    answer(
        200,
        &[("Content-Type", "application/json")],
        &body.to_string(),
    )
}

/// Unencrypted HTTP is allowed only for loopback, so it must not go through a proxy.
#[test]
fn no_unencrypted_password_reaches_a_proxy() {
    let mut env = TestEnv::new();
    let server = ScriptedServer::answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let proxy = Proxy::to(env.sandbox.address());
    env.home
        .set("SWP_URL", format!("http://{}", server.address()));
    // A proxy on the command line is used, or the run stops.
    let result = env.run([&CREATE[..], &["--proxy", &proxy.url()]].concat());
    contains(result.failure(2), &["`--proxy`", "http"]);
    assert_eq!(server.connections(), 0);
    env.home.set("HTTPS_PROXY", proxy.url());
    env.home.set("ALL_PROXY", proxy.url());
    env.run(CREATE).failure(1);
    assert_eq!(server.connections(), 1);
    assert!(proxy.heads().is_empty(), "{:?}", proxy.heads());
    assert!(!proxy.recording().holds(Settings::DEFAULT_PASSWORD));
}

#[test]
fn a_web_page_does_not_confirm_a_deletion() {
    let page = "<html><head><title>Login</title></head></html>";
    for status in [200, 404] {
        let env = TestEnv::new();
        let no_secret = json_answer(&json!({"ID": 1, "keyName": "ci"}));
        env.sandbox
            .inject(Fault::new("POST", "/api/apikeys", no_secret).after());
        let page = answer(status, &[("Content-Type", "text/html")], page);
        env.sandbox
            .inject(Fault::new("DELETE", "/api/apikeys/1", page).times(99));
        let result = env.run(CREATE);
        contains(result.failure(11), &["swp-keys recover"]);
        assert_eq!(env.sandbox.api_keys().len(), 1, "{status}");
    }
}

#[test]
fn an_extremely_wrong_clock_creates_no_key_without_an_expiry() {
    for date in [
        "Fri, 01 Dec 9999 23:59:59 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
    ] {
        let env = TestEnv::new();
        let roles = json!({"roles": [{"ID": 2, "name": "Auditor"}]}).to_string();
        let media = ("Content-Type", "application/json");
        let fault = Fault::new(
            "POST",
            "/api/roles/search",
            answer(200, &[media, ("Date", date)], &roles),
        );
        env.sandbox.inject(fault);
        env.run([&CREATE[..], &["--expires", "90d"]].concat())
            .success();
        let ends = env.sandbox.api_keys()[0].expiry_date.expect("it ends");
        let days = (ends - env.sandbox.now()) / 86_400_000;
        assert!((89..=90).contains(&days), "{date}: {days}");
    }
}

#[test]
fn a_secret_with_several_lines_is_not_delivered() {
    let env = TestEnv::new();
    let secret = "1:abc\nexport PATH=/evil\u{1b}]0;x\u{7}";
    let fault = Fault::new(
        "POST",
        "/api/apikeys",
        json_answer(&json!({"ID": 1, "keyName": "ci", "secretKey": secret})),
    );
    env.sandbox.inject(fault.after());
    contains(env.run(CREATE).failure(10), &["secretKey"]);
    assert_eq!(env.sandbox.api_keys(), []);
}

#[test]
fn an_altered_name_is_reported() {
    let env = TestEnv::new();
    let other = json_answer(&json!({"ID": 1, "keyName": "CI", "secretKey": "1:c2VjcmV0"}));
    env.sandbox
        .inject(Fault::new("POST", "/api/apikeys", other).after());
    let result = env.run(CREATE);
    assert_eq!(result.success(), "1:c2VjcmV0");
    contains(&result.stderr, &["`CI` (ID 1)", "ci"]);
}

/// Makes the manager lose the response to the first reset of the key with ID 1, and reject the second reset.
fn lose_reset(env: &TestEnv) {
    let reset = "/api/apikeys/1/secretkey";
    env.sandbox
        .inject(Fault::new("POST", reset, Action::Cut(40)).after());
    env.sandbox
        .inject(Fault::new("POST", reset, Action::status(401, "Who?")).nth(2));
}

#[test]
fn a_lost_reset_that_is_then_rejected_leaves_a_record() {
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    lose_reset(&env);
    let result = env.run([&CREATE[..], &["--if-exists", "rekey"]].concat());
    contains(result.failure(11), &["swp-keys recover"]);
    let listed = env.run(["recover", "--list", "-o", "json"]).json();
    assert_eq!(listed["unfinished"][0]["keyID"], json!(1));
}

#[test]
fn a_newer_secret_finishes_an_older_record() {
    let env = TestEnv::with(answering_unknowns(&[]));
    env.sandbox.add_key("ci", 2);
    lose_reset(&env);
    let rekey = [&CREATE[..], &["--if-exists", "rekey"]].concat();
    env.run(&rekey).failure(11);
    env.sandbox.clear_faults();
    let secret = env.run(&rekey).success().to_owned();
    snapshot(&env.run(["recover", "--yes"]).stderr);
    assert_eq!(env.sandbox.api_keys()[0].secret, secret);
}

/// A flag takes precedence over a variable: if it names a certificate, the run trusts no other certificate.
#[test]
fn a_ca_file_flag_overrides_a_variable_that_disables_verification() {
    let mut env = TestEnv::new();
    let other = swp_keys::sandbox::Sandbox::start(Settings::default()).expect("another manager");
    let certificate = env.home.write("other.pem", other.certificate_pem());
    env.home.unset("SWP_CA_CERT");
    env.home.set("SWP_INSECURE", "1");
    let certificate = certificate.display().to_string();
    env.run([&CREATE[..], &["--ca-cert", &certificate]].concat())
        .failure(7);
    assert!(env.sandbox.requests().is_empty());
    snapshot(
        &env.run([&CREATE[..], &["--ca-cert", &certificate, "--insecure"]].concat())
            .stderr,
    );
}

/// The reset of an active run would revoke the secret that this run creates.
#[test]
fn a_key_of_an_active_run_is_not_reset() {
    let held = HeldManager::new("POST /api/apikeys");
    let first = held.start(CREATE);
    held.wait_until_held();
    let second = held.start(CREATE.iter().chain(&["--if-exists", "rekey"]));
    contains(second.finish().failure(6), &["ci"]);
    held.release();
    let keys = held.sandbox.api_keys();
    assert_eq!(first.finish().success(), keys[0].secret);
    assert_eq!(keys.len(), 1);
}

/// An API key determines the tenant. A key of a different tenant therefore cannot prove that a key does not exist.
#[test]
fn only_the_key_of_the_original_run_can_prove_that_no_key_was_created() {
    let mut env = TestEnv::new();
    let signer = env.sandbox.add_key("signer", 1).secret;
    let other = env.sandbox.add_key("other", 1).secret;
    env.use_key(&signer);
    let lost = Fault::new("POST", "/api/apikeys", Action::Drop);
    env.sandbox.inject(lost);
    let search = Fault::new("POST", "/api/apikeys/search", Action::status(503, "Later."));
    env.sandbox.inject(search.nth(2).times(99));
    env.run(CREATE).failure(11);
    env.sandbox.clear_faults();
    env.use_key(&other);
    contains(env.run(["recover", "--yes"]).failure(11), &["--forget"]);
    let listed = env.run(["recover", "--list", "-o", "json"]).json();
    assert_eq!(listed["unfinished"].as_array().map(Vec::len), Some(1));
    let signer_print = listed["unfinished"][0]["signer"].as_str().unwrap_or("");
    assert_eq!(signer_print.len(), 16, "{listed}");
    env.use_key(&signer);
    snapshot(&env.run(["recover", "--yes"]).stderr);
}

#[test]
fn an_invalid_record_is_reported() {
    let env = TestEnv::new();
    let folder = env.home.path("state/unfinished");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("0badcafe.json"), "{").expect("a file");
    contains(
        env.run(["recover", "--yes"]).failure(11),
        &["0badcafe.json"],
    );
}
