//! Draws a scenario from a seed: the manager, the runs, the faults, and their probabilities.

use std::time::Duration;

use swp_keys::sandbox::{AnswerFields, ErrorBody, SecretShape};

use super::conditions::RunConditions;
use super::random::Random;
use super::relay::{Direction, Effect, NetworkFault};
use super::scenario::{
    Breakage, CHANGE, CREATE, DELETE, IfExists, Kill, Manager, Naming, Place, Point, RESET,
    Recovery, Run, SEARCH, Scenario, Signal, Sink, VIEW,
};
use crate::support::{END_SESSION, LEGACY_LOGOUT};

impl Scenario {
    pub(super) fn of(seed: u64) -> Self {
        let random = &Random::new(seed);
        let together = random.chance(20);
        let count = match together {
            true => 2 + random.below(2),
            false => random.weigh(&[(80, 1), (20, 2)]),
        };
        // A separate random generator, so that adding this choice did not change the rest of a seed.
        let end_session = Random::new(!seed).weigh(&[(60, None), (5, Some(200)), (35, Some(404))]);
        let manager = Manager {
            end_session,
            ..Manager::of(random)
        };
        let if_exists = random.weigh(&[
            (60, IfExists::Fail),
            (15, IfExists::Skip),
            (25, IfExists::Rekey),
        ]);
        // Simultaneous runs with a reset need an existing key. Otherwise one run would reset the key that another is still creating.
        let existing = match if_exists {
            IfExists::Rekey if count > 1 => 1,
            IfExists::Fail => usize::from(random.chance(10)),
            _ => random.below(2),
        };
        let apart = together || random.chance(50);
        let mut faults = faults(random);
        let mut runs = Vec::new();
        for index in 0..count {
            let machine = if apart { index } else { 0 };
            runs.push(Run::of(random, machine, if_exists, count > 1));
        }
        if together && if_exists == IfExists::Rekey {
            // A reset does not reveal its run, so that no sink can be broken at the time of a reset.
            runs.iter_mut().for_each(|run| run.breakage = None);
        }
        let breaks = runs.iter().any(|run| run.breakage.is_some());
        let kills = runs.iter().any(|run| run.kill.is_some());
        if breaks || kills && random.chance(70) {
            delay_requests(random, &mut faults);
        }
        Self {
            manager,
            existing,
            runs,
            together,
            faults,
            recovery: Recovery::of(random),
        }
        .with_families(seed)
    }
}

impl Scenario {
    /// Draws one or two rotations of the same key.
    pub(super) fn rotation(seed: u64) -> Self {
        let random = &Random::new(seed ^ 0x0726_f7a7);
        let together = random.chance(20);
        let mut faults = faults(random);
        if random.chance(50) {
            faults.push(fault_of(random, random.weigh(&[(70, CHANGE), (30, VIEW)])));
        }
        let mut manager = Manager::of(random);
        // A rotation needs the permission to view keys, and a response that contains the role.
        manager.session_keys = None;
        if manager.answer_fields == AnswerFields::Sparse {
            manager.answer_fields = AnswerFields::Usual;
        }
        let runs: Vec<_> = (0..1 + usize::from(together))
            .map(|machine| Run {
                rotates: true,
                ..Run::of(random, machine, IfExists::Fail, true)
            })
            .map(|run| run.killed_in_later_requests(random))
            .map(|run| Run {
                // The sandbox accepts Cloud One keys only with a separate setting.
                verify: run.verify && manager.secret_shape != SecretShape::CloudOne,
                ..run
            })
            .collect();
        let breaks = runs.iter().any(|run| run.breakage.is_some());
        let kills = runs.iter().any(|run| run.kill.is_some());
        if breaks || kills && random.chance(70) {
            delay_requests(random, &mut faults);
            if random.chance(50) {
                let when = random.pick(&["before", "after"]);
                faults.insert(0, format!("{CHANGE} delay=150ms {when} times=2"));
            }
        }
        Self {
            manager,
            existing: 1,
            runs,
            together,
            faults,
            recovery: Recovery::of(random),
        }
        .with_families(seed)
    }
}

