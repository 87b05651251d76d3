//! Web pages and redirects from a proxy, a firewall or Tomcat. None of them counts as a rejected sign-in.

use serde_json::Value;
use swp_keys::sandbox::{Action, Fault};

use crate::support::snapshot::snapshot;
use crate::support::{TestEnv, contains};

const SIGN_IN: (&str, &str) = ("POST", "/api/sessions");
const ROLES: (&str, &str) = ("POST", "/api/roles/search");
const FIND: [&str; 4] = ["find-role", "Auditor", "-o", "json"];

/// Returns a page of this server with this title.
fn page(status: u16, server: &str, title: &str) -> Action {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Action::Answer {
        status,
        headers: vec![
            header("Content-Type", "text/html"),
            header("Server", server),
        ],
        body: format!("<html>\r\n<head><title>{title}</title></head>\r\n<body></body></html>")
            .into_bytes(),
    }
}

/// Returns the error of a run whose request to this route gets this response.
fn error_of(env: &TestEnv, (method, path): (&str, &str), action: Action, exit: i32) -> Value {
    env.sandbox.inject(Fault::new(method, path, action));
    env.run(FIND).json_error(exit)
}

#[test]
fn a_web_page_of_another_server_is_not_a_rejected_sign_in() {
    let pages = [
        (401, "nginx", "401 Authorization Required", 1),
        (403, "cloudflare", "Attention Required!", 1),
        (413, "nginx", "413 Request Entity Too Large", 1),
        (400, "", "HTTP Status 400 – Bad Request", 1),
        (500, "", "HTTP Status 500 – Internal Server Error", 8),
        (502, "nginx", "502 Bad Gateway", 8),
    ];
    for (status, server, title, exit) in pages {
        let env = TestEnv::new();
        // If these responses counted, two of them would stop the next run.
        for _ in 0..3 {
            let error = error_of(&env, SIGN_IN, page(status, server, title), exit);
            let message = error["message"].as_str().expect("a message");
            contains(message, &[&status.to_string(), title, server]);
            assert_eq!(error["http"], status);
        }
        env.run(FIND).success();
    }
}

#[test]
fn a_rejection_on_a_tomcat_page_counts() {
    // Tomcat writes its pages in the language of the server. Versions before 8.5 had different titles.
    for (status, server, title) in [
        (401, "", "HTTP Status 401 – Refused"),
        (403, "", "HTTP Status 403 – Refused"),
        (401, "", "HTTPステータス 401 – Unauthorized"),
        (401, "", "Estado HTTP 401 - "),
        (403, "", "Apache Tomcat/7.0.109 - Error report"),
        (401, "Apache-Coyote/1.1", "Error report"),
    ] {
        let env = TestEnv::new();
        for _ in 0..2 {
            let error = error_of(&env, SIGN_IN, page(status, server, title), 4);
            assert_eq!(error["http"], status);
        }
        let before = env.sandbox.connections().tcp;
        env.run(FIND).failure(4);
        assert_eq!(env.sandbox.connections().tcp, before, "nothing is sent");
    }
}

/// The body is the manager's message or empty, but its media type is that of a web page.
#[test]
fn a_rejection_with_the_media_type_of_a_page_counts() {
    for body in [r#"{"message":"Invalid password"}"#, "Invalid password", ""] {
        let refusal = || Action::Answer {
            status: 401,
            headers: vec![(
                "Content-Type".to_owned(),
                "text/html;charset=utf-8".to_owned(),
            )],
            body: body.as_bytes().to_vec(),
        };
        let env = TestEnv::new();
        for _ in 0..2 {
            error_of(&env, SIGN_IN, refusal(), 4);
        }
        let before = env.sandbox.connections().tcp;
        env.run(FIND).failure(4);
        assert_eq!(env.sandbox.connections().tcp, before, "nothing is sent");
    }
}

#[test]
fn a_web_page_after_the_sign_in_is_not_a_rejected_session_or_key() {
    let mut env = TestEnv::new();
    let key = env.sandbox.add_key("mine", 1);
    for by_key in [false, true] {
        if by_key {
            env.use_key(&key.secret);
        }
        for (status, title) in [
            (401, "401 Authorization Required"),
            (403, "Forbidden"),
            (413, "Too Large"),
        ] {
            let error = error_of(&env, ROLES, page(status, "nginx", title), 1);
            contains(error["message"].as_str().expect("a message"), &[title]);
        }
    }
}

fn redirect(location: &str) -> Action {
    Action::Answer {
        status: 302,
        headers: vec![("Location".to_owned(), location.to_owned())],
        body: Vec::new(),
    }
}

#[test]
fn a_redirect_to_the_same_manager_does_not_suggest_the_same_address() {
    let env = TestEnv::new();
    for location in [
        "/SignIn.screen".to_owned(),
        format!("{}/SignIn.screen", env.sandbox.url()),
    ] {
        let error = error_of(&env, SIGN_IN, redirect(&location), 1);
        contains(
            error["message"].as_str().expect("a message"),
            &["/SignIn.screen"],
        );
        snapshot(error["hint"].as_str().expect("a hint"));
    }
}

#[test]
fn a_redirect_to_the_sign_in_page_means_an_expired_session() {
    let env = TestEnv::new();
    let error = error_of(
        &env,
        ROLES,
        redirect("/SignIn.screen;jsessionid=hunter2?sID=hunter2"),
        4,
    );
    let message = error["message"].as_str().expect("a message");
    contains(message, &["/SignIn.screen"]);
    assert!(!message.contains("hunter2"), "{message}");
    snapshot(error["hint"].as_str().expect("a hint"));
    // The guard counts only sign-ins.
    for _ in 0..2 {
        error_of(&env, ROLES, redirect("/SignIn.screen"), 4);
    }
    env.run(FIND).success();
}

#[test]
fn a_new_session_that_another_node_rejects_is_explained() {
    let env = TestEnv::new();
    let error = error_of(&env, ROLES, Action::status(401, "Session is not valid"), 4);
    snapshot(error["hint"].as_str().expect("a hint"));
}

#[test]
fn after_a_redirected_create_the_run_searches_for_the_key() {
    let env = TestEnv::new();
    let fault = Fault::new("POST", "/api/apikeys", redirect("/SignIn.screen")).after();
    env.sandbox.inject(fault);
    let result = env.run(["create", "--role", "Auditor"]);
    assert_eq!(
        result.success(),
        env.sandbox.api_keys()[0].secret,
        "found, and given a new secret"
    );
}
