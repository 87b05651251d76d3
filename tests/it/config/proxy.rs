//! The proxy settings: flags, profiles and variables accept the same values, `whoami` shows the proxy that is used, and an invalid proxy stops the
//! run.

use crate::support::profiles::configure;
use crate::support::proxy::Proxy;
use crate::support::snapshot::snapshot;
use crate::support::{TestEnv, contains};

/// A host name that nothing resolves (RFC 6761), so that it is reachable only through a proxy.
const BEHIND: &str = "https://dsm.invalid:4119";

/// Invalid proxy addresses. Each contains `hunter2`.
const UNUSABLE: [&str; 20] = [
    "htpp://user:hunter2@127.0.0.1:1",
    "tcp://user:hunter2@127.0.0.1:1",
    "socks5://user:hunter2@127.0.0.1:1",
    "socks5h://hunter2:1080",
    "\"http://user:hunter2@127.0.0.1:1\"",
    "'http://user:hunter2@127.0.0.1:1'",
    "http://user:hunter2@127.0.0.1:1\r",
    "http://user:hunter2@127.0.0.1:1 ",
    "http://user:hunter2@",
    "http://user:hunter2@:3128",
    "http://user:hunter2@127.0.0.1:hunter2",
    "http://user:hunter2@pro xy:1",
    "http://user:hunter2@b\u{fc}cher:1",
    "http://user:hunter2@${PROXY}:1",
    "http://user:hunter2@p@127.0.0.1:1",
    "http://user:hun:hunter2@127.0.0.1:1",
    "http://user:hunter2/x@127.0.0.1:1",
    "http://user:hunter2#x@127.0.0.1:1",
    "http://user:hunter2%@127.0.0.1:1",
    "http://user:hunter2@127.0.0.1:1/proxy.pac",
];

#[test]
fn an_unusable_proxy_stops_the_run_before_it_connects() {
    for proxy in UNUSABLE {
        for source in [
            "--proxy",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            let mut env = TestEnv::new();
            // If the run ignored the invalid proxy, it would connect to the manager directly.
            let result = if source == "--proxy" {
                env.run(["find-role", "Auditor", "--proxy", proxy])
            } else {
                env.home.set(source, proxy);
                env.run(["find-role", "Auditor", "--url", BEHIND])
            };
            contains(result.failure(2), &[&format!("`{source}`")]);
            assert!(!result.stderr.contains("hunter2"), "{}", result.stderr);
            assert_eq!(env.sandbox.connections().tcp, 0, "{source} {proxy:?}");
            if source == "HTTPS_PROXY" {
                let output = env.run(["config", "show", "--url", BEHIND]);
                contains(output.failure(2), &["`HTTPS_PROXY`"]);
                assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
            }
        }
    }
}

#[test]
fn a_password_with_reserved_characters_must_be_percent_encoded() {
    for password in ["p@ss", "p:ss", "p/ss", "p#ss", "p?ss"] {
        let mut env = TestEnv::new();
        let proxy = format!("http://user:{password}@127.0.0.1:1");
        let typed = env.run(["find-role", "Auditor", "--proxy", &proxy]);
        env.home.set("HTTPS_PROXY", &proxy);
        let set = env.run(["find-role", "Auditor", "--url", BEHIND]);
        for result in [typed, set] {
            contains(result.failure(2), &["percent-encode", "%40"]);
            assert!(!result.stderr.contains(password), "{}", result.stderr);
        }
    }
}

