//! `--wait` waits for a manager that is starting. It probes without signing in, and does not wait for problems that time cannot fix.

use std::io::{BufRead as _, BufReader, Read as _};
use std::time::{Duration, Instant};

use swp_keys::sandbox::{Action, CertificateKind, Fault, Settings};

use crate::support::proxy::ReservedPort;
use crate::support::scripted_server::ScriptedServer;
use crate::support::{RunResult, TestEnv, contains};

const PING: &str = "/rest/status/manager/ping";
const VERSION: &str = "/rest/apiVersion";
const SIGN_INS: &str = "POST /api/sessions";

/// Starts a run, and opens `port` as soon as its stderr contains `sign`.
fn opened_after(env: &TestEnv, port: ReservedPort, sign: &str, arguments: &[&str]) -> RunResult {
    let mut child = env.home.start_piped(arguments);
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut output = String::new();
    while !output.contains(sign) {
        let count = stderr.read_line(&mut output).expect("lines of text");
        assert!(count > 0, "stderr does not contain `{sign}`: {output}");
    }
    assert_eq!(env.sandbox.connections().tcp, 0);
    let _server = port.open_to(env.sandbox.address());
    stderr.read_to_string(&mut output).expect("text");
    let mut result = RunResult::from(child.wait_with_output().expect("the run ends"));
    result.stderr = output;
    result
}

/// Creates a key on the manager at `url`, and waits for the manager for up to `wait`.
fn create_at(env: &TestEnv, url: &str, wait: &str) -> RunResult {
    let arguments = ["create", "--role", "Auditor", "--wait", wait, "--url", url];
    env.run(arguments)
}

#[test]
fn a_manager_that_does_not_listen_yet_is_waited_for() {
    let mut env = TestEnv::new();
    let port = ReservedPort::new();
    env.home.set("SWP_URL", port.url());
    let sign = "; waiting for the manager";
    let result = opened_after(
        &env,
        port,
        sign,
        &["create", "--role", "Auditor", "-v", "--wait", "60s"],
    );
    assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
    assert_eq!(
        env.calls()[..2],
        ["GET /rest/status/manager/ping", SIGN_INS]
    );
    assert_eq!(env.count(SIGN_INS), 1);
}

#[test]
fn a_sign_in_on_a_refused_connection_is_sent_again() {
    let mut env = TestEnv::new();
    let port = ReservedPort::new();
    env.home.set("SWP_URL", port.url());
    let result = opened_after(
        &env,
        port,
        "; retrying in",
        &["create", "--role", "Auditor", "-v"],
    );
    assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
    assert_eq!(env.count(SIGN_INS), 1);
}

#[test]
fn a_starting_manager_is_probed_without_a_sign_in() {
    for action in [
        Action::status(503, "Service starting"),
        Action::status(502, ""),
        Action::Drop,
        Action::Reset,
    ] {
        let mut env = TestEnv::new();
        env.home.set("SWP_WAIT", "60s");
        env.sandbox
            .inject(Fault::new("GET", PING, action.clone()).times(2));
        let result = env.run(["create", "--role", "Auditor"]);
        assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
        assert_eq!(
            env.calls()[..4],
            [
                "GET /rest/status/manager/ping",
                "GET /rest/status/manager/ping",
                "GET /rest/status/manager/ping",
                SIGN_INS
            ],
            "{action:?}"
        );
        for probe in &env.sandbox.requests()[..3] {
            for name in ["cookie", "rid", "api-secret-key", "authorization"] {
                assert_eq!(probe.header(name), None);
            }
        }
    }
}

#[test]
fn a_probe_carries_no_key() {
    let mut env = TestEnv::new();
    let key = env.sandbox.add_key("mine", 1);
    env.use_key(&key.secret);
    let fault = Fault::new("GET", PING, Action::status(503, "Service starting"));
    env.sandbox.inject(fault);
    let result = env.run(["find-role", "Auditor", "--wait", "60s"]);
    assert_eq!(result.success(), "2");
    let requests = env.sandbox.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].header("api-secret-key"), None);
    assert_eq!(requests[1].header("api-secret-key"), None);
}

#[test]
fn without_the_ping_the_version_is_probed() {
    for action in [
        Action::status(404, ""),
        Action::status(403, ""),
        Action::status(401, ""),
    ] {
        let env = TestEnv::new();
        env.sandbox.inject(Fault::new("GET", PING, action.clone()));
        env.sandbox.inject(Fault::new("GET", VERSION, action));
        env.run(["find-role", "Auditor", "--wait", "60s"]).success();
        assert_eq!(
            env.calls()[..3],
            [
                "GET /rest/status/manager/ping",
                "GET /rest/apiVersion",
                SIGN_INS
            ]
        );
    }
}

