//! A 404 response that is not from the manager does not prove that a key is deleted, so its record is kept.

use super::fixtures::{each, records};
use crate::support::answering_unknowns;
use crate::support::held_manager::HeldManager;
use crate::support::responses::inject;

const PAGE: &str = "status=404 always body='<html><title>no such page</title></html>'";
const SOON: [&str; 2] = ["--settle-timeout", "1s"];

#[test]
fn a_404_from_a_proxy_drops_no_record() {
    let in_place = (
        &["rotate-key", "ci", "--in-place"][..],
        "POST /api/apikeys/1/secretkey",
    );
    let rotation = (&["rotate-key", "ci"][..], "POST /api/apikeys/1");
    let recover = &["recover", "--yes"][..];
    let again = &["rotate-key", "ci"][..];
    let cases = [(in_place, recover), (rotation, recover), (rotation, again)];
    each(cases, |((words, route), next)| {
        let settings = answering_unknowns(&[("duplicate-name", "400")]);
        let held = HeldManager::with(settings, route);
        held.sandbox.add_key("ci", 2);
        held.kill_while_held(words);
        inject(&held.sandbox, &format!("GET /api/apikeys/1 {PAGE}"));
        let result = held.home.run([next, &SOON].concat());
        let what = format!("{words:?} {next:?}: {} {}", result.code(), result.stderr);
        // The run succeeds only if a search shows the key.
        if result.code() == 0 {
            assert_eq!(
                result.success(),
                held.sandbox.api_keys()[0].secret,
                "{what}"
            );
        } else {
            assert_eq!(records(&held.home).len(), 1, "{what}");
        }
    });
}
