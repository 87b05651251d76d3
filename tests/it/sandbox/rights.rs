//! The permissions of roles, and the calls about roles (docs/manager-api.md, "Roles").

use serde_json::json;

use super::client::{Client, Signer};

/// Makes the client authenticate with a key of this role.
fn as_key(client: &mut Client, role_id: i64) {
    let key = client.sandbox.add_key("asking", role_id);
    client.signer = Signer::Key(key.secret);
}

#[test]
fn the_default_roles_match_a_recorded_response() {
    let mut client = Client::signed_in(|_| {});
    let answer = client.get("/api/roles");
    let roles = answer.json()["roles"].clone();
    assert_eq!(
        (&roles[0]["ID"], &roles[0]["name"], &roles[0]["immutable"]),
        (&json!(1), &json!("Full Access"), &json!(true))
    );
    assert_eq!(
        (
            &roles[1]["ID"],
            &roles[1]["name"],
            &roles[1]["allowWebService"]
        ),
        (&json!(2), &json!("Auditor"), &json!(true))
    );
    for group in [
        "apikeyRights",
        "administratorRoleRights",
        "administratorRights",
    ] {
        let rights = roles[1]["rights"]["platformRights"][group]
            .as_object()
            .expect("a group");
        assert!(
            rights.len() == 4 && rights.values().all(|right| right == false),
            "{group}"
        );
    }
    assert!(
        answer.body.len() / 2 > 5_000,
        "a role weighs about 7 KB in the capture"
    );
}

#[test]
fn an_auditor_key_cannot_view_or_create_keys_and_roles() {
    let mut client = Client::signed_in(|_| {});
    as_key(&mut client, 2);
    assert_eq!(
        client.get("/api/apikeys").message(),
        "Not authorized to view API keys"
    );
    assert_eq!(client.get("/api/apikeys/1").status, 403);
    assert_eq!(client.get("/api/apikeys/current").status, 403);
    assert_eq!(client.post("/api/apikeys/search", &json!({})).status, 403);
    assert_eq!(
        client
            .post("/api/apikeys", &json!({"keyName": "k", "roleID": 2}))
            .message(),
        "Not authorized to create API keys"
    );
    assert_eq!(
        client
            .post("/api/apikeys/1", &json!({"active": false}))
            .status,
        403
    );
    assert_eq!(
        client.post("/api/apikeys/1/secretkey", &json!({})).status,
        403
    );
    assert_eq!(client.delete("/api/apikeys/1").status, 403);
    assert_eq!(
        client.post("/api/roles/search", &json!({})).message(),
        "Not authorized to view administrator roles"
    );
    assert_eq!(client.get("/api/roles").status, 403);
    assert_eq!(
        client.post("/api/roles", &json!({"name": "mine"})).status,
        403
    );
    assert_eq!(client.delete("/api/roles/2").status, 403);
    assert_eq!(client.sandbox.api_keys().len(), 1);
}

#[test]
fn the_administrators_role_determines_the_permissions_of_a_session() {
    let mut client = Client::signed_in(|settings| settings.administrator_role = 2);
    assert_eq!(
        client
            .post("/api/apikeys", &json!({"keyName": "k", "roleID": 2}))
            .status,
        403
    );
}

#[test]
fn roles_can_be_created_changed_and_deleted_except_the_immutable_one() {
    let mut client = Client::signed_in(|_| {});
    let rights = json!({"platformRights": {"apikeyRights": {"canViewApiKeys": true}}});
    let role = client
        .post(
            "/api/roles",
            &json!({"name": "Key Viewer", "rights": rights}),
        )
        .json();
    assert_eq!(
        (&role["ID"], &role["allowWebService"], &role["immutable"]),
        (&json!(3), &json!(false), &json!(false))
    );
    assert_eq!(
        role["rights"]["platformRights"]["apikeyRights"]["canCreateNewApiKeys"],
        false
    );
    let changed = client
        .post("/api/roles/3", &json!({"allowWebService": true}))
        .json();
    assert_eq!(
        (&changed["name"], &changed["allowWebService"]),
        (&json!("Key Viewer"), &json!(true))
    );
    assert_eq!(
        client.post("/api/roles/1", &json!({"name": "x"})).status,
        403
    );
    assert_eq!(
        client.post("/api/roles/9", &json!({"name": "x"})).status,
        404
    );
    assert_eq!(
        client
            .post("/api/roles/3", &json!({"allComputers": "true"}))
            .status,
        400
    );
    assert_eq!(
        (
            client.delete("/api/roles/1").status,
            client.delete("/api/roles/3").status
        ),
        (403, 200)
    );
    assert_eq!(
        (
            client.get("/api/roles/3").status,
            client.delete("/api/roles/3").status
        ),
        (404, 404)
    );
}

#[test]
fn no_role_can_exceed_the_callers_permissions() {
    let mut client = Client::signed_in(|_| {});
    let own = json!({"administratorRoleRights": {"canCreateNewAdministratorRoles": true}});
    let id = client
        .sandbox
        .add_role(&json!({"name": "Role Maker", "rights": {"platformRights": own}}))
        .expect("a role");
    as_key(&mut client, id);
    let stronger = json!({"name": "s", "rights": {"platformRights": {"apikeyRights": {"canViewApiKeys": true}}}});
    assert_eq!(client.post("/api/roles", &stronger).status, 403);
    assert_eq!(
        client
            .post(
                "/api/roles",
                &json!({"name": "w", "rights": {"platformRights": own}})
            )
            .status,
        200
    );
}

#[test]
fn a_role_cannot_grant_more_than_its_own_permissions() {
    let mut client = Client::signed_in(|_| {});
    let role = json!({
        "name": "Key Maker",
        "canOnlyManipulateUsersWithEqualOrLesserRights": true,
        "rights": {"platformRights": {"apikeyRights": {"canCreateNewApiKeys": true}}},
    });
    let id = client.sandbox.add_role(&role).expect("a role");
    as_key(&mut client, id);
    assert_eq!(
        client
            .post("/api/apikeys", &json!({"keyName": "k", "roleID": 1}))
            .status,
        403
    );
    assert_eq!(
        client
            .post("/api/apikeys", &json!({"keyName": "k", "roleID": id}))
            .status,
        200
    );
}

#[test]
fn additional_roles_in_the_settings_have_their_own_ids() {
    let dev = json!({"ID": 40, "name": "Dev_Read", "hidden": true});
    let mut client =
        Client::signed_in(|settings| settings.roles = vec![dev, json!({"name": "Next"})]);
    assert_eq!(
        client.get("/api/roles/40").json()["hidden"],
        true,
        "fields of other versions are kept"
    );
    assert_eq!(client.get("/api/roles/41").json()["name"], "Next");
}
