//! A manager with many keys and roles: it must never be what a test waits for.

use serde_json::Value;

use super::client::Client;

#[test]
fn many_keys_and_roles_are_there_at_once() {
    let mut client = Client::signed_in(|_| {});
    assert_eq!(client.sandbox.add_keys(3), 1..4);
    assert_eq!(client.sandbox.add_roles(2), 3..5);
    let names = |list: &Value, field: &str| -> Vec<String> {
        let items = list.as_array().expect("a list").iter();
        items
            .map(|item| item[field].as_str().expect("a name").to_owned())
            .collect()
    };
    let keys = client.get("/api/apikeys").json();
    assert_eq!(
        names(&keys["apiKeys"], "keyName"),
        ["key-000001", "key-000002", "key-000003"]
    );
    let roles = client.get("/api/roles").json();
    assert_eq!(
        names(&roles["roles"], "name"),
        ["Full Access", "Auditor", "role-000001", "role-000002"]
    );
}
