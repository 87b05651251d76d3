//! Which proxy counts: flag, profile and variables are read alike, what is shown is what is used, and what cannot be used stops the run.

use crate::support::profiles::configure;
use crate::support::proxy::Proxy;
use crate::support::{World, contains};

/// A manager with a name that nothing resolves (RFC 6761): only a proxy leads to it.
const BEHIND: &str = "https://dsm.invalid:4119";

/// Addresses of a proxy that cannot be used, each with `hunter2` in it.
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
fn a_proxy_that_cannot_be_used_stops_the_run_before_it_connects() {
    for proxy in UNUSABLE {
        for source in [
            "--proxy",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            let mut world = World::new();
            // It would be reached directly, which no run may do.
            let ran = if source == "--proxy" {
                world.run(["find-role", "Auditor", "--proxy", proxy])
            } else {
                world.home.set(source, proxy);
                world.run(["find-role", "Auditor", "--url", BEHIND])
            };
            contains(ran.failure(2), &[&format!("`{source}`")]);
            assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
            assert_eq!(world.sandbox.connections().tcp, 0, "{source} {proxy:?}");
            if source == "HTTPS_PROXY" {
                let shown = world.run(["config", "show", "--url", BEHIND]);
                contains(shown.failure(2), &["`HTTPS_PROXY`"]);
                assert!(!shown.stderr.contains("hunter2"), "{}", shown.stderr);
            }
        }
    }
}

#[test]
fn a_password_with_reserved_characters_is_to_be_percent_encoded() {
    for password in ["p@ss", "p:ss", "p/ss", "p#ss", "p?ss"] {
        let mut world = World::new();
        let proxy = format!("http://user:{password}@127.0.0.1:1");
        let typed = world.run(["find-role", "Auditor", "--proxy", &proxy]);
        world.home.set("HTTPS_PROXY", &proxy);
        let set = world.run(["find-role", "Auditor", "--url", BEHIND]);
        for ran in [typed, set] {
            contains(ran.failure(2), &["percent-encode", "%40"]);
            assert!(!ran.stderr.contains(password), "{}", ran.stderr);
        }
    }
}

#[test]
fn a_percent_encoded_password_arrives_the_same_by_flag_and_variable() {
    let world = World::new();
    let proxy = Proxy::to(world.sandbox.address());
    let mut behind = World::new();
    behind
        .home
        .set("SWP_CA_CERT", world.home.path("manager.pem"));
    // base64 of proxyuser:p@ss:w/rd%!$&'()*+,;=
    let wanted = "proxy-authorization: basic chjvehl1c2vyonbac3m6dy9yzcuhjcynkckqkyw7pq==";
    let url = proxy.url_with("proxyuser", "p%40ss%3Aw%2Frd%25!$&'()*+,;=");
    world
        .run(["find-role", "Auditor", "--proxy", &url])
        .success();
    behind.home.set("HTTPS_PROXY", &url);
    behind
        .run(["find-role", "Auditor", "--url", BEHIND])
        .failure(7);
    let heads = proxy.heads();
    assert_eq!(heads.len(), 2, "{heads:?}");
    for head in heads {
        contains(&head.to_lowercase(), &[wanted]);
    }
}

#[test]
fn an_empty_variable_does_not_hide_the_one_in_small_letters() {
    for (empty, set) in [
        ("HTTPS_PROXY", "https_proxy"),
        ("HTTPS_PROXY", "ALL_PROXY"),
        ("ALL_PROXY", "all_proxy"),
    ] {
        for blank in ["", " "] {
            let mut world = World::new();
            let proxy = Proxy::answering("HTTP/1.1 403 Forbidden\r\n\r\n");
            world.home.set(empty, blank);
            world.home.set(set, proxy.url());
            let ran = world.run(["find-role", "Auditor", "--url", BEHIND]);
            contains(ran.failure(8), &[&format!("(`{set}`)")]);
            assert!(!proxy.heads().is_empty());
        }
    }
}

#[test]
fn an_empty_no_proxy_does_not_hide_the_one_in_small_letters() {
    let mut world = World::new();
    let proxy = Proxy::answering("HTTP/1.1 403 Forbidden\r\n\r\n");
    world.home.set("NO_PROXY", "");
    world.home.set("no_proxy", "127.0.0.1");
    let ran = world.run(["find-role", "Auditor", "--proxy", &proxy.url()]);
    assert_eq!(ran.success(), "2");
    assert_eq!(proxy.heads(), [""; 0]);
}

