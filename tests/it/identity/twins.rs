//! Creates that something in between sends twice to a manager that allows two keys of one name.

use super::{delivered, each, inject, records};
use crate::support::{World, playing};

const TWICE: &str = "POST /api/apikeys twice";

#[test]
fn a_run_that_looks_finds_the_twin() {
    let cases = ["kept", "upper", "no-brackets"];
    each(cases, |names| {
        for more in [&["--verify"][..], &["--name", "ci (a)"]] {
            let world = World::with(playing(&[("key-names", names)]));
            inject(&world.sandbox, TWICE);
            let create = ["create", "--role", "Auditor"];
            let ran = world.run([&create, more].concat());
            delivered(&world, &ran, &format!("{names} {more:?}"));
        }
    });
}

#[test]
fn no_twin_outlives_its_command() {
    each(["kept", "upper"], |names| {
        for more in [&[][..], &["--name", "ci"]] {
            let world = World::with(playing(&[("key-names", names)]));
            inject(&world.sandbox, TWICE);
            let exec = [&["exec", "--role", "Auditor"], more, &["--", "true"]].concat();
            world.run(exec).success();
            assert_eq!(world.sandbox.api_keys(), [], "{names} {more:?}");
            assert_eq!(records(&world.home).len(), 0);
        }
    });
}

/// Both are ours, and nobody has the secret of either.
#[test]
fn of_two_of_which_no_answer_came_one_is_delivered() {
    for more in [&[][..], &["--name", "ci"]] {
        let world = World::new();
        inject(&world.sandbox, "POST /api/apikeys twice after");
        let create = ["create", "--role", "Auditor"];
        let ran = world.run([&create, more].concat());
        delivered(&world, &ran, &format!("{more:?}"));
    }
}
