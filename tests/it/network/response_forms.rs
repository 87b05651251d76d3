//! Unusual but valid responses: other character sets, and numbers with an exponent.

use serde_json::json;
use swp_keys::sandbox::{Action, Fault};

use crate::support::tables::squeezed;
use crate::support::{TestEnv, contains};

fn answer(status: u16, media: &str, body: &[u8]) -> Action {
    Action::Answer {
        status,
        headers: vec![("Content-Type".to_owned(), media.to_owned())],
        body: body.to_vec(),
    }
}

#[test]
fn a_body_is_read_in_its_declared_character_set() {
    let search = |action| Fault::new("POST", "/api/roles/search", action);
    for media in [
        "application/json;charset=ISO-8859-1",
        "application/json; charset=\"iso-8859-1\"",
        "application/json; charset=windows-1252",
    ] {
        let env = TestEnv::new();
        let body = b"{\"message\":\"Pr\xfcfer d\xfcrfen das nicht\"}";
        env.sandbox.inject(search(answer(403, media, body)));
        let result = env.run(["find-role", "Auditor"]);
        contains(result.failure(5), &["Pr\u{fc}fer d\u{fc}rfen das nicht"]);
        let body = b"{\"roles\":[{\"ID\":7,\"name\":\"Pr\xfcfer\"}]}";
        env.sandbox.inject(search(answer(200, media, body)));
        assert_eq!(env.run(["find-role", "Pr\u{fc}fer"]).success(), "7");
        // The body is UTF-8 although its header names a different character set.
        let body = "{\"roles\":[{\"ID\":7,\"name\":\"Pr\u{fc}fer\"}]}";
        (env.sandbox).inject(search(answer(200, media, body.as_bytes())));
        assert_eq!(env.run(["find-role", "Pr\u{fc}fer"]).success(), "7");
    }
    // A secret that the manager sends back in such a body is masked too.
    let mut env = TestEnv::new();
    let wrong = env.home.write_secret("wrong", "hunter2-\u{fc}ber");
    env.home.set("SWP_PASSWORD_FILE", wrong);
    let body = b"{\"message\":\"not hunter2-\xfcber, please\"}";
    let action = answer(401, "application/json;charset=ISO-8859-1", body);
    env.sandbox
        .inject(Fault::new("POST", "/api/sessions", action));
    let result = env.run(["find-role", "Auditor"]);
    contains(result.failure(4), &["not [secret], please"]);
}

/// 1.9E12 is 17 March 2030.
#[test]
fn a_number_with_an_exponent_is_accepted() {
    let mut env = TestEnv::new();
    let key = br#"{"ID":7,"keyName":"ci","roleID":2.0,"active":true,"created":1.7E12,"expiryDate":1.9E12}"#;
    let current = Fault::new(
        "GET",
        "/api/apikeys/current",
        answer(200, "application/json", key),
    );
    env.sandbox.inject(current.times(3));
    env.use_key("7:c2VjcmV0");
    let role = answer(200, "application/json", br#"{"ID":2,"name":"Auditor"}"#);
    (env.sandbox).inject(Fault::new("GET", "/api/roles/2", role).times(3));
    let result = env.run(["verify-key"]);
    contains(
        &squeezed(result.success()),
        &["Key ci (ID 7)", "Role Auditor (ID 2)", "Expires 2030-03-17"],
    );
    let answer = env.run(["verify-key", "-o", "json"]).json();
    assert_eq!(answer["expiryDate"].as_f64(), Some(1.9e12));
    assert_eq!(answer["meta"]["state"], json!("active"));
    // The expiry check reads the number too.
    env.run(["verify-key", "--fail-within", "99y"])
        .check_failed();
}
