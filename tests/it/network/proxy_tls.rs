//! Certificates of proxies, and proxies that intercept TLS.

use crate::support::proxy::Proxy;
use crate::support::scripted_server::{Certificate, Recording, ScriptedServer};
use crate::support::{TestEnv, contains};

#[test]
fn an_intercepting_proxy_is_detected() {
    let env = TestEnv::new();
    let heard = Recording::default();
    let reader = Certificate::marked_as_ca("127.0.0.1", 2020, 2100);
    let reader = ScriptedServer::tls(&reader, heard.clone());
    let proxy = Proxy::to(reader.address());
    let result = env.run(["create", "--role", "Auditor", "--proxy", &proxy.url()]);
    contains(result.failure(7), &["self-signed"]);
    assert_eq!(heard.bytes(), b"");
}

/// Returns a second sandbox that acts as a TLS proxy, its address, and a file with its certificate.
fn over_tls() -> (TestEnv, String, std::path::PathBuf) {
    let proxy = TestEnv::new();
    let url = format!("https://127.0.0.1:{}", proxy.sandbox.address().port());
    let roots = proxy.home.path("proxy-ca.pem");
    std::fs::write(&roots, proxy.sandbox.certificate_pem()).expect("the roots");
    (proxy, url, roots)
}

#[test]
fn a_proxys_certificate_is_never_accepted_as_the_managers() {
    let (_proxy, proxy_url, _) = over_tls();
    let mut env = TestEnv::new();
    env.home.unset("SWP_CA_CERT");
    let none = env.home.write("no-roots.pem", "");
    env.home.set("SSL_CERT_FILE", none);
    env.home.set("SWP_CONFIG_DIR", env.home.path("config"));
    let port = env.sandbox.address().port();
    env.home.set("SWP_URL", format!("https://localhost:{port}"));
    for command in [
        &["trust", "show"][..],
        &["trust", "add", "--tls-accept-new"],
        &["find-role", "Auditor", "--tls-accept-new"],
        &["find-role", "Auditor", "--insecure"],
    ] {
        let result = env.run(command.iter().copied().chain(["--proxy", &proxy_url]));
        contains(
            result.failure(7),
            &[&proxy_url, "`--proxy`", "SSL_CERT_FILE"],
        );
    }
    assert!(!env.home.path("config/trusted.toml").exists());
    assert_eq!(env.sandbox.connections().tcp, 0);
}

#[test]
fn the_system_roots_verify_a_proxy_and_the_pin_verifies_the_manager() {
    let (proxy, proxy_url, roots) = over_tls();
    let mut env = TestEnv::new();
    env.home.unset("SWP_CA_CERT");
    env.home.set("SSL_CERT_FILE", roots);
    let port = env.sandbox.address().port();
    env.home.set("SWP_URL", format!("https://localhost:{port}"));
    let pin = format!("sha256:{}", "ab".repeat(32));
    let result = env.run([
        "find-role",
        "Auditor",
        "--tls-pin",
        &pin,
        "--proxy",
        &proxy_url,
    ]);
    // The sandbox that acts as the proxy does not support CONNECT.
    contains(
        result.failure(8),
        &[&proxy_url, "--proxy", "HTTP 404", "Not Found"],
    );
    assert!(proxy.sandbox.connections().tcp > 0);
    assert_eq!(env.sandbox.connections().tcp, 0);
}