#[test]
fn no_proxy_knows_patterns_ports_and_networks() {
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
        let mut world = World::new();
        world.home.set("HTTPS_PROXY", proxy.url());
        world.home.set("NO_PROXY", list);
        let before = proxy.heads().len();
        let shown = world
            .run(["config", "show", "--url", url, "-o", "json"])
            .json();
        let shown = &shown["settings"]["proxy"];
        assert_eq!(shown["value"].is_null(), direct, "{list}: {shown}");
        let by = if direct { "NO_PROXY" } else { "HTTPS_PROXY" };
        assert_eq!(shown["source"]["name"], by, "{list}: {shown}");
        let ran = world.run([
            "find-role",
            "Auditor",
            "--url",
            url,
            "--connect-timeout",
            "300ms",
            "--retries",
            "0",
        ]);
        ran.failure(8);
        assert_eq!(proxy.heads().len() == before, direct, "{list}");
        assert_eq!(
            ran.stderr.contains("the proxy http"),
            !direct,
            "{list}: {}",
            ran.stderr
        );
    }
}

#[test]
fn what_is_shown_is_what_is_used() {
    let mut world = World::new();
    let proxy = Proxy::to(world.sandbox.address());
    world
        .home
        .set("HTTPS_PROXY", proxy.url_with("proxyuser", "proxypass"));
    let shown = |world: &World, url: &str, more: &[&str]| {
        let arguments = ["config", "show", "-o", "json", "--url", url];
        let ran = world.run(arguments.iter().chain(more));
        assert!(!ran.stdout.contains("proxyuser"), "{}", ran.stdout);
        ran.json()["settings"]["proxy"].clone()
    };
    let wanted = serde_json::json!({"value": proxy.url(), "source": {"kind": "variable", "name": "HTTPS_PROXY"}});
    assert_eq!(shown(&world, BEHIND, &[]), wanted);
    // This machine itself is not reached through it.
    let own = world.sandbox.url();
    let none = serde_json::json!({"value": null, "source": null});
    assert_eq!(shown(&world, &own, &[]), none);
    let who = world.run(["whoami", "-o", "json"]).json();
    assert!(!who.to_string().contains(&proxy.url()), "{who}");
    assert_eq!(proxy.heads(), [""; 0]);
    // An empty flag means none, as curl has it.
    assert_eq!(shown(&world, BEHIND, &["--proxy", ""]), none);
    let who = world
        .run(["whoami", "--proxy", &proxy.url(), "-o", "json"])
        .json();
    contains(&who.to_string(), &[&proxy.url(), "--proxy"]);
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn a_profile_names_a_proxy_as_a_flag_does() {
    for (proxy, part) in [
        ("socks5://proxy:1080", "SOCKS"),
        ("htpp://proxy:3128", "neither http nor https"),
        ("http://", "host"),
        ("http://proxy:3128 ", "blanks"),
        ("http://user:hunter2@proxy:3128", "HTTPS_PROXY"),
        ("http://user:hunter2#x@proxy:3128", "reserved"),
    ] {
        let mut world = World::new();
        configure(
            &mut world.home,
            &format!("[profiles.p]\nproxy = \"{proxy}\"\n"),
        );
        let ran = world.run(["find-role", "Auditor", "--profile", "p"]);
        contains(ran.failure(2), &["config.toml:2:9: `proxy`", part]);
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
        assert_eq!(world.sandbox.connections().tcp, 0);
    }
    let mut world = World::new();
    let proxy = Proxy::to(world.sandbox.address());
    configure(
        &mut world.home,
        &format!("[profiles.p]\nproxy = \"{}\"\n", proxy.url()),
    );
    let ran = world.run(["find-role", "Auditor", "--profile", "p"]);
    assert_eq!(ran.success(), "2");
    assert_eq!(proxy.heads().len(), 1);
}

/// What the machine's variables hold concerns only what connects through them.
#[test]
fn a_variable_that_cannot_be_used_matters_only_where_it_counts() {
    let mut world = World::new();
    world.home.set("HTTPS_PROXY", "socks5://127.0.0.1:1");
    assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
    world.run(["completions", "bash"]).success();
    world.home.set("SWP_URL", BEHIND);
    world.run(["completions", "bash"]).success();
    world.run(["trust", "list"]).success();
    contains(
        world.run(["trust", "show"]).failure(2),
        &["`HTTPS_PROXY`", "SOCKS"],
    );
    contains(
        world.run(["trust", "show", "other.invalid"]).failure(2),
        &["`HTTPS_PROXY`"],
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_named() {
    use std::os::unix::ffi::OsStringExt as _;
    let latin = || std::ffi::OsString::from_vec(b"http://b\xfccher:3128".to_vec());
    let mut world = World::new();
    world.home.set("SWP_URL", BEHIND);
    world.home.set("https_proxy", latin());
    contains(
        world.run(["list-roles"]).failure(2),
        &["`https_proxy`", "UTF-8"],
    );
    world.home.set("https_proxy", "http://127.0.0.1:1");
    world.home.set("no_proxy", latin());
    contains(
        world.run(["list-roles"]).failure(2),
        &["`no_proxy`", "UTF-8"],
    );
}
