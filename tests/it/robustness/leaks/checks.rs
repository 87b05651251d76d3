//! Secrets appear only where the documentation says so. They never appear on stderr at any log level, in other documents, files or child processes,
//! in any encoding, even if the manager sends them back.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::support::secrets::{CODE, FRESH, KEY, PASSWORD, RID, SID, assert_clean};

#[test]
fn a_leak_is_detected() {
    for (secret, text) in [
        (PASSWORD, format!("error: {PASSWORD}")),
        (
            PASSWORD,
            format!("{{\"password\":{}}}", serde_json::json!(PASSWORD)),
        ),
        (PASSWORD, format!("{PASSWORD:?}")),
        (PASSWORD, STANDARD.encode(format!("admin:{PASSWORD}"))),
        (PASSWORD, STANDARD.encode(format!("root:{PASSWORD}:x"))),
        (KEY, STANDARD.encode(KEY)),
        (KEY, URL_SAFE.encode(format!("x{KEY}"))),
        (SID, "?sID=Mark3%2BsID%2F%2BA%3D%3D".to_owned()),
        (SID, format!("{:?}", SID.as_bytes())),
    ] {
        let output = std::panic::catch_unwind(|| assert_clean("it", text.as_bytes(), &[secret]));
        assert!(output.is_err(), "{secret} in {text}");
    }
    assert_clean(
        "it",
        b"error: nothing",
        &[PASSWORD, CODE, SID, RID, KEY, FRESH],
    );
}
