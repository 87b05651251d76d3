//! Endless heads: status lines, headers, chunk sizes, trailers, and interim responses.

use super::case::{CREATE, CREATE_UNNAMED, Case, FIND, ROLES, SIGN_IN, run_all};
use super::sizes::{CHUNKED, endless};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn long_headers() -> Vec<Case> {
    let long = format!(
        "HTTP/1.1 200 OK\r\nX-Long: {}\r\nContent-Length: 2\r\n\r\n{{}}",
        "a".repeat(MIB)
    );
    let many = format!(
        "HTTP/1.1 200 OK\r\n{}Content-Length: 2\r\n\r\n{{}}",
        "X-Many: a\r\n".repeat(10_000)
    );
    vec![
        Case::bytes(
            "a header of 1 MiB at the sign-in",
            FIND,
            SIGN_IN,
            long.clone(),
            8,
        ),
        Case::bytes(
            "a header of 1 MiB at the role search",
            FIND,
            ROLES,
            long.clone(),
            8,
        ),
        Case::bytes(
            "a header of 1 MiB at the create",
            CREATE_UNNAMED,
            CREATE,
            long,
            8,
        ),
        Case::bytes(
            "10,000 headers at the sign-in",
            FIND,
            SIGN_IN,
            many.clone(),
            8,
        ),
        Case::bytes("10,000 headers at the role search", FIND, ROLES, many, 8),
    ]
}

fn endless_headers() -> Vec<Case> {
    vec![
        Case::new(
            "endless headers",
            FIND,
            ROLES,
            endless("HTTP/1.1 200 OK\r\n", "X-More: and more\r\n".repeat(1000)),
            8,
        ),
        Case::new(
            "an endless header",
            FIND,
            ROLES,
            endless("HTTP/1.1 200 OK\r\nX-Long: ", [b'a'; 16 * KIB]),
            8,
        ),
        Case::new(
            "an endless status line",
            FIND,
            ROLES,
            endless("HTTP/1.1 200 ", [b'a'; 16 * KIB]),
            8,
        ),
    ]
}

fn endless_chunk_sizes_and_trailers() -> Vec<Case> {
    vec![
        Case::new(
            "an endless chunk size",
            FIND,
            ROLES,
            endless(CHUNKED, [b'0'; 16 * KIB]),
            8,
        )
        .with(&["--timeout", "700ms"]),
        Case::new(
            "an endless chunk extension",
            FIND,
            ROLES,
            endless(&format!("{CHUNKED}2;"), [b'a'; 16 * KIB]),
            8,
        ),
        Case::new(
            "endless trailers",
            FIND,
            ROLES,
            endless(
                &format!("{CHUNKED}0\r\n"),
                "X-More: and more\r\n".repeat(1000),
            ),
            8,
        ),
        Case::bytes(
            "a chunk size above the body size",
            FIND,
            ROLES,
            format!("{CHUNKED}ffffffffffffffff\r\n{{}}"),
            8,
        ),
    ]
}

fn endless_interim_responses() -> Vec<Case> {
    vec![
        Case::new(
            "endless 100 Continue responses",
            FIND,
            ROLES,
            endless("", "HTTP/1.1 100 Continue\r\n\r\n".repeat(500)),
            8,
        )
        .with(&["--timeout", "700ms"]),
        Case::new(
            "endless 103 Early Hints responses",
            FIND,
            SIGN_IN,
            endless(
                "",
                "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(500),
            ),
            8,
        )
        .with(&["--timeout", "700ms"]),
    ]
}

#[test]
fn endless_heads() {
    run_all(
        [
            long_headers(),
            endless_headers(),
            endless_chunk_sizes_and_trailers(),
            endless_interim_responses(),
        ]
        .into_iter()
        .flatten(),
    );
}
