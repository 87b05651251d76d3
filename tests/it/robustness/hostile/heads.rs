//! Heads without end: status lines, headers, sizes of chunks, trailers, and answers before the answer.

use super::case::{CREATE, Case, FIND, MAKE_ONE, ROLES, SIGN_IN, judge};
use super::sizes::{CHUNKED, endless};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

#[test]
fn heads_without_end() {
    let long = format!(
        "HTTP/1.1 200 OK\r\nX-Long: {}\r\nContent-Length: 2\r\n\r\n{{}}",
        "a".repeat(MIB)
    );
    let many = format!(
        "HTTP/1.1 200 OK\r\n{}Content-Length: 2\r\n\r\n{{}}",
        "X-Many: a\r\n".repeat(10_000)
    );
    let broke = &[][..];
    judge(vec![
        Case::bytes(
            "a header of 1 MiB at the sign-in",
            FIND,
            SIGN_IN,
            long.clone(),
            8,
            broke,
        ),
        Case::bytes(
            "a header of 1 MiB of roles",
            FIND,
            ROLES,
            long.clone(),
            8,
            broke,
        ),
        Case::bytes(
            "a header of 1 MiB at the create",
            MAKE_ONE,
            CREATE,
            long,
            8,
            &[],
        ),
        Case::bytes(
            "10,000 headers at the sign-in",
            FIND,
            SIGN_IN,
            many.clone(),
            8,
            broke,
        ),
        Case::bytes("10,000 headers of roles", FIND, ROLES, many, 8, broke),
        Case::new(
            "headers without end",
            FIND,
            ROLES,
            endless("HTTP/1.1 200 OK\r\n", "X-More: and more\r\n".repeat(1000)),
            8,
            broke,
        ),
        Case::new(
            "a header without end",
            FIND,
            ROLES,
            endless("HTTP/1.1 200 OK\r\nX-Long: ", [b'a'; 16 * KIB]),
            8,
            broke,
        ),
        Case::new(
            "a status line without end",
            FIND,
            ROLES,
            endless("HTTP/1.1 200 ", [b'a'; 16 * KIB]),
            8,
            broke,
        ),
        Case::new(
            "the size of a chunk without end",
            FIND,
            ROLES,
            endless(CHUNKED, [b'0'; 16 * KIB]),
            8,
            &[],
        )
        .with(&["--timeout", "700ms"]),
        Case::new(
            "the words after the size of a chunk without end",
            FIND,
            ROLES,
            endless(&format!("{CHUNKED}2;"), [b'a'; 16 * KIB]),
            8,
            broke,
        ),
        Case::new(
            "trailers without end",
            FIND,
            ROLES,
            endless(
                &format!("{CHUNKED}0\r\n"),
                "X-More: and more\r\n".repeat(1000),
            ),
            8,
            broke,
        ),
        Case::bytes(
            "a chunk of more than there is",
            FIND,
            ROLES,
            format!("{CHUNKED}ffffffffffffffff\r\n{{}}"),
            8,
            broke,
        ),
        Case::new(
            "interim answers without end",
            FIND,
            ROLES,
            endless("", "HTTP/1.1 100 Continue\r\n\r\n".repeat(500)),
            8,
            &[],
        )
        .with(&["--timeout", "700ms"]),
        Case::new(
            "early hints without end",
            FIND,
            SIGN_IN,
            endless(
                "",
                "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(500),
            ),
            8,
            &[],
        )
        .with(&["--timeout", "700ms"]),
    ]);
}
