//! Invalid addresses of a manager are usage errors. The error names the source of the address and suggests a valid address.

use crate::support::profiles::configure;
use crate::support::scripted_server::ScriptedServer;
use crate::support::wording::MAY_HAVE_COUNTED;
use crate::support::{TestEnv, contains};

/// Invalid addresses, and the address that the error suggests.
const WRONG: [(&str, &str); 24] = [
    ("\"https://dsm.invalid:4119\"", "https://dsm.invalid:4119"),
    ("'https://dsm.invalid:4119'", "https://dsm.invalid:4119"),
    ("\"dsm.invalid\"", "https://dsm.invalid:4119"),
    ("https://dsm.invalid:4119\r", "https://dsm.invalid:4119"),
    (" https://dsm.invalid:4119", "https://dsm.invalid:4119"),
    ("\"https://dsm.invalid:4119\"\r", "https://dsm.invalid:4119"),
    (
        "https://dsm.invalid:4119/SignIn.screen",
        "https://dsm.invalid:4119",
    ),
    ("dsm.invalid:4119/SignIn.screen", "https://dsm.invalid:4119"),
    (
        "https://gate.invalid/dsm/SignIn.screen?x=1#y",
        "https://gate.invalid/dsm",
    ),
    (
        "https://dsm.invalid:4119/Application.screen#overview",
        "https://dsm.invalid:4119",
    ),
    (
        "https://dsm.invalid:4119/#computers",
        "https://dsm.invalid:4119",
    ),
    (
        "https://dsm.invalid:4119/?tenant=x",
        "https://dsm.invalid:4119",
    ),
    (
        "https://dsm.invalid:4119/api/apikeys",
        "https://dsm.invalid:4119",
    ),
    (
        "https://dsm.invalid:4119/rest/authentication/login",
        "https://dsm.invalid:4119",
    ),
    (
        "https://dsm.invalid:4119/webservice/Manager?WSDL",
        "https://dsm.invalid:4119",
    ),
    ("http://dsm.invalid:4119", "https://dsm.invalid:4119"),
    ("https:dsm.invalid:4119", "https://dsm.invalid:4119"),
    ("https://${DSM_HOST}:4119", "https://dsm.example.com:4119"),
    ("https://$DSM_HOST:4119", "https://dsm.example.com:4119"),
    ("https://%DSM_HOST%:4119", "https://dsm.example.com:4119"),
    ("https://<host>:4119", "https://dsm.example.com:4119"),
    (
        "https://https://dsm.invalid:4119",
        "https://dsm.example.com:4119",
    ),
    ("4119", "https://dsm.example.com:4119"),
    ("https://dsm..invalid:4119", "https://dsm.example.com:4119"),
];

#[test]
fn an_invalid_address_is_rejected_with_a_valid_one() {
    for (wrong, right) in WRONG {
        let mut env = TestEnv::new();
        // `--wait` has no effect, because the address stays invalid.
        let list = ["list-roles", "--wait", "5m"];
        let typed = env.run(list.iter().chain(&["--url", wrong]));
        contains(typed.failure(2), &["`--url`", "hint: ", right]);
        env.home.set("SWP_URL", wrong);
        let set = env.run(list);
        contains(set.failure(2), &["`SWP_URL`", "hint: ", right]);
        let end = set.stderr.trim_end().rsplit(' ').next().unwrap_or_default();
        assert_eq!(end, right, "{wrong}: {}", set.stderr);
        env.home.unset("SWP_URL");
        for command in ["show", "add", "remove"] {
            let result = env.run(["trust", command, wrong]);
            contains(result.failure(2), &["HOST", right]);
        }
        let quoted = serde_json::to_string(wrong).expect("a text");
        configure(&mut env.home, &format!("[profiles.p]\nurl = {quoted}\n"));
        // No message repeats text from a file, so the hint has an example and no correction.
        let example = "https://dsm.example.com:4119";
        let named = env.run(["list-roles", "--profile", "p"]);
        contains(
            named.failure(2),
            &["config.toml:2:7: `url`", "hint: ", example],
        );
        let checked = env.run(["config", "check"]);
        contains(checked.failure(2), &["`url`", example]);
        assert_eq!(env.sandbox.connections().tcp, 0, "{wrong}");
    }
}

#[test]
fn http_to_an_https_port_is_reported() {
    let mut env = TestEnv::new();
    let address = env.sandbox.address();
    env.home.set("SWP_URL", format!("http://{address}"));
    let result = env.run(["find-role", "Auditor"]);
    contains(result.failure(2), &["https", &format!("https://{address}")]);
    assert!(
        !result.stderr.contains(MAY_HAVE_COUNTED),
        "{}",
        result.stderr
    );
    // The error pages of Tomcat and nginx.
    for page in [
        "Bad Request\r\nThis combination of host and port requires TLS.\r\n",
        "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
    ] {
        let page: &'static str = page;
        let server = ScriptedServer::start(move |mut stream| {
            use std::io::{Read as _, Write as _};
            let _ = stream.read(&mut [0; 4096]);
            let length = page.len();
            let _ = write!(
                stream,
                "HTTP/1.1 400 \r\nContent-Length: {length}\r\n\r\n{page}"
            );
        });
        let address = server.address();
        env.home.set("SWP_URL", format!("http://{address}"));
        let result = env.run(["find-role", "Auditor"]);
        contains(result.failure(2), &["https", &format!("https://{address}")]);
    }
}

/// The manager listens on port 4119, but an address without a port means 443.
#[test]
fn a_missing_port_is_suggested_if_the_connection_fails() {
    let mut env = TestEnv::new();
    // This address is reserved for documentation, so no server responds there. The connection is refused or times out.
    for url in ["https://127.0.0.1", "https://192.0.2.7"] {
        if url.ends_with(".1") && std::net::TcpStream::connect("127.0.0.1:443").is_ok() {
            continue;
        }
        env.home.set("SWP_URL", url);
        let result = env.run([
            "find-role",
            "Auditor",
            "--retries",
            "0",
            "--connect-timeout",
            "300ms",
        ]);
        contains(result.failure(8), &[&format!("{url}:4119"), "443"]);
    }
}
