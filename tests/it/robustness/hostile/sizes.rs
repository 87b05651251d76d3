//! Bodies without end.

use std::io::{Result, Write};

use super::case::{
    CREATE, Case, FIND, KEYS, LIST, MAKE, MAKE_ONE, PING, ROLES, SIGN_IN, SIGN_OUT, Stdout, judge,
};

const TEN_GIB: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10737418240\r\n\r\n";
pub(super) const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
pub(super) const TO_THE_END: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
const KIB: usize = 1024;

pub(super) type Endless = Box<dyn Fn(&mut dyn Write) -> Result<()> + Send + Sync>;

/// A head, and then the same again and again until the client has gone.
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

#[test]
fn bodies_without_end() {
    let blanks = [b' '; 16 * KIB];
    let small = &["256 KiB"][..];
    let large = &["8192 KiB"][..];
    let found = || Stdout::Text("2\n".into());
    let refused =
        |status: u16| format!("HTTP/1.1 {status} No\r\nTransfer-Encoding: chunked\r\n\r\n");
    judge(vec![
        Case::new(
            "10 GiB at the sign-in",
            FIND,
            SIGN_IN,
            endless(TEN_GIB, blanks),
            1,
            small,
        ),
        Case::new(
            "10 GiB of roles",
            LIST,
            ROLES,
            endless(TEN_GIB, blanks),
            1,
            large,
        ),
        Case::new(
            "10 GiB of keys",
            MAKE,
            KEYS,
            endless(TEN_GIB, blanks),
            1,
            large,
        ),
        Case::new(
            "10 GiB at the create",
            MAKE_ONE,
            CREATE,
            endless(TEN_GIB, blanks),
            8,
            &[],
        ),
        Case::new(
            "10 GiB at the farewell",
            FIND,
            SIGN_OUT,
            endless(TEN_GIB, blanks),
            0,
            &[],
        )
        .printing(found()),
        Case::new(
            "10 GiB at the probe",
            FIND,
            PING,
            endless(TEN_GIB, blanks),
            1,
            small,
        )
        .with(&["--wait", "5s"]),
        Case::new(
            "chunks without end at the sign-in",
            FIND,
            SIGN_IN,
            endless(CHUNKED, chunk()),
            1,
            small,
        ),
        Case::new(
            "chunks without end of roles",
            LIST,
            ROLES,
            endless(CHUNKED, chunk()),
            1,
            large,
        ),
        Case::new(
            "chunks without end at the create",
            MAKE_ONE,
            CREATE,
            endless(CHUNKED, chunk()),
            8,
            small,
        ),
        Case::new(
            "chunks without end of a key",
            &["show-key", "8"],
            "GET /api/apikeys/8",
            endless(CHUNKED, chunk()),
            1,
            small,
        ),
        Case::new(
            "a body without length or end",
            LIST,
            ROLES,
            endless(TO_THE_END, blanks),
            1,
            large,
        ),
        Case::new(
            "a refusal without end",
            FIND,
            SIGN_IN,
            endless(&refused(401), chunk()),
            4,
            &[],
        ),
        Case::new(
            "a 403 without end",
            FIND,
            ROLES,
            endless(&refused(403), chunk()),
            5,
            &[],
        ),
        Case::new(
            "a 500 without end",
            MAKE_ONE,
            CREATE,
            endless(&refused(500), chunk()),
            8,
            &[],
        ),
    ]);
}
