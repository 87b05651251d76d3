//! Endless bodies.

use std::io::{Result, Write};

use super::case::{
    CREATE, CREATE_NAMED, CREATE_UNNAMED, Case, FIND, KEYS, LIST, PING, ROLES, SIGN_IN, SIGN_OUT,
    Stdout, run_all,
};

const TEN_GIB: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10737418240\r\n\r\n";
pub(super) const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
pub(super) const TO_THE_END: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
const KIB: usize = 1024;

pub(super) type Endless = Box<dyn Fn(&mut dyn Write) -> Result<()> + Send + Sync>;

/// Sends `head`, and then `again` until the client closes the connection.
pub(super) fn endless(head: &str, again: impl AsRef<[u8]>) -> Endless {
    let (head, again) = (head.as_bytes().to_vec(), again.as_ref().to_vec());
    Box::new(move |to| {
        to.write_all(&head)?;
        loop {
            to.write_all(&again)?;
        }
    })
}

/// One chunk of 16 KiB.
fn chunk() -> Vec<u8> {
    let mut chunk = b"4000\r\n".to_vec();
    chunk.resize(chunk.len() + 0x4000, b' ');
    chunk.extend(b"\r\n");
    chunk
}

fn ten_gibibytes() -> Vec<Case> {
    let spaces = [b' '; 16 * KIB];
    let small = &["256 KiB"][..];
    let large = &["8192 KiB"][..];
    let found = || Stdout::Text("2\n".into());
    vec![
        Case::new(
            "10 GiB at the sign-in",
            FIND,
            SIGN_IN,
            endless(TEN_GIB, spaces),
            1,
        )
        .reporting(small),
        Case::new(
            "10 GiB at the role search",
            LIST,
            ROLES,
            endless(TEN_GIB, spaces),
            1,
        )
        .reporting(large),
        Case::new(
            "10 GiB at the key search",
            CREATE_NAMED,
            KEYS,
            endless(TEN_GIB, spaces),
            1,
        )
        .reporting(large),
        Case::new(
            "10 GiB at the create",
            CREATE_UNNAMED,
            CREATE,
            endless(TEN_GIB, spaces),
            8,
        ),
        Case::new(
            "10 GiB at the sign-out",
            FIND,
            SIGN_OUT,
            endless(TEN_GIB, spaces),
            0,
        )
        .printing(found()),
        Case::new(
            "10 GiB at the ping",
            FIND,
            PING,
            endless(TEN_GIB, spaces),
            1,
        )
        .reporting(small)
        .with(&["--wait", "5s"]),
    ]
}

fn endless_chunks() -> Vec<Case> {
    let small = &["256 KiB"][..];
    let large = &["8192 KiB"][..];
    vec![
        Case::new(
            "endless chunks at the sign-in",
            FIND,
            SIGN_IN,
            endless(CHUNKED, chunk()),
            1,
        )
        .reporting(small),
        Case::new(
            "endless chunks at the role search",
            LIST,
            ROLES,
            endless(CHUNKED, chunk()),
            1,
        )
        .reporting(large),
        Case::new(
            "endless chunks at the create",
            CREATE_UNNAMED,
            CREATE,
            endless(CHUNKED, chunk()),
            8,
        )
        .reporting(small),
        Case::new(
            "endless chunks at the request for a key",
            &["show-key", "8"],
            "GET /api/apikeys/8",
            endless(CHUNKED, chunk()),
            1,
        )
        .reporting(small),
    ]
}

fn no_length() -> Vec<Case> {
    let spaces = [b' '; 16 * KIB];
    let large = &["8192 KiB"][..];
    vec![
        Case::new(
            "an endless body without a length",
            LIST,
            ROLES,
            endless(TO_THE_END, spaces),
            1,
        )
        .reporting(large),
    ]
}

fn endless_error_responses() -> Vec<Case> {
    let head = |status: u16| format!("HTTP/1.1 {status} No\r\nTransfer-Encoding: chunked\r\n\r\n");
    vec![
        Case::new(
            "an endless 401",
            FIND,
            SIGN_IN,
            endless(&head(401), chunk()),
            4,
        ),
        Case::new(
            "an endless 403",
            FIND,
            ROLES,
            endless(&head(403), chunk()),
            5,
        ),
        Case::new(
            "an endless 500",
            CREATE_UNNAMED,
            CREATE,
            endless(&head(500), chunk()),
            8,
        ),
    ]
}

#[test]
fn endless_bodies() {
    run_all(
        [
            ten_gibibytes(),
            endless_chunks(),
            no_length(),
            endless_error_responses(),
        ]
        .into_iter()
        .flatten(),
    );
}
