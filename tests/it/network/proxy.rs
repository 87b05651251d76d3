//! Proxies: the run uses CONNECT only and sends nothing unencrypted. Also covers which proxy is used, and errors of proxies.

use swp_keys::sandbox::{CertificateKind, Settings};

use crate::support::proxy::{Proxy, ReservedPort};
use crate::support::scripted_server::{Certificate, Recording, ScriptedServer};
use crate::support::{RunResult, TestEnv, contains};

/// Returns the secrets of a run that created a key.
fn secrets_of(env: &TestEnv) -> Vec<String> {
    let mut secrets = vec![Settings::DEFAULT_PASSWORD.to_owned()];
    for request in env.sandbox.requests() {
        let headers = ["cookie", "rid"].map(|name| request.header(name).map(str::to_owned));
        secrets.extend(headers.into_iter().flatten());
    }
    secrets.extend(env.sandbox.api_keys().into_iter().map(|key| key.secret));
    secrets
}

#[track_caller]
fn assert_not_overheard(heard: &Recording, secrets: &[String]) {
    assert!(secrets.len() > 3, "{secrets:?}");
    for secret in secrets {
        assert!(!heard.holds(secret), "the proxy overheard `{secret}`");
    }
}

#[test]
fn a_proxy_host_that_is_not_ascii_is_rejected_with_its_ascii_form() {
    let env = TestEnv::new();
    for proxy in ["http://BÜCHER:3128", "faß:3128", "http://a:b@B%C3%9C:3128"] {
        contains(
            env.run(["find-role", "Auditor", "--proxy", proxy])
                .failure(2),
            &["--proxy", "xn--"],
        );
    }
    assert_eq!(env.sandbox.requests(), []);
}

#[test]
fn all_traffic_goes_through_the_proxy_encrypted() {
    let env = TestEnv::new();
    let proxy = Proxy::to(env.sandbox.address());
    let result = env.run(["create", "--role", "Auditor", "--proxy", &proxy.url()]);
    assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
    let connect = format!("CONNECT {} HTTP/1.1\r\n", env.sandbox.address());
    assert_eq!(proxy.heads().len(), 1, "one tunnel for the whole run");
    assert!(
        proxy.heads()[0].starts_with(&connect),
        "{:?}",
        proxy.heads()
    );
    assert_eq!(env.sandbox.connections().tcp, 1);
    assert!(proxy.recording().holds("CONNECT"), "the recording works");
    assert_not_overheard(proxy.recording(), &secrets_of(&env));
}

/// Returns an environment whose manager has a certificate for a name that only the proxy can resolve.
fn behind_a_proxy() -> TestEnv {
    let mut env = TestEnv::with(Settings {
        certificate: CertificateKind::WrongName,
        ..Settings::default()
    });
    env.home.set("SWP_URL", "https://dsm.example.com:4119");
    env
}

#[test]
fn the_environments_proxy_resolves_the_managers_name() {
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let mut env = behind_a_proxy();
        let proxy = Proxy::to(env.sandbox.address());
        env.home.set(variable, proxy.url());
        let result = env.run(["create", "--role", "Auditor"]);
        assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
        let head = proxy.heads().concat();
        assert!(head.starts_with("CONNECT dsm.example.com:4119 "), "{head}");
        assert_not_overheard(proxy.recording(), &secrets_of(&env));
    }
}

#[test]
fn the_certificate_is_checked_through_a_proxy() {
    let mut env = behind_a_proxy();
    let proxy = Proxy::to(env.sandbox.address());
    env.home.set("HTTPS_PROXY", proxy.url());
    env.home.set("SWP_URL", "https://manager.example.org");
    let result = env.run(["create", "--role", "Auditor"]);
    contains(
        result.failure(7),
        &["manager.example.org:443", "dsm.example.com"],
    );
    let other = Certificate::marked_as_ca("elsewhere.example.com", 2020, 2100);
    let other = env.home.write("other.pem", &other.pem);
    env.home.set("SWP_CA_CERT", other);
    let result = env.run(["create", "--role", "Auditor"]);
    contains(result.failure(7), &["self-signed"]);
    assert_eq!(env.sandbox.requests(), [], "nothing was sent");
}

