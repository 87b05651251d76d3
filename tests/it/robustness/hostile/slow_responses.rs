//! Endless slow responses: `--timeout` applies to the whole response.

use std::io::{Result, Write};
use std::time::Duration;

use super::case::{
    CREATE, CREATE_UNNAMED, Case, FIND, LIST, ROLES, SIGN_IN, SIGN_OUT, Stdout, run_all,
};
use super::sizes::{CHUNKED, TO_THE_END};

/// Sends `head`, and then `again` every 40 ms. Each read succeeds in time, but the response never ends.
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

fn slow_sign_in_and_lists() -> Vec<Case> {
    let timeout = ["--timeout", "600ms"];
    vec![
        Case::new(
            "a slow body at the sign-in",
            FIND,
            SIGN_IN,
            slowly(HEAD_OF_200_KB, b" "),
            8,
        )
        .with(&timeout),
        Case::new(
            "a slow body at the role search",
            LIST,
            ROLES,
            slowly(TO_THE_END, b" "),
            8,
        )
        .with(&timeout),
        Case::new(
            "slow chunks of one byte",
            LIST,
            ROLES,
            slowly(CHUNKED, b"1\r\n \r\n"),
            8,
        )
        .with(&timeout),
        Case::new(
            "a slow head",
            LIST,
            ROLES,
            slowly("HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
            8,
        )
        .with(&timeout),
    ]
}

fn slow_create_and_sign_out() -> Vec<Case> {
    let timeout = ["--timeout", "600ms"];
    vec![
        Case::new(
            "a slow body at the create",
            CREATE_UNNAMED,
            CREATE,
            slowly(TO_THE_END, b" "),
            8,
        )
        .with(&timeout),
        Case::new(
            "a slow body at the sign-out",
            FIND,
            SIGN_OUT,
            slowly(TO_THE_END, b" "),
            0,
        )
        .printing(Stdout::Text("2\n".into())),
    ]
}

fn silence_after_the_head() -> Vec<Case> {
    let timeout = ["--timeout", "600ms"];
    vec![
        Case::new(
            "no body after the head",
            FIND,
            ROLES,
            |to| {
                to.write_all(HEAD_OF_200_KB.as_bytes())?;
                to.flush()?;
                std::thread::sleep(Duration::from_secs(2));
                Ok(())
            },
            8,
        )
        .with(&timeout),
    ]
}

#[test]
fn endless_slow_responses() {
    run_all(
        [
            slow_sign_in_and_lists(),
            slow_create_and_sign_out(),
            silence_after_the_head(),
        ]
        .into_iter()
        .flatten(),
    );
}

const HEAD_OF_200_KB: &str = "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n";
