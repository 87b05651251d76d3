//! Answers that take for ever: the time-out is of the whole answer, and ends them.

use std::io::{Result, Write};
use std::time::Duration;

use super::case::{CREATE, Case, FIND, LIST, MAKE_ONE, ROLES, SIGN_IN, SIGN_OUT, Stdout, judge};
use super::sizes::{CHUNKED, TO_THE_END};

/// A byte now and then: each comes in time, and the whole does not.
fn slowly(head: &'static str, again: &'static [u8]) -> impl Fn(&mut dyn Write) -> Result<()> {
    move |to| {
        to.write_all(head.as_bytes())?;
        loop {
            to.write_all(again)?;
            to.flush()?;
            std::thread::sleep(Duration::from_millis(40));
        }
    }
}

#[test]
fn responses_without_end() {
    let soon = ["--timeout", "600ms"];
    let in_time = &[][..];
    judge(vec![
        Case::new(
            "a body byte by byte at the sign-in",
            FIND,
            SIGN_IN,
            slowly(TEN_GIB_SMALL, b" "),
            8,
            &[],
        )
        .with(&soon),
        Case::new(
            "a body byte by byte of roles",
            LIST,
            ROLES,
            slowly(TO_THE_END, b" "),
            8,
            in_time,
        )
        .with(&soon),
        Case::new(
            "chunks of a byte",
            LIST,
            ROLES,
            slowly(CHUNKED, b"1\r\n \r\n"),
            8,
            in_time,
        )
        .with(&soon),
        Case::new(
            "a head byte by byte",
            LIST,
            ROLES,
            slowly("HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
            8,
            in_time,
        )
        .with(&soon),
        Case::new(
            "a create byte by byte",
            MAKE_ONE,
            CREATE,
            slowly(TO_THE_END, b" "),
            8,
            &[],
        )
        .with(&soon),
        Case::new(
            "a farewell byte by byte",
            FIND,
            SIGN_OUT,
            slowly(TO_THE_END, b" "),
            0,
            &[],
        )
        .printing(Stdout::Text("2\n".into())),
        Case::new(
            "nothing after the head",
            FIND,
            ROLES,
            |to| {
                to.write_all(TEN_GIB_SMALL.as_bytes())?;
                to.flush()?;
                std::thread::sleep(Duration::from_secs(2));
                Ok(())
            },
            8,
            in_time,
        )
        .with(&soon),
    ]);
}

const TEN_GIB_SMALL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n";
