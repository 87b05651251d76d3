//! Tests for the parser of addresses.

use super::Address;

fn shown(text: &str) -> String {
    Address::parse(text).map_or_else(
        |error| format!("error: {error}"),
        |address| address.to_string(),
    )
}

#[test]
fn a_bare_host_means_https_and_4119() {
    assert_eq!(shown("dsm.example.com"), "https://dsm.example.com:4119");
    assert_eq!(
        shown("dsm.example.com/api/"),
        "https://dsm.example.com:4119"
    );
    assert_eq!(shown("dsm.example.com:443"), "https://dsm.example.com");
    assert_eq!(shown("10.0.0.7"), "https://10.0.0.7:4119");
    assert_eq!(shown("::1"), "https://[::1]:4119");
    assert_eq!(shown("[::1]:8443"), "https://[::1]:8443");
}

#[test]
fn quotes_before_a_removed_ending_are_an_error() {
    for text in [
        "dsm'/",
        "https://dsm/x'/",
        "https://dsm/x'/api",
        "dsm/x'///api//",
    ] {
        assert!(
            shown(text).starts_with("error: "),
            "{text}: {}",
            shown(text)
        );
    }
}

#[test]
fn a_full_address_keeps_its_port_and_prefix() {
    assert_eq!(
        shown("https://workload.us-1.cloudone.trendmicro.com/api"),
        "https://workload.us-1.cloudone.trendmicro.com"
    );
    assert_eq!(
        shown("https://gate.example.com/dsm/api/"),
        "https://gate.example.com/dsm"
    );
    let address = Address::parse("https://gate.example.com/dsm/api/").ok();
    assert_eq!(
        address
            .map(|address| address.join("/api/roles/search").to_string())
            .as_deref(),
        Some("https://gate.example.com/dsm/api/roles/search")
    );
}

#[test]
fn the_vendors_other_services_are_not_managers() {
    let parsed = |text: &str| Address::parse(text).unwrap_or_else(|reason| panic!("{reason}"));
    for (text, other, hosted) in [
        ("https://accounts.cloudone.trendmicro.com/api", true, true),
        ("accounts.us-1.cloudone.trendmicro.com:443", true, true),
        ("https://api.xdr.trendmicro.com/v3.0", true, false),
        ("https://API.EU.XDR.trendmicro.com", true, false),
        ("https://api.xdr.trendmicro.co.jp", true, false),
        ("portal.xdr.trendmicro.co.jp:443", true, false),
        ("https://api.xdr.trendmicro.co.jp.example.com", false, false),
        (
            "https://workload.us-1.cloudone.trendmicro.com/api",
            false,
            true,
        ),
        ("https://cloudone.trendmicro.com/api", false, true),
        ("https://app.deepsecurity.trendmicro.com/api", false, true),
        (
            "https://accounts.cloudone.trendmicro.com.example.com",
            false,
            false,
        ),
        ("https://notxdr.trendmicro.com", false, false),
        ("accounts.example.com", false, false),
    ] {
        let address = parsed(text);
        assert_eq!(address.other_service().is_some(), other, "{text}");
        assert_eq!(address.is_hosted(), hosted, "{text}");
    }
}

#[test]
fn a_printed_address_parses_to_the_same_address() {
    let shown = shown("https://gate.example.com/api/api/");
    assert_eq!(shown, "https://gate.example.com/api/api");
    for text in [&shown, "https://gate.example.com/dsm//api"] {
        let address = Address::parse(text);
        let shown = address.as_ref().map(ToString::to_string);
        let again = Address::parse(&shown.unwrap_or_default());
        assert_eq!(again, address);
    }
}

#[test]
fn every_form_of_a_host_has_the_same_host_and_port() {
    for text in [
        "DSM.example.com.",
        "https://dsm.example.com.:4119/x",
        "dsm.example.com:4119",
    ] {
        let address = Address::parse(text);
        let place = address.map(|address| address.host_and_port());
        assert_eq!(place, Ok("dsm.example.com:4119".to_owned()), "{text}");
    }
}

#[test]
fn a_port_is_found_after_extra_slashes() {
    assert_eq!(shown("//h:8443"), "https://h:8443");
    assert_eq!(shown(r"h\x:80"), "https://h:4119/x:80");
}

#[test]
fn an_address_without_a_host_is_rejected() {
    for text in ["https:/h", "HTTP:h", r"https:\\h", "https:443"] {
        assert!(shown(text).contains("the two slashes"), "{text}");
    }
    for text in ["https://dsm\n.example.com", "https:\t//h", "h\0"] {
        assert!(shown(text).contains("control characters"), "{text}");
    }
    for text in [":@h", "https://@h"] {
        assert!(shown(text).contains("user name"), "{text}");
    }
}

#[test]
fn http_is_allowed_only_for_loopback() {
    assert_eq!(shown("http://127.0.0.1:4010"), "http://127.0.0.1:4010");
    assert_eq!(shown("http://localhost:4010/api"), "http://localhost:4010");
    assert!(
        shown("http://dsm.example.com").starts_with("error: http is allowed only for loopback")
    );
    assert!(shown("ftp://dsm.example.com").contains("neither https nor http"));
}

#[test]
fn a_password_is_rejected_and_not_repeated() {
    for text in [
        "https://admin:hunter2@dsm.example.com",
        "admin:hunter2@dsm.example.com",
        "https://hunter2@h",
    ] {
        let message = Address::parse(text).err().unwrap_or_default();
        assert!(message.contains("user name or a password"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
    assert!(Address::parse("https://h/?password=hunter2").is_err());
    assert!(Address::parse("").is_err());
}

#[test]
fn a_non_ascii_host_is_rejected() {
    let encoded = "https://xn--bcher-kva.example";
    assert_eq!(shown(encoded), encoded);
    for host in [
        "bücher.example",
        "BÜCHER.example",
        "LL\u{ff0f}L",
        "B%C3%9Ccher",
        "faß",
    ] {
        assert!(shown(&format!("https://{host}")).contains("xn--"), "{host}");
        assert!(shown(host).contains("xn--"), "{host}");
    }
    assert!(shown("https://a:pässwort@h").contains("user name or a password"));
    assert!(shown("https:/LL\u{ff0f}L/x://y").contains("two slashes"));
}
