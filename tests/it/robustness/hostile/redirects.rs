//! Redirects: none is followed, and the second host is not even connected to.

use std::sync::Arc;

use super::case::{
    CREATE, Case, FIND, KEYS, MAKE, MAKE_ONE, PING, ROLES, SIGN_IN, SIGN_OUT, Stdout, judge,
};
use super::manager::answer;
use crate::support::LEGACY_LOGOUT;
use crate::support::scripted_server::ScriptedServer;

/// Where nobody must go.
fn elsewhere() -> Arc<ScriptedServer> {
    Arc::new(ScriptedServer::silent())
}

fn redirect(status: u16, location: &str) -> Vec<u8> {
    answer(status, &format!("Location: {location}"), b"")
}

/// A redirect to another host, and a look whether somebody went there.
fn to_another_host(
    arguments: &[&'static str],
    route: &'static str,
    status: u16,
    exit: i32,
    stderr: &[&str],
) -> Case {
    let elsewhere = elsewhere();
    let location = format!("{}/api/sessions", elsewhere.url());
    let name = format!("{status} at {route}");
    Case::bytes(
        name,
        arguments,
        route,
        redirect(status, &location),
        exit,
        stderr,
    )
    .and(move |manager, _, _| {
        assert_eq!(elsewhere.connections(), 0, "somebody followed");
        assert_eq!(manager.count(route), 1, "it was sent again");
    })
}

#[test]
fn to_another_host_at_every_stage() {
    let followed = &["https://127.0.0.1:"];
    let mut cases: Vec<Case> = [301, 302, 303, 307, 308]
        .into_iter()
        .flat_map(|status| {
            [
                to_another_host(FIND, SIGN_IN, status, 1, followed),
                to_another_host(FIND, ROLES, status, 1, followed),
            ]
        })
        .collect();
    cases.extend([
        to_another_host(FIND, ROLES, 307, 1, followed).signed_by_a_key(),
        to_another_host(MAKE, KEYS, 308, 1, followed),
        to_another_host(MAKE_ONE, CREATE, 307, 8, followed),
        to_another_host(&["show-key", "8"], "GET /api/apikeys/8", 302, 1, followed),
        to_another_host(FIND, SIGN_OUT, 307, 0, &[])
            .printing(Stdout::Text("2\n".into()))
            .and(|manager, _, _| assert_eq!(manager.count(LEGACY_LOGOUT), 1)),
        to_another_host(FIND, PING, 301, 0, &[])
            .with(&["--wait", "5s"])
            .printing(Stdout::Text("2\n".into())),
    ]);
    judge(cases);
}

#[test]
fn to_places_of_all_kinds() {
    let said = |name: &str, location: &str, stderr: &[&str]| {
        Case::bytes(name, FIND, ROLES, redirect(302, location), 1, stderr)
            .and(|manager, _, _| assert_eq!(manager.count(ROLES), 1))
    };
    let with_user = elsewhere();
    let location = with_user.url().replace("://", "://someone:hunter2@");
    judge(vec![
        Case::bytes(
            "relative",
            FIND,
            ROLES,
            redirect(302, "/SignIn.screen"),
            4,
            &["/SignIn.screen"],
        )
        .and(|manager, _, _| assert_eq!(manager.count(ROLES), 1)),
        said(
            "without a scheme",
            "//evil.example.com/x",
            &["https://evil.example.com"],
        ),
        said(
            "to http",
            "http://evil.example.com/",
            &["http://evil.example.com"],
        ),
        said("to a file", "file:///etc/passwd", &[]),
        said("to nowhere", "", &[]),
        said("to what is no address", "https://[::1", &[]),
        said(
            "to a host that is not in ASCII",
            "https://B%C3%9CCHER.example/",
            &["https://xn--bcher-kva.example"],
        ),
        said(
            "with 100 KB",
            &format!("https://e.example.com/{}", "a".repeat(100_000)),
            &["https://e.example.com"],
        ),
        said("with user info", &location, &[]).and(move |_, _, stderr| {
            assert_eq!(with_user.connections(), 0);
            assert!(
                !stderr.contains("hunter2") && !stderr.contains("someone"),
                "{stderr}"
            );
        }),
        said(
            "without end",
            "https://127.0.0.1:1/",
            &["https://127.0.0.1:"],
        ),
    ]);
}
