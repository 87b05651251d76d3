//! `plan` for a fleet on several managers, each of which is a profile of the settings file.

use std::time::{Duration, Instant};

use serde_json::Value;
use swp_keys::sandbox::{Action, Fault};

use super::plan::{add, fleet};
use crate::support::profiles::{configure, profile, unset_manager};
use crate::support::requests::{CREATE, SEARCH_KEYS};
use crate::support::running::Running;
use crate::support::{RunResult, TestEnv, contains, wait_until};

/// Two managers, and a home with the profiles `eu` and `us`, and `ap`, which cannot be reached.
pub(super) fn managers() -> (TestEnv, TestEnv) {
    let (mut eu, us) = (TestEnv::new(), TestEnv::new());
    eu.home.write("us.pem", us.sandbox.certificate_pem());
    let password = std::fs::read_to_string(us.home.path("password")).expect("a password");
    eu.home.write_secret("us-password", &password);
    let us_profile = profile(&us, "us")
        .replace("../manager.pem", "../us.pem")
        .replace("../password", "../us-password");
    let ap = "[profiles.ap]\nurl = \"https://127.0.0.1:1\"\nusername = \"a\"\npassword-file = \"../password\"\nretries = 0\n";
    let text = format!("{}\n{us_profile}\n{ap}", profile(&eu, "eu"));
    configure(&mut eu.home, &text);
    unset_manager(&mut eu.home);
    (eu, us)
}

fn plan(env: &TestEnv, keys: &str, flags: &[&str]) -> RunResult {
    let text = fleet(keys).replace("{name}", "{profile}-{name}");
    env.home.write("keys.toml", &text);
    env.run([&["plan", "-f", "keys.toml", "--no-look"], flags].concat())
}

