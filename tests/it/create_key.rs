//! `create-key`: the main job.

use crate::support::{World, contains};

#[test]
fn a_role_is_enough_and_costs_one_connection_and_three_requests() {
    let world = World::new();
    let ran = world.run(["create", "--role", "Auditor"]);
    let keys = world.sandbox.api_keys();
    assert_eq!(keys.len(), 1, "{}", ran.stderr);
    assert_eq!(ran.success(), keys[0].secret);
    assert_eq!(ran.stdout, format!("{}\n", keys[0].secret));
    assert_eq!(keys[0].role_id, 2);
    assert_eq!(
        world.calls(),
        [
            "POST /api/sessions",
            "POST /api/roles/search",
            "POST /api/apikeys"
        ]
    );
    let connections = world.sandbox.connections();
    assert_eq!((connections.tcp, connections.tls), (1, 1));
    assert_eq!(world.sandbox.live_sessions(), 0, "the session is ended");
    contains(&ran.stderr, &["note: this key will not end by itself"]);
}
