//! `apply` under random faults of the network and the manager, and on two machines at once.

use std::time::Duration;

use swp_keys::sandbox::{Action, Fault, UNKNOWNS, When};

use super::apply::{is_as_declared, many, secret};
use super::apply_kills::{APPLY, check, mixed};
use crate::support::running::run_at_once;
use crate::support::{TestEnv, answering_unknowns};

/// The requests that a fault affects.
const ROUTES: [(&str, &str); 6] = [
    ("POST", "/api/apikeys"),
    ("POST", "/api/apikeys"),
    ("POST", "/api/apikeys/search"),
    ("POST", "/api/apikeys/*"),
    ("GET", "/api/apikeys/*"),
    ("DELETE", "/api/apikeys/*"),
];

/// A sequence of pseudorandom numbers.
struct Random(u64);

impl Random {
    /// Returns a number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn fault(&mut self) -> Fault {
        let (method, path) = ROUTES[self.below(ROUTES.len() as u64) as usize];
        let action = match self.below(8) {
            0 => Action::Drop,
            1 => Action::Reset,
            2 => Action::Delay(Duration::from_millis(self.below(300))),
            3 => Action::Cut(self.below(120) as usize),
            4 => Action::status(429, "too many requests"),
            5 => Action::status(500, "failed"),
            6 => Action::status(503, "busy"),
            _ => Action::Twice,
        };
        Fault {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            nth: 1 + self.below(8) as u32,
            times: 1 + self.below(2) as u32,
            when: match self.below(2) {
                0 => When::Before,
                _ => When::After,
            },
            action,
        }
    }
}

/// The number of seeds of each test.
fn seeds() -> u64 {
    let number = std::env::var("SWP_TEST_FLEET_SEEDS");
    number.ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

fn run_seeds(first: u64) {
    for seed in first..first + seeds() {
        let env = mixed();
        let mut random = Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let faults: Vec<Fault> = (0..1 + random.below(4)).map(|_| random.fault()).collect();
        for fault in &faults {
            env.sandbox.inject(fault.clone());
        }
        let first = env.run(APPLY);
        env.sandbox.clear_faults();
        let case = format!("seed {seed}: {faults:?}: {first:?}");
        assert!([0, 1, 8, 9, 11, 12].contains(&first.code()), "{case}");
        let again = env.run(APPLY);
        assert_eq!(again.code(), 0, "{case}: {again:?}");
        check(&env, &case);
    }
}

#[test]
fn the_first_seeds() {
    run_seeds(0);
}

#[test]
fn the_second_seeds() {
    run_seeds(10_000);
}

#[test]
fn the_third_seeds() {
    run_seeds(20_000);
}

#[test]
fn the_fourth_seeds() {
    run_seeds(30_000);
}

#[test]
fn two_machines_create_each_key_once() {
    let unknown = UNKNOWNS.iter().find(|one| one.name == "duplicate-name");
    for choice in unknown.expect("the question").choices {
        let env = TestEnv::with(answering_unknowns(&[("duplicate-name", choice)]));
        env.home.write("keys.toml", &many(50));
        let other = env.home.path("other");
        std::fs::create_dir_all(&other).expect("a folder");
        std::fs::copy(env.home.path("keys.toml"), other.join("keys.toml")).expect("a copy");
        let apply = ["apply", "-f", "keys.toml"];
        let one = env.home.command(apply);
        let mut two = env.home.command(apply);
        two.current_dir(&other)
            .env("SWP_STATE_DIR", other.join("state"));
        for result in run_at_once([one, two]) {
            assert!([0, 12].contains(&result.code()), "{result:?}");
        }
        let keys = env.sandbox.api_keys();
        assert_eq!(keys.len(), 50, "{choice}");
        for key in keys {
            let name = key.name.as_deref().expect("a name");
            let files = [format!("{name}.key"), format!("other/{name}.key")];
            let found = files.iter().filter(|file| env.home.path(file).exists());
            let found: Vec<String> = found.map(|file| secret(&env, file)).collect();
            assert_eq!(
                found.as_slice(),
                std::slice::from_ref(&key.secret),
                "{choice}: {name}"
            );
        }
    }
}

#[test]
fn keys_share_a_dotenv_file() {
    let env = TestEnv::new();
    let keys = (0..20).map(|number| {
        format!("[keys.k{number}]\nrole = \"Auditor\"\nexpires = \"90d\"\ndotenv = \"all.env\"\nenv-name = \"KEY_{number}\"\n")
    });
    let manifest = format!("fleet = \"ops\"\n{}", keys.collect::<String>());
    env.home.write("keys.toml", &manifest);
    env.run(["apply", "-f", "keys.toml"]).success();
    let content = secret(&env, "all.env");
    for key in env.sandbox.api_keys() {
        assert!(content.contains(&key.secret));
    }
    is_as_declared(&env);
}