#[test]
fn loopback_is_not_reached_through_the_environments_proxy() {
    let mut env = TestEnv::new();
    let proxy = Proxy::to(env.sandbox.address());
    env.home.set("HTTPS_PROXY", proxy.url());
    env.home.set("ALL_PROXY", proxy.url());
    let localhost = format!("https://localhost:{}", env.sandbox.address().port());
    for url in [env.sandbox.url(), localhost] {
        assert_eq!(
            env.run(["find-role", "Auditor", "--url", &url]).success(),
            "2"
        );
    }
    assert_eq!(proxy.heads(), [""; 0]);
}

#[test]
fn no_proxy_bypasses_the_proxy() {
    let nobody = Proxy::answering("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    for (list, passes) in [
        ("127.0.0.1", true),
        ("dsm.example.com, 127.0.0.0/8", true),
        ("*", true),
        ("dsm.example.com,10.0.0.0/8", false),
    ] {
        for variable in ["NO_PROXY", "no_proxy"] {
            let mut env = TestEnv::new();
            env.home.set(variable, list);
            let result = env.run(["find-role", "Auditor", "--proxy", &nobody.url()]);
            match passes {
                true => assert_eq!(result.success(), "2", "{list}"),
                false => drop(result.failure(8)),
            }
        }
    }
    let mut env = behind_a_proxy();
    let proxy = Proxy::to(env.sandbox.address());
    env.home.set("HTTPS_PROXY", proxy.url());
    // Nothing resolves this name (RFC 6761), so a run that bypasses the proxy fails.
    env.home.set("SWP_URL", "https://dsm.invalid:4119");
    env.home.set("NO_PROXY", ".invalid");
    env.run(["find-role", "Auditor"]).failure(8);
    assert_eq!(proxy.heads(), [""; 0]);
}

#[test]
fn a_proxy_flag_takes_precedence_over_the_environment() {
    let mut env = behind_a_proxy();
    let (named, other) = (
        Proxy::to(env.sandbox.address()),
        Proxy::to(env.sandbox.address()),
    );
    env.home.set("HTTPS_PROXY", other.url());
    let result = env.run(["find-role", "Auditor", "--proxy", &named.url()]);
    assert_eq!(result.success(), "2");
    assert_eq!((named.heads().len(), other.heads().len()), (1, 0));
}

#[test]
fn a_proxy_gets_its_own_credentials_and_they_are_never_printed() {
    let env = TestEnv::new();
    let proxy = Proxy::to(env.sandbox.address());
    let url = proxy.url_with("proxyuser", "proxypass");
    let result = env.run(["create", "--role", "Auditor", "-vv", "--proxy", &url]);
    result.success();
    // base64 of proxyuser:proxypass
    let expected = "proxy-authorization: basic chjvehl1c2vyonbyb3h5cgfzcw==";
    assert!(
        proxy.heads()[0].to_lowercase().contains(expected),
        "{:?}",
        proxy.heads()
    );
    hides_credentials(&result);
    for request in env.sandbox.requests() {
        assert_eq!(request.header("proxy-authorization"), None);
    }
}

#[track_caller]
fn hides_credentials(result: &RunResult) {
    for secret in ["proxyuser", "proxypass", "cHJveHl1c2VyOnByb3h5cGFzcw"] {
        assert!(!result.stderr.contains(secret), "{}", result.stderr);
    }
}

#[test]
fn a_rejection_by_a_proxy_is_reported_with_its_status_and_message() {
    let env = TestEnv::new();
    let manager = env.sandbox.address().to_string();
    for (answer, words) in [
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
            &["HTTP 403", "Forbidden"][..],
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html><head><title>Denied \u{1b}[31m by rule 7</title></head></html>",
            &["HTTP 403", "Denied \\u{1b}[31m by rule 7"],
        ),
        (
            "HTTP/1.1 403 Forbidden\r\n\r\nproxyuser with proxypass may not do that",
            &["HTTP 403", "[secret] with [secret] may not do that"],
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 8\r\n\r\nno route",
            &["HTTP 502", "Bad Gateway", "no route"],
        ),
        ("hello\r\n\r\n", &["HTTP"]),
        ("", &["unexpected end of file"]),
    ] {
        let proxy = Proxy::answering(answer);
        let url = proxy.url_with("proxyuser", "proxypass");
        let result = env.run(["create", "--role", "Auditor", "-vv", "--proxy", &url]);
        contains(result.failure(8), &[&proxy.url(), "`--proxy`", "NO_PROXY"]);
        contains(&result.stderr, words);
        if words[0].starts_with("HTTP ") {
            contains(&result.stderr, &[&manager]);
        }
        hides_credentials(&result);
    }
    assert_eq!(env.sandbox.connections().tcp, 0);
}

