//! `create-key --if-exists ensure` and a key that another run may just have created.

use super::ensure::{ENSURE, FILE, RESET, changed, ensure, key, with_new_key};
use crate::support::files::read;
use crate::support::requests::count;
use crate::support::running::Running;

const SECOND: i64 = 1000;

/// A run on another machine may still deliver the secret of a new key to a shared folder.
#[test]
fn the_secret_of_a_new_key_is_not_replaced_if_it_arrives_soon() {
    let env = with_new_key();
    let before = key(&env);
    let file = env.home.path("ci.key");
    std::fs::remove_file(&file).expect("the file is there");
    // The clock of the manager was set back, so the run waits as long as it can.
    env.sandbox.edit_key(1, |key| key.created += 600 * SECOND);
    let mut run = Running::start(&mut env.home.command(ENSURE.iter().chain(FILE)));
    run.wait_for_line("another run may still deliver");
    env.home.write_secret("ci.key", &before.secret);
    run.finish().success();
    assert_eq!(count(&env.sandbox, RESET), 0);
    assert_eq!(key(&env).secret, before.secret);
}

#[test]
fn a_new_key_whose_secret_does_not_arrive_gets_a_new_one() {
    for flags in [&[][..], &["--locale", "ja-JP"], &["--no-mark"]] {
        let env = with_new_key();
        let before = key(&env);
        std::fs::remove_file(env.home.path("ci.key")).expect("the file is there");
        env.sandbox.edit_key(1, |key| key.created -= 9 * SECOND);
        let flags = [FILE, flags, &["-o", "json"]].concat();
        assert_eq!(changed(&ensure(&env, &flags)), true);
        assert_ne!(key(&env).secret, before.secret);
        assert_eq!(read(env.home.path("ci.key")).trim(), key(&env).secret);
    }
}
