use ring::hmac;

use super::guard::LockoutGuard;

#[test]
fn different_accounts_have_different_file_names() {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
    let name = |manager, tenant, username| {
        LockoutGuard::new(manager, tenant, username, false).file_name(&key)
    };
    let names = [
        name("https://a:4119", None, "admin"),
        name("https://a:4119", Some("admin"), ""),
        name("https://a:4119", Some("ad"), "min"),
        name("https://a:411", Some("9"), "admin"),
    ];
    for (index, name) in names.iter().enumerate() {
        assert!(!names[..index].contains(name), "{index}");
    }
    assert_eq!(
        name("https://a:4119", Some("T"), "Kim"),
        name("https://a:4119", Some("t"), "kim")
    );
}