#[test]
fn a_wrong_proxy_password_is_sent_only_once() {
    let wants = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 12\r\n\r\nsign in here";
    let ntlm = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n";
    let echo =
        "HTTP/1.1 407 No\r\nProxy-Authenticate: proxypass\r\nProxy-Authenticate: `curl`\r\n\r\n";
    for (answer, with_password, words) in [
        (wants, true, &["`HTTPS_PROXY`", "sign in here"][..]),
        (
            wants,
            false,
            &["http://USER:PASSWORD@HOST:PORT", "sign in here"],
        ),
        (ntlm, true, &["negotiate, ntlm", "Basic"]),
        (echo, true, &["[secret]", "Basic"]),
    ] {
        let proxy = Proxy::answering(answer);
        let mut env = TestEnv::new();
        env.home.set("SWP_URL", "https://dsm.invalid:4119");
        env.home.set(
            "HTTPS_PROXY",
            match with_password {
                true => proxy.url_with("proxyuser", "proxypass"),
                false => proxy.url(),
            },
        );
        let result = env.run(["create", "--role", "Auditor", "-vv"]);
        contains(
            result.failure(8),
            &["HTTP 407", &proxy.url(), "`HTTPS_PROXY`"],
        );
        contains(&result.stderr, words);
        assert!(!result.stderr.contains("curl"), "{}", result.stderr);
        hides_credentials(&result);
        let heads = proxy.heads();
        let sent = heads
            .iter()
            .filter(|head| head.to_lowercase().contains("proxy-authorization"));
        assert_eq!(sent.count(), usize::from(with_password), "{heads:?}");
    }
}

#[test]
fn a_proxy_without_tls_is_reported() {
    let env = TestEnv::new();
    let plain = ScriptedServer::answering(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let url = plain.url();
    let result = env.run(["find-role", "Auditor", "--proxy", &url]);
    contains(result.failure(7), &["TLS", &url, "http"]);
}

#[test]
fn a_proxy_that_times_out_is_reported() {
    let silent = ScriptedServer::silent();
    let env = TestEnv::new();
    let url = format!("http://{}", silent.address());
    let result = env.run([
        "find-role",
        "Auditor",
        "--proxy",
        &url,
        "--connect-timeout",
        "200ms",
    ]);
    contains(result.failure(8), &[&url, "`--proxy`", "--connect-timeout"]);
    let result = env.run([
        "find-role",
        "Auditor",
        "--proxy",
        "http://proxy.invalid:3128",
    ]);
    contains(
        result.failure(8),
        &["http://proxy.invalid:3128", "`--proxy`"],
    );
}

#[test]
fn an_unreachable_proxy_is_reported() {
    let env = TestEnv::new();
    let port = ReservedPort::new();
    let url = format!("http://proxyuser:proxypass@{}", port.address());
    let result = env.run([
        "create",
        "--role",
        "Auditor",
        "--retries",
        "0",
        "--proxy",
        &url,
    ]);
    let named = format!("http://{}", port.address());
    contains(result.failure(8), &[&named, "`--proxy`", "NO_PROXY"]);
    hides_credentials(&result);
    assert_eq!(env.sandbox.connections().tcp, 0);
}

#[test]
fn an_invalid_proxy_address_is_a_usage_error_and_not_repeated() {
    let env = TestEnv::new();
    let result = env.run([
        "find-role",
        "Auditor",
        "--proxy",
        "http://proxyuser:proxypass@",
    ]);
    contains(result.failure(2), &["`--proxy`"]);
    hides_credentials(&result);
    assert_eq!(env.sandbox.connections().tcp, 0);
}