#[test]
fn a_percent_encoded_password_is_the_same_in_flag_and_variable() {
    let env = TestEnv::new();
    let proxy = Proxy::to(env.sandbox.address());
    let mut behind = TestEnv::new();
    behind.home.set("SWP_CA_CERT", env.home.path("manager.pem"));
    // base64 of proxyuser:p@ss:w/rd%!$&'()*+,;=
    let expected = "proxy-authorization: basic chjvehl1c2vyonbac3m6dy9yzcuhjcynkckqkyw7pq==";
    let url = proxy.url_with("proxyuser", "p%40ss%3Aw%2Frd%25!$&'()*+,;=");
    env.run(["find-role", "Auditor", "--proxy", &url]).success();
    behind.home.set("HTTPS_PROXY", &url);
    behind
        .run(["find-role", "Auditor", "--url", BEHIND])
        .failure(7);
    let heads = proxy.heads();
    assert_eq!(heads.len(), 2, "{heads:?}");
    for head in heads {
        contains(&head.to_lowercase(), &[expected]);
    }
}

#[test]
fn an_empty_variable_does_not_hide_the_lower_case_one() {
    for (empty, set) in [
        ("HTTPS_PROXY", "https_proxy"),
        ("HTTPS_PROXY", "ALL_PROXY"),
        ("ALL_PROXY", "all_proxy"),
    ] {
        for blank in ["", " "] {
            let mut env = TestEnv::new();
            let proxy = Proxy::answering("HTTP/1.1 403 Forbidden\r\n\r\n");
            env.home.set(empty, blank);
            env.home.set(set, proxy.url());
            let result = env.run(["find-role", "Auditor", "--url", BEHIND]);
            contains(result.failure(8), &[&format!("(`{set}`)")]);
            assert!(!proxy.heads().is_empty());
        }
    }
}

#[test]
fn an_empty_no_proxy_does_not_hide_the_lower_case_one() {
    let mut env = TestEnv::new();
    let proxy = Proxy::answering("HTTP/1.1 403 Forbidden\r\n\r\n");
    env.home.set("NO_PROXY", "");
    env.home.set("no_proxy", "127.0.0.1");
    let result = env.run(["find-role", "Auditor", "--proxy", &proxy.url()]);
    assert_eq!(result.success(), "2");
    assert_eq!(proxy.heads(), [""; 0]);
}

#[test]
fn no_proxy_supports_patterns_ports_and_networks() {
    let proxy = Proxy::answering("HTTP/1.1 403 Forbidden\r\n\r\n");
    for (list, url, direct) in [
        ("*.invalid", BEHIND, true),
        (".invalid", BEHIND, true),
        ("invalid", BEHIND, true),
        ("dsm.invalid:4119", BEHIND, true),
        ("dsm.invalid:443", BEHIND, false),
        ("*.dsm.invalid", BEHIND, false),
        ("localhost dsm.invalid", BEHIND, true),
        ("*", BEHIND, true),
        ("192.0.2.0/24", "https://192.0.2.7:4119", true),
        ("192.0.2.7:443", "https://192.0.2.7:4119", false),
        ("[2001:db8::7]:4119", "https://[2001:db8::7]:4119", true),
    ] {
        let mut env = TestEnv::new();
        env.home.set("HTTPS_PROXY", proxy.url());
        env.home.set("NO_PROXY", list);
        let before = proxy.heads().len();
        let document = env
            .run(["config", "show", "--url", url, "-o", "json"])
            .json();
        let document = &document["settings"]["proxy"];
        assert_eq!(document["value"].is_null(), direct, "{list}: {document}");
        let by = if direct { "NO_PROXY" } else { "HTTPS_PROXY" };
        assert_eq!(document["source"]["name"], by, "{list}: {document}");
        let result = env.run([
            "find-role",
            "Auditor",
            "--url",
            url,
            "--connect-timeout",
            "300ms",
            "--retries",
            "0",
        ]);
        result.failure(8);
        assert_eq!(proxy.heads().len() == before, direct, "{list}");
        assert_eq!(
            result.stderr.contains(&proxy.url()),
            !direct,
            "{list}: {}",
            result.stderr
        );
    }
}