#[test]
fn the_wait_is_limited() {
    let env = TestEnv::new();
    let port = ReservedPort::new();
    let begun = Instant::now();
    let result = create_at(&env, &port.url(), "700ms");
    result.failure(8);
    assert!(begun.elapsed() < Duration::from_secs(20));

    let starting = Fault::new("GET", PING, Action::status(503, "Service starting"));
    env.sandbox.inject(starting.times(u32::MAX));
    let result = env.run(["create", "--role", "Auditor", "--wait", "700ms"]);
    contains(result.failure(8), &["503", "Service starting"]);
    assert_eq!(env.count(SIGN_INS), 0, "never signed in");
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[test]
fn a_hanging_probe_does_not_extend_the_wait() {
    let server = ScriptedServer::silent();
    let env = TestEnv::new();
    let begun = Instant::now();
    let result = create_at(&env, &server.url(), "1s");
    result.failure(8);
    let elapsed = begun.elapsed();
    assert!(elapsed < Duration::from_millis(4900), "{elapsed:?}");
}

#[test]
fn an_excessive_wait_is_rejected_before_anything_is_sent() {
    let env = TestEnv::new();
    let result = env.run(["find-role", "Auditor", "--wait", "300000000000y"]);
    contains(result.failure(2), &["`--wait`"]);
    assert_eq!(env.sandbox.connections().tcp, 0);
}

#[test]
fn a_wrong_password_is_not_waited_out() {
    let mut env = TestEnv::new();
    let wrong = env.home.write_secret("wrong", "hunter2");
    env.home.set("SWP_PASSWORD_FILE", wrong);
    let result = env.run(["create", "--role", "Auditor", "--wait", "60s"]);
    result.failure(4);
    assert_eq!(env.count(SIGN_INS), 1);
}

#[test]
fn an_untrusted_certificate_is_not_waited_for() {
    for certificate in [CertificateKind::UnknownCa, CertificateKind::Expired] {
        let env = TestEnv::with(Settings {
            certificate,
            ..Settings::default()
        });
        let result = env.run(["create", "--role", "Auditor", "--wait", "20s"]);
        result.failure(7);
        assert_eq!(env.sandbox.connections().tcp, 1);
    }
    let server = ScriptedServer::answering(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let env = TestEnv::new();
    let result = create_at(&env, &server.url(), "20s");
    contains(result.failure(7), &["TLS"]);
    assert_eq!(server.connections(), 1);
}

/// Returns the page that Tomcat sends for a path without an application.
fn tomcat_page(status: u16) -> Action {
    let title = format!("HTTP Status {status} – Not Found");
    Action::Answer {
        status,
        headers: vec![(
            "Content-Type".to_owned(),
            "text/html;charset=utf-8".to_owned(),
        )],
        body: format!(
            "<!doctype html><html lang=\"en\"><head><title>{title}</title></head></html>"
        )
        .into_bytes(),
    }
}

/// Makes the next `times` requests return this response.
fn inject_everywhere(env: &TestEnv, action: &Action, times: u32) {
    env.sandbox.inject(Fault {
        method: None,
        ..Fault::new("GET", "*", action.clone()).times(times)
    });
}

#[test]
fn a_tomcat_without_the_manager_application_is_not_ready() {
    for status in [404, 500] {
        let env = TestEnv::new();
        // Each probe has three paths. A server error ends the probe at the first path. The run makes two probes.
        let requests = if status == 404 { 6 } else { 2 };
        inject_everywhere(&env, &tomcat_page(status), requests);
        let result = env.run(["create", "--role", "Auditor", "--wait", "60s"]);
        assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
        assert_eq!(env.count(SIGN_INS), 1, "{status}");
        let calls = env.calls();
        let sign_in = calls.iter().position(|call| call == SIGN_INS);
        let probes = usize::try_from(requests).expect("small") + 1;
        assert_eq!(sign_in, Some(probes), "{calls:?}");
    }
}

#[test]
fn a_timed_out_wait_reports_the_last_response_and_sends_no_password() {
    let env = TestEnv::new();
    inject_everywhere(&env, &tomcat_page(404), u32::MAX);
    let result = env.run([
        "create", "--role", "Auditor", "--wait", "700ms", "-o", "json",
    ]);
    let error = result.json_error(8);
    let message = error["message"].as_str().expect("a message");
    contains(message, &["HTTP Status 404", "1 s"]);
    let hint = error["hint"].as_str().expect("a hint");
    assert!(!hint.contains("--wait"), "{hint}");
    assert_eq!(error["http"], 404);
    assert_eq!(env.count(SIGN_INS), 0);
}

#[test]
fn a_manager_without_the_legacy_api_is_up_when_its_own_api_answers() {
    let env = TestEnv::new();
    for path in [PING, VERSION] {
        env.sandbox
            .inject(Fault::new("GET", path, tomcat_page(404)).times(u32::MAX));
    }
    let result = env.run(["find-role", "Auditor", "--wait", "60s"]);
    assert_eq!(result.success(), "2");
    let calls = env.calls();
    assert_eq!(calls[2..4], ["GET /api/apikeys/current", SIGN_INS]);
    assert_eq!(env.sandbox.requests()[2].header("api-secret-key"), None);
}
