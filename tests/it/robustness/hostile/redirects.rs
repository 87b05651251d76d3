//! Redirects: the run follows none and never connects to the second host.

use std::sync::Arc;

use super::case::{
    CREATE, CREATE_NAMED, CREATE_UNNAMED, Case, FIND, KEYS, PING, ROLES, SIGN_IN, SIGN_OUT, Stdout,
    run_all,
};
use super::manager::answer;
use crate::support::LEGACY_LOGOUT;
use crate::support::scripted_server::ScriptedServer;

/// The target of a redirect, which must see no connection.
fn elsewhere() -> Arc<ScriptedServer> {
    Arc::new(ScriptedServer::silent())
}

fn redirect(status: u16, location: &str) -> Vec<u8> {
    answer(status, &format!("Location: {location}"), b"")
}

/// A redirect to a different host, which must not be followed.
fn to_another_host(
    arguments: &[&'static str],
    route: &'static str,
    status: u16,
    exit: i32,
) -> Case {
    let elsewhere = elsewhere();
    let location = format!("{}/api/sessions", elsewhere.url());
    let name = format!("{status} at {route}");
    Case::bytes(name, arguments, route, redirect(status, &location), exit).checking(
        move |manager, _, _| {
            assert_eq!(elsewhere.connections(), 0, "the redirect was followed");
            assert_eq!(manager.count(route), 1, "the request was repeated");
        },
    )
}

#[test]
fn to_another_host_at_every_stage() {
    let followed = &["https://127.0.0.1:"];
    let mut cases: Vec<Case> = [301, 302, 303, 307, 308]
        .into_iter()
        .flat_map(|status| {
            [
                to_another_host(FIND, SIGN_IN, status, 1).reporting(followed),
                to_another_host(FIND, ROLES, status, 1).reporting(followed),
            ]
        })
        .collect();
    cases.extend([
        to_another_host(FIND, ROLES, 307, 1)
            .reporting(followed)
            .with_an_api_key(),
        to_another_host(CREATE_NAMED, KEYS, 308, 1).reporting(followed),
        to_another_host(CREATE_UNNAMED, CREATE, 307, 8).reporting(followed),
        to_another_host(&["show-key", "8"], "GET /api/apikeys/8", 302, 1).reporting(followed),
        to_another_host(FIND, SIGN_OUT, 307, 0)
            .printing(Stdout::Text("2\n".into()))
            .checking(|manager, _, _| assert_eq!(manager.count(LEGACY_LOGOUT), 1)),
        to_another_host(FIND, PING, 301, 0)
            .with(&["--wait", "5s"])
            .printing(Stdout::Text("2\n".into())),
    ]);
    run_all(cases);
}

#[test]
fn to_unusual_locations() {
    let to = |name: &str, location: &str| {
        Case::bytes(name, FIND, ROLES, redirect(302, location), 1)
            .checking(|manager, _, _| assert_eq!(manager.count(ROLES), 1))
    };
    let with_user = elsewhere();
    let location = with_user.url().replace("://", "://someone:hunter2@");
    run_all(vec![
        Case::bytes(
            "a relative location",
            FIND,
            ROLES,
            redirect(302, "/SignIn.screen"),
            4,
        )
        .reporting(&["/SignIn.screen"])
        .checking(|manager, _, _| assert_eq!(manager.count(ROLES), 1)),
        to("a location without a scheme", "//evil.example.com/x")
            .reporting(&["https://evil.example.com"]),
        to("a location with http", "http://evil.example.com/")
            .reporting(&["http://evil.example.com"]),
        to("a location of a file", "file:///etc/passwd"),
        to("an empty location", ""),
        to("a malformed location", "https://[::1"),
        to(
            "a host name that is not ASCII",
            "https://B%C3%9CCHER.example/",
        )
        .reporting(&["an unknown address"]),
        to(
            "the ASCII form of a host name",
            "https://XN--BCHER-KVA.example/",
        )
        .reporting(&["https://xn--bcher-kva.example"]),
        to(
            "a location of 100 KB",
            &format!("https://e.example.com/{}", "a".repeat(100_000)),
        )
        .reporting(&["https://e.example.com"]),
        to("a location with user info", &location).checking(move |_, _, stderr| {
            assert_eq!(with_user.connections(), 0);
            assert!(
                !stderr.contains("hunter2") && !stderr.contains("someone"),
                "{stderr}"
            );
        }),
        to("a location on a closed port", "https://127.0.0.1:1/")
            .reporting(&["https://127.0.0.1:"]),
    ]);
}