#[test]
fn the_printed_proxy_is_the_one_that_is_used() {
    let mut env = TestEnv::new();
    let proxy = Proxy::to(env.sandbox.address());
    env.home
        .set("HTTPS_PROXY", proxy.url_with("proxyuser", "proxypass"));
    let output = |env: &TestEnv, url: &str, more: &[&str]| {
        let arguments = ["config", "show", "-o", "json", "--url", url];
        let result = env.run(arguments.iter().chain(more));
        assert!(!result.stdout.contains("proxyuser"), "{}", result.stdout);
        result.json()["settings"]["proxy"].clone()
    };
    let expected = serde_json::json!({"value": proxy.url(), "source": {"kind": "variable", "name": "HTTPS_PROXY"}});
    assert_eq!(output(&env, BEHIND, &[]), expected);
    // The proxy does not apply to loopback addresses.
    let own = env.sandbox.url();
    let none = serde_json::json!({"value": null, "source": null});
    assert_eq!(output(&env, &own, &[]), none);
    let who = env.run(["whoami", "-o", "json"]).json();
    assert!(!who.to_string().contains(&proxy.url()), "{who}");
    assert_eq!(proxy.heads(), [""; 0]);
    // An empty flag means no proxy, as in curl.
    assert_eq!(output(&env, BEHIND, &["--proxy", ""]), none);
    let who = env
        .run(["whoami", "--proxy", &proxy.url(), "-o", "json"])
        .json();
    contains(&who.to_string(), &[&proxy.url(), "--proxy"]);
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn a_profile_can_name_a_proxy() {
    for proxy in [
        "socks5://proxy:1080",
        "htpp://proxy:3128",
        "http://",
        "http://proxy:3128 ",
        "http://user:hunter2@proxy:3128",
        "http://user:hunter2#x@proxy:3128",
    ] {
        let mut env = TestEnv::new();
        configure(
            &mut env.home,
            &format!("[profiles.p]\nproxy = \"{proxy}\"\n"),
        );
        let result = env.run(["find-role", "Auditor", "--profile", "p"]);
        contains(result.failure(2), &["config.toml:2:9: `proxy`"]);
        snapshot(&result.stderr);
        assert!(!result.stderr.contains("hunter2"), "{}", result.stderr);
        assert_eq!(env.sandbox.connections().tcp, 0);
    }
    let mut env = TestEnv::new();
    let proxy = Proxy::to(env.sandbox.address());
    configure(
        &mut env.home,
        &format!("[profiles.p]\nproxy = \"{}\"\n", proxy.url()),
    );
    let result = env.run(["find-role", "Auditor", "--profile", "p"]);
    assert_eq!(result.success(), "2");
    assert_eq!(proxy.heads().len(), 1);
}

/// An invalid proxy variable matters only to commands that connect through it.
#[test]
fn an_unusable_variable_matters_only_if_it_applies() {
    let mut env = TestEnv::new();
    env.home.set("HTTPS_PROXY", "socks5://127.0.0.1:1");
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    env.run(["completions", "bash"]).success();
    env.home.set("SWP_URL", BEHIND);
    env.run(["completions", "bash"]).success();
    env.run(["trust", "list"]).success();
    contains(
        env.run(["trust", "show"]).failure(2),
        &["`HTTPS_PROXY`", "SOCKS"],
    );
    contains(
        env.run(["trust", "show", "other.invalid"]).failure(2),
        &["`HTTPS_PROXY`"],
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_named() {
    use std::os::unix::ffi::OsStringExt as _;
    let latin = || std::ffi::OsString::from_vec(b"http://b\xfccher:3128".to_vec());
    let mut env = TestEnv::new();
    env.home.set("SWP_URL", BEHIND);
    env.home.set("https_proxy", latin());
    contains(
        env.run(["list-roles"]).failure(2),
        &["`https_proxy`", "UTF-8"],
    );
    env.home.set("https_proxy", "http://127.0.0.1:1");
    env.home.set("no_proxy", latin());
    contains(env.run(["list-roles"]).failure(2), &["`no_proxy`", "UTF-8"]);
}
