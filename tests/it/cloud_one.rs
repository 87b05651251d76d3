//! What is not this API (manager-api.md, section 8) is recognised before anything is sent to it.

use swp_keys::sandbox::Settings;

use crate::support::{Home, World, contains};

#[test]
fn the_vendors_other_services_get_no_password_and_the_way_is_told() {
    for (url, says) in [
        (
            "https://accounts.cloudone.trendmicro.com/api",
            "Cloud One console",
        ),
        ("accounts.us-1.cloudone.trendmicro.com", "Cloud One console"),
        ("https://api.xdr.trendmicro.com", "Vision One console"),
        (
            "https://api.eu.xdr.trendmicro.com/v3.0",
            "Vision One console",
        ),
    ] {
        let mut home = Home::new();
        home.set("SWP_USERNAME", "admin");
        home.set("SWP_PASSWORD", "hunter2");
        for command in [
            &["create", "--role", "Auditor"][..],
            &["list-roles"],
            &["login"],
        ] {
            let ran = home.run(command.iter().chain(&["--url", url]));
            contains(
                ran.failure(2),
                &[
                    "`--url` names",
                    "which is no manager",
                    says,
                    "workload.REGION.cloudone.trendmicro.com",
                ],
            );
        }
        home.set("SWP_URL", url);
        let error = home.run(["list-roles", "-o", "json"]).json_error(2);
        contains(
            error["message"].as_str().unwrap_or_default(),
            &["`SWP_URL` names"],
        );
    }
}

/// A key of the manager in the header of Cloud One is a frequent mistake (manager-api.md, section 2).
#[test]
fn a_key_in_the_wrong_header_is_told_by_the_scheme() {
    let mut world = World::with(Settings::default());
    let key = world.sandbox.add_key("mine", 1);
    world.use_key(&key.secret);
    let ran = world.run(["list-roles", "--api-key-scheme", "cloud-one"]);
    contains(ran.failure(4), &["`--api-key-scheme`"]);
    world
        .run(["list-roles", "--api-key-scheme", "auto"])
        .success();
}