impl Manager {
    fn of(random: &Random) -> Self {
        Self {
            duplicate_name: random.weigh(&[
                (60, None),
                (10, Some(400)),
                (5, Some(403)),
                (15, Some(409)),
                (10, Some(500)),
            ]),
            session_keys: random.weigh(&[(90, None), (5, Some(401)), (5, Some(403))]),
            delete_missing: random.pick(&[Some(404), None]),
            end_session: None,
            logout: random.weigh(&[(80, None), (5, Some(200)), (15, Some(404))]),
            secret_shape: random.pick(&[
                SecretShape::IdBase64,
                SecretShape::GuidBase64,
                SecretShape::GuidGuidBase64,
                SecretShape::CloudOne,
            ]),
            answer_fields: random.weigh(&[
                (80, AnswerFields::Usual),
                (10, AnswerFields::Future),
                (10, AnswerFields::Sparse),
            ]),
            error_body: random.weigh(&[
                (60, ErrorBody::Message),
                (15, ErrorBody::Html),
                (15, ErrorBody::Text),
                (10, ErrorBody::Empty),
            ]),
            ignore_search: random.chance(10),
            ..Self::usual()
        }
    }
}

impl Run {
    fn of(random: &Random, machine: usize, if_exists: IfExists, several: bool) -> Self {
        let naming = match (if_exists, several) {
            (IfExists::Fail, false) => random.weigh(&[
                (40, Naming::Default),
                (40, Naming::Named),
                (20, Naming::Unmarked),
            ]),
            _ => random.weigh(&[(80, Naming::Named), (20, Naming::Unmarked)]),
        };
        let sink = random.weigh(&[
            (45, Sink::Stdout),
            (5, Sink::Full),
            (18, Sink::File),
            (8, Sink::TwoFiles),
            (6, Sink::Dotenv),
            (6, Sink::FileAndDotenv),
            (5, Sink::Command),
            (5, Sink::FileAndCommand),
            (2, Sink::FileAndRefusal),
        ]);
        let breakage = random.chance(15).then(|| match sink.places() {
            [] | [Place::Command] => Breakage::ReaderCloses,
            _ => random.pick(&[
                Breakage::ReaderCloses,
                Breakage::FolderRemoved,
                Breakage::FolderBecomesFile,
                Breakage::FileAppears,
            ]),
        });
        let mut network_faults = network_faults(random);
        let kill = random
            .chance(55)
            .then(|| Kill::of(random, sink, &mut network_faults));
        Self {
            rotates: false,
            machine,
            naming,
            if_exists,
            role_by_name: random.chance(30),
            verify: random.chance(15),
            sink,
            breakage,
            network_faults,
            kill,
            run_conditions: RunConditions::default(),
        }
    }
}

impl Run {
    /// Moves some kills to requests that only a rotation sends.
    fn killed_in_later_requests(mut self, random: &Random) -> Self {
        if let Some(kill) = &mut self.kill
            && random.chance(40)
        {
            kill.point = Point::Received(random.pick(&[CHANGE, VIEW]), 1 + random.below(2));
            self.network_faults
                .retain(|network_fault| network_fault.effect != Effect::Hold);
        }
        self
    }
}

impl Kill {
    fn of(random: &Random, sink: Sink, network_faults: &mut Vec<NetworkFault>) -> Self {
        let polite = random.pick(&[Signal::Hangup, Signal::Interrupt, Signal::Terminate]);
        let signals = random.weigh(&[
            (50, vec![Signal::Kill]),
            (30, vec![polite]),
            (20, vec![polite, polite]),
        ]);
        let file = sink.places().contains(&Place::File);
        let point = random.weigh(&[
            (
                15,
                Point::After(Duration::from_micros(random.next() % 250_000)),
            ),
            (15, Point::RecordExists),
            (8, Point::RecordRemoved),
            (25, Point::Received(CREATE, 1)),
            (5, Point::Received(SEARCH, 1 + random.below(3))),
            (8, Point::Received(RESET, 1 + random.below(2))),
            (5, Point::Received(DELETE, 1)),
            (3, Point::Received(END_SESSION, 1)),
            (1, Point::Received(LEGACY_LOGOUT, 1)),
            (20, Point::Held),
            (
                6,
                if file {
                    Point::FileExists
                } else {
                    Point::StdoutWritten
                },
            ),
        ]);
        if point == Point::Held {
            network_faults.insert(0, network_fault(random, Effect::Hold));
        }
        Self { signals, point }
    }
}

impl Recovery {
    fn of(random: &Random) -> Self {
        let suffers = random.chance(30);
        let mut hurt = if suffers {
            network_faults(random)
        } else {
            Vec::new()
        };
        Self {
            kill: (suffers && random.chance(50)).then(|| Kill::of(random, Sink::Stdout, &mut hurt)),
            network_faults: hurt,
            faults: if suffers { faults(random) } else { Vec::new() },
            first: random.below(3),
            run_conditions: RunConditions::default(),
            disk_is_full: false,
            keys_are_renamed: false,
        }
    }
}