#[test]
fn each_manager_has_its_own_plan() {
    let (eu, us) = managers();
    add(&eu, "a", |_| {});
    add(&us, "b", |_| {});
    let keys = "a = { on = [\"eu\", \"us\"] }\nb = { on = \"us\" }";
    let result = plan(&eu, keys, &[]);
    let text = result.success();
    contains(
        text,
        &[
            "fleet ops on 2 managers",
            "eu  https://",
            "us  https://",
            "+ a",
            ": 1 create",
        ],
    );
    let result = plan(&eu, keys, &["-o", "json"]);
    let document = result.json();
    let found: Vec<String> = (document["apiKeys"].as_array().expect("a list").iter())
        .map(|key| {
            let meta = &key["meta"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            format!(
                "{} {} {}",
                text(&meta["target"]["profile"]),
                text(&meta["name"]),
                text(&meta["action"])
            )
        })
        .collect();
    assert_eq!(found, ["eu a none", "us a create", "us b none"]);
    assert_eq!(document["meta"]["manager"], Value::Null);
    for env in [&eu, &us] {
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
    let only = plan(&eu, keys, &["--only", "eu"]);
    contains(
        only.success(),
        &["fleet ops on 1 manager", "1 key is as declared"],
    );
}

#[test]
fn a_manager_that_cannot_be_read_does_not_stop_the_others() {
    let (eu, _us) = managers();
    let keys = "a = { on = [\"ap\", \"eu\"] }\nb = { on = \"ap\" }";
    let result = plan(&eu, keys, &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(
        &result.stdout,
        &[
            "ap  https://127.0.0.1:1",
            "not known: ",
            "(exit ",
            "+ a",
            "2 not known",
        ],
    );
    contains(&result.stderr, &["1 manager could not be read"]);
    let result = plan(&eu, keys, &["-o", "json"]);
    let document: Value = serde_json::from_str(&result.stdout).expect("JSON");
    assert_eq!(document["meta"]["notKnown"][0]["profile"], "ap");
    assert_eq!(document["meta"]["counts"]["notKnown"], 2);
    let result = plan(&eu, "b = { on = \"ap\" }", &[]);
    assert!([4, 7, 8].contains(&result.code()), "{result:?}");
    assert_eq!(result.stdout, "");
}

/// Each profile would treat the keys of the other as undeclared.
#[test]
fn two_profiles_of_one_manager_are_refused() {
    let mut eu = TestEnv::new();
    let profiles = format!("{}\n{}", profile(&eu, "eu"), profile(&eu, "eu-ci"));
    configure(&mut eu.home, &profiles);
    unset_manager(&mut eu.home);
    add(&eu, "a", |_| {});
    add(&eu, "b", |_| {});
    let before = eu.sandbox.api_keys();
    let keys = "a = { on = \"eu\" }\nb = { on = \"eu-ci\" }";
    contains(
        plan(&eu, keys, &[]).failure(2),
        &["`eu` and `eu-ci`", "same manager"],
    );
    let flags = [
        "apply",
        "-f",
        "keys.toml",
        "--prune",
        "--prune-used",
        "--yes",
    ];
    contains(eu.run(flags).failure(2), &["`eu` and `eu-ci`"]);
    assert_eq!(eu.sandbox.api_keys(), before);
    plan(&eu, "a = { on = \"eu\" }\nb = { on = \"eu\" }", &[]).success();
}

#[test]
fn settings_of_one_manager_are_refused() {
    let (mut eu, us) = managers();
    let keys = "a = { on = [\"eu\", \"us\"] }";
    for flags in [
        &["--url", "https://127.0.0.1:1"][..],
        &["--username", "x"],
        &["--tenant", "x"],
        &["--insecure"],
        &["--profile", "eu"],
    ] {
        let result = plan(&eu, keys, flags);
        contains(result.failure(2), &[flags[0], "`on`"]);
    }
    eu.home.set("SWP_URL", us.sandbox.url());
    contains(plan(&eu, keys, &[]).failure(2), &["SWP_URL", "`on`"]);
    for env in [&eu, &us] {
        assert_eq!(env.sandbox.connections().tcp, 0);
    }
}

#[test]
fn tenants_are_not_supported_yet() {
    let (eu, _us) = managers();
    let text = "a = { on = \"eu/acme\" }\n[bridge]\nrole-id = 2";
    contains(plan(&eu, text, &[]).failure(2), &["tenant"]);
    assert_eq!(eu.sandbox.connections().tcp, 0);
}

fn apply(env: &TestEnv, keys: &str, flags: &[&str]) -> RunResult {
    let text = fleet(keys).replace("{name}", "{profile}-{name}");
    env.home.write("keys.toml", &text);
    env.run([&["apply", "-f", "keys.toml"], flags].concat())
}

#[test]
fn keys_are_created_on_all_managers() {
    let (eu, us) = managers();
    let keys = "a = { on = [\"eu\", \"us\"] }\nb = { on = \"us\" }";
    let result = apply(&eu, keys, &[]);
    contains(result.success(), &["fleet ops on 2 managers", ": 3 done"]);
    assert_eq!(
        (eu.sandbox.api_keys().len(), us.sandbox.api_keys().len()),
        (1, 2)
    );
    for (env, name) in [(&eu, "eu-a"), (&us, "us-a")] {
        let found = env.sandbox.api_keys();
        let secret = std::fs::read_to_string(eu.home.path(&format!("{name}.key")));
        assert!(found.iter().any(|key| {
            secret
                .as_deref()
                .is_ok_and(|text| text.trim_end() == key.secret)
        }));
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
    contains(apply(&eu, keys, &[]).success(), &["nothing to do"]);
}

#[test]
fn a_manager_that_cannot_be_reached_does_not_stop_the_changes_on_the_others() {
    let (eu, _us) = managers();
    let keys = "a = { on = [\"ap\", \"eu\"] }";
    let result = apply(&eu, keys, &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(
        &result.stdout,
        &["not known: ", "+ a", "1 done", "1 not known"],
    );
    assert_eq!(eu.sandbox.api_keys().len(), 1);
    let result = apply(&eu, "a = { on = \"ap\" }", &[]);
    assert!([4, 7, 8].contains(&result.code()), "{result:?}");
    assert_eq!(result.stdout, "");
}

#[test]
fn each_manager_has_one_session_at_a_time() {
    let (eu, us) = managers();
    for env in [&eu, &us] {
        env.sandbox.change(|settings| settings.sessions_max = 1);
    }
    let keys = "a = { on = [\"eu\", \"ap\", \"us\"] }\nb = { on = \"us\" }";
    let result = apply(&eu, keys, &["--verify"]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["3 done", "1 not known"]);
    for env in [&eu, &us] {
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
    let plan = eu.run(["plan", "-f", "keys.toml", "--verify"]);
    assert_eq!(plan.code(), 12, "{plan:?}");
    contains(
        &plan.stdout,
        &["1 key is as declared", "2 keys are as declared"],
    );
}

/// A slow manager does not make the other managers wait.
#[test]
fn managers_are_read_and_changed_at_the_same_time() {
    let (eu, us) = managers();
    let delay = Duration::from_secs(2);
    for env in [&eu, &us] {
        for path in ["/api/apikeys/search", "/api/apikeys"] {
            env.sandbox
                .inject(Fault::new("POST", path, Action::Delay(delay)));
        }
    }
    let keys = "a = { on = [\"eu\", \"us\"] }";
    eu.home.write(
        "keys.toml",
        &fleet(keys).replace("{name}", "{profile}-{name}"),
    );
    let run = Running::start(&mut eu.home.command(["apply", "-f", "keys.toml"]));
    for route in [SEARCH_KEYS, CREATE] {
        let count = || [&eu, &us].map(|env| env.count(route));
        wait_until("the first request", || count() != [0, 0]);
        let first = Instant::now();
        wait_until("the request of the other manager", || !count().contains(&0));
        // The first response has not arrived yet.
        assert!(first.elapsed() < delay * 3 / 4, "{route}");
    }
    contains(run.finish().success(), &[": 2 done"]);
}

#[test]
fn a_long_reason_is_wrapped() {
    let (eu, _us) = managers();
    std::fs::remove_file(eu.home.path("us.pem")).expect("the file");
    let result = plan(&eu, "a = { on = [\"eu\", \"us\"] }", &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["not known: `ca-cert`"]);
    // A path is not broken.
    let is_narrow = |line: &str| line.chars().count() <= 80 || line.split_whitespace().count() == 1;
    assert!(result.stdout.lines().all(is_narrow), "{}", result.stdout);
}
