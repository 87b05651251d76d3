//! Services that do not provide this API (docs/manager-api.md, "Other key services") are recognized before anything is sent to them.

use swp_keys::sandbox::Settings;

use crate::support::proxy::Proxy;
use crate::support::{Home, TestEnv, contains};

const PAGE: &str = "Server & Workload Protection > Administration > User Management > API Keys";

#[test]
fn other_services_of_the_vendor_get_no_password() {
    for (url, region) in [
        (
            "https://accounts.cloudone.trendmicro.com/api",
            "Cloud One console",
        ),
        ("accounts.us-1.cloudone.trendmicro.com", "Cloud One console"),
        ("https://api.xdr.trendmicro.com", "us-1"),
        ("https://api.eu.xdr.trendmicro.com/v3.0", "de-1"),
        ("https://portal.uk.xdr.trendmicro.com", "gb-1"),
        ("https://api.xdr.trendmicro.co.jp", "jp-1"),
        ("https://xdr.trendmicro.co.jp/v3.0", "jp-1"),
        ("https://portal.za.xdr.trendmicro.com", "REGION"),
    ] {
        let mut home = Home::new();
        home.set("SWP_USERNAME", "admin");
        home.set("SWP_PASSWORD", "hunter2");
        for command in [
            &["create", "--role", "Auditor"][..],
            &["list-roles"],
            &["login"],
        ] {
            let result = home.run(command.iter().chain(&["--url", url]));
            contains(result.failure(2), &["--url", region]);
            if url.contains("xdr") {
                let manager = format!("https://workload.{region}.cloudone.trendmicro.com");
                contains(&result.stderr, &[&manager, PAGE]);
            } else {
                contains(&result.stderr, &["workload.REGION.cloudone.trendmicro.com"]);
            }
        }
        home.set("SWP_URL", url);
        let error = home.run(["list-roles", "-o", "json"]).json_error(2);
        contains(error["message"].as_str().unwrap_or_default(), &["SWP_URL"]);
    }
}

/// Current accounts of the service cannot sign in with a password, so the hint names the page that creates a key.
#[test]
fn a_rejected_sign_in_names_the_page_for_keys() {
    let mut env = TestEnv::new();
    let proxy = Proxy::to(env.sandbox.address());
    env.home.unset("SWP_CA_CERT");
    let password = env.home.write_secret("password", "wrong");
    env.home.set("SWP_PASSWORD_FILE", password);
    let url = "https://workload.us-1.cloudone.trendmicro.com";
    let flags = ["--url", url, "--proxy", &proxy.url(), "--insecure"];
    let result = env.run(["list-roles"].iter().chain(&flags));
    contains(result.failure(4), &[PAGE, "`--api-key-file`"]);
}

/// Sending a manager's key in the header of Cloud One is a common mistake (docs/manager-api.md, "Authentication").
#[test]
fn a_key_in_the_wrong_header_is_reported_with_the_scheme() {
    let mut env = TestEnv::with(Settings::default());
    let key = env.sandbox.add_key("mine", 1);
    env.use_key(&key.secret);
    let result = env.run(["list-roles", "--api-key-scheme", "cloud-one"]);
    contains(result.failure(4), &["`--api-key-scheme`"]);
    env.run(["list-roles", "--api-key-scheme", "auto"])
        .success();
}