fn network_faults(random: &Random) -> Vec<NetworkFault> {
    let count = random.weigh(&[(55, 0), (35, 1), (10, 2)]);
    (0..count)
        .map(|_| {
            let delay = Duration::from_millis(random.pick(&[20, 150, 450]));
            let effect = random.weigh(&[
                (30, Effect::Close),
                (25, Effect::Reset),
                (20, Effect::Stall),
                (15, Effect::Delay(delay)),
                (10, Effect::Duplicate(1 + random.below(64))),
            ]);
            network_fault(random, effect)
        })
        .collect()
}

fn network_fault(random: &Random, effect: Effect) -> NetworkFault {
    NetworkFault {
        exchange: random.weigh(&[(5, 1), (25, 2), (30, 3), (20, 4), (10, 5), (10, 6)]),
        direction: random.pick(&[Direction::ToManager, Direction::ToClient]),
        // The first byte, the first bytes, or any position in the request or response.
        byte: random.weigh(&[(20, 0), (20, random.below(40)), (60, random.below(700))]),
        effect,
        refused: random.weigh(&[(70, 0), (20, 1), (10, 4)]),
    }
}

fn faults(random: &Random) -> Vec<String> {
    let count = random.weigh(&[(35, 0), (35, 1), (20, 2), (10, 3)]);
    (0..count).map(|_| fault(random)).collect()
}

fn fault(random: &Random) -> String {
    let route = random.weigh(&[
        (38, CREATE),
        (17, SEARCH),
        (15, RESET),
        (15, DELETE),
        (5, "POST /api/sessions"),
        (3, "POST /api/roles/search"),
        (3, "GET /api/apikeys/*"),
        (3, END_SESSION),
        (1, LEGACY_LOGOUT),
    ]);
    fault_of(random, route)
}

fn fault_of(random: &Random, route: &str) -> String {
    let html = "header='Content-Type: text/html' body='<html><title>Sign in</title></html>'";
    let action = random.weigh(&[
        (8, "drop before".to_owned()),
        (14, "drop after".to_owned()),
        (6, "reset before".to_owned()),
        (10, "reset after".to_owned()),
        (4, "delay=50ms before".to_owned()),
        (8, "delay=450ms before".to_owned()),
        (6, "delay=450ms after".to_owned()),
        (12, format!("cut={}", random.below(400))),
        (8, format!("stall={}", random.below(400))),
        (
            8,
            format!("status={} before", random.pick(&[500, 502, 503, 504])),
        ),
        (
            10,
            format!("status={} after", random.pick(&[302, 500, 502, 503, 504])),
        ),
        (4, format!("status=200 {html} before")),
        (6, format!("status=200 {html} after")),
        (3, "status=429 header='Retry-After: 0' before".to_owned()),
        (1, "status=429 header='Retry-After: 100' before".to_owned()),
        (3, "status=503 header='Retry-After: 0' after".to_owned()),
        (
            3,
            format!("status={} before", random.pick(&[400, 403, 404])),
        ),
        (2, "raw=nonsense after".to_owned()),
    ]);
    // A run trusts the manager's 404 about a key. Therefore no fault sends one.
    let action = match action.as_str() {
        "status=404 before" if matches!(route, RESET | DELETE | CHANGE) => {
            "status=403 before".to_owned()
        }
        _ if route.starts_with("GET") && action.starts_with("status=404") => {
            "drop before".to_owned()
        }
        _ => action,
    };
    let nth = random.weigh(&[(75, 1), (20, 2), (5, 3)]);
    let times = random.weigh(&[
        (70, "times=1"),
        (12, "times=2"),
        (8, "times=3"),
        (10, "always"),
    ]);
    // The manager may process a request late after its connection was reset. A late change cannot affect a later request.
    let is_late = nth == 1 && action == "reset before" && matches!(route, CREATE | RESET | DELETE);
    let action = if is_late { "late=450ms" } else { &action };
    format!("{route} {action} nth={nth} {times}")
}

/// Delays creates and resets before or after their work, so that kills at these points are likely to happen in time.
fn delay_requests(random: &Random, faults: &mut Vec<String>) {
    for route in [CREATE, RESET] {
        let when = random.pick(&["before", "after"]);
        faults.insert(0, format!("{route} delay=150ms {when} times=1"));
    }
}
