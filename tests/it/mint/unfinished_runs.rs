//! Records of runs that were cut off: a secret that may be in use is not ended without being asked for, and no clock makes a record old.
#![cfg(unix)]

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags};
use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault};

use crate::support::files::read;
use crate::support::running::Running;
use crate::support::seen::{CREATE, count, nothing_was_sent};
use crate::support::{Ran, World, contains, playing, wait_until};

const FIND: [&str; 2] = ["find-role", "Auditor"];
const NAMED: [&str; 5] = ["create", "--role", "Auditor", "--name", "ci"];
const RECOVER: [&str; 2] = ["recover", "--yes"];

/// The records that are there.
fn records(world: &World) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(world.home.path("state/unfinished"));
    let paths = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut paths: Vec<_> = paths.collect();
    paths.sort();
    paths
}

/// The operation of the one record that is there.
#[track_caller]
fn operation(world: &World) -> String {
    let records = records(world);
    assert_eq!(records.len(), 1, "{records:?}");
    let name = records[0].file_stem().expect("a name");
    name.to_str().expect("hex digits").to_owned()
}

/// A command that takes the secret, puts it into the file `key`, and goes on until it is let go.
struct SlowCommand {
    fifo: PathBuf,
    file: PathBuf,
    words: String,
}

impl SlowCommand {
    fn of(world: &World) -> Self {
        let (fifo, file) = (world.home.path("fifo"), world.home.path("key"));
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .expect("a pipe");
        let (whole, there, wait) = (file.with_extension("new"), file.display(), fifo.display());
        let whole = whole.display();
        let words = format!("sh -c 'cat > {whole}; mv {whole} {there}; read line < {wait}'");
        Self { fifo, file, words }
    }

    fn secret(&self) -> String {
        read(&self.file)
    }
}

impl Drop for SlowCommand {
    fn drop(&mut self) {
        // It may be gone already, and then there is no reader.
        let flags = OFlags::WRONLY | OFlags::NONBLOCK;
        if let Ok(pipe) = rustix::fs::open(&self.fifo, flags, Mode::empty()) {
            let _ = rustix::io::write(pipe, b"go\n");
        }
    }
}

/// A run that is killed while a command has its secret already. Returns that.
#[track_caller]
fn cut_while_delivering(world: &World, words: &[&str]) -> String {
    let command = SlowCommand::of(world);
    let more = ["--deliver-cmd", &command.words];
    let running = Running::start(&mut world.home.command(words.iter().chain(&more)));
    wait_until("the secret", || command.file.exists());
    drop(running);
    let secret = command.secret();
    assert!(works(world, &secret), "it was delivered");
    secret
}

fn works(world: &World, secret: &str) -> bool {
    world
        .sandbox
        .api_keys()
        .iter()
        .any(|key| key.secret == secret)
}

#[test]
fn a_secret_that_may_be_in_use_is_ended_by_name_alone() {
    for (words, existing) in [
        (&["create", "--role", "Auditor"][..], false),
        (&NAMED, false),
        (
            &[
                "create",
                "--role",
                "Auditor",
                "--name",
                "ci",
                "--if-exists",
                "rekey",
            ],
            true,
        ),
        (&["rotate-key", "ci", "--in-place"], true),
        (&["rotate-key", "ci"], true),
    ] {
        let world = World::new();
        if existing {
            world.sandbox.add_key("ci", 2);
        }
        let secret = cut_while_delivering(&world, words);
        let operation = operation(&world);
        let keys = world.sandbox.api_keys();
        for more in [
            &[][..],
            &["-q"],
            &["--rekey"],
            &["--delete"],
            &["-q", "--out-file", "new"],
        ] {
            let ran = world.run(RECOVER.iter().chain(more));
            contains(ran.failure(11), &[&operation, "may be in use", "--forget"]);
            assert_eq!(world.sandbox.api_keys(), keys, "{words:?} {more:?}");
            assert_eq!(records(&world).len(), 1, "{words:?} {more:?}");
        }
        contains(
            &world.run(FIND).stderr,
            &[&operation, "--rekey", "--forget"],
        );
        let listed = world.run(["recover", "--list"]);
        contains(listed.success(), &[&operation, "delivering"]);
        let ran = world.run(["recover", &operation, "--yes", "--rekey"]);
        let new = ran.success();
        assert!(works(&world, new) && !works(&world, &secret), "{words:?}");
        assert_eq!(records(&world).len(), 0, "{words:?}");
    }
}

#[test]
fn a_record_is_forgotten_and_the_delivered_secret_works_on() {
    let world = World::new();
    let secret = cut_while_delivering(&world, &NAMED);
    let operation = operation(&world);
    world
        .run(["recover", &operation, "--forget", "--yes"])
        .success();
    assert!(works(&world, &secret));
    assert_eq!(records(&world).len(), 0);
}

/// The same command goes on with a rotation, and is asked for by the name of the key.
#[test]
fn a_rotation_that_was_cut_off_while_delivering_goes_on() {
    let world = World::new();
    world.sandbox.add_key("ci", 2);
    cut_while_delivering(&world, &["rotate-key", "ci"]);
    let ran = world.run(["rotate-key", "ci"]);
    assert!(works(&world, ran.success()));
    assert_eq!(world.sandbox.api_keys().len(), 2);
    assert_eq!(records(&world).len(), 0);
}

/// What two runs left of one key is settled by one new secret.
#[test]
fn what_two_runs_left_of_a_key_ends_in_one_secret() {
    let world = World::new();
    world.sandbox.add_key("ci", 2);
    let rekey = [&NAMED[..], &["--if-exists", "rekey"]].concat();
    let reset = "/api/apikeys/1/secretkey";
    for _ in 0..2 {
        let held = Fault::new("POST", reset, Action::Delay(Duration::from_secs(60))).after();
        world.sandbox.inject(held);
        let before = count(&world.sandbox, &format!("POST {reset}"));
        let running = Running::start(&mut world.home.command(&rekey));
        wait_until("the reset", || {
            count(&world.sandbox, &format!("POST {reset}")) > before
        });
        drop(running);
        world.sandbox.clear_faults();
    }
    assert_eq!(records(&world).len(), 2);
    let ran = world.run(["recover", "--yes", "-o", "jsonl"]);
    ran.success();
    let delivered: Vec<_> = (ran.stdout.lines())
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["secretKey"].take())
        .collect();
    assert_eq!(delivered, [json!(world.sandbox.api_keys()[0].secret)]);
    assert_eq!(records(&world).len(), 0);
}

/// How a clock makes a record look old.
#[derive(Clone, Copy, Debug)]
enum Jump {
    /// The wall clock jumps an hour ahead.
    WallClock,
    /// Another boot, whose clock has counted for longer.
    Boot,
}

/// Rewrites the record as it looks after that.
fn jump(world: &World, jump: Jump) {
    let path = records(world).remove(0);
    let mut record: Value = serde_json::from_str(&read(&path)).expect("JSON");
    match jump {
        Jump::WallClock => {
            let started = record["started"].as_i64().expect("a time");
            record["started"] = json!(started - 3_600_000);
        }
        Jump::Boot => {
            record["progress"]["boot"] = json!("another boot");
            record["progress"]["asked"] = json!(-3_600_000);
        }
    }
    std::fs::write(&path, record.to_string()).expect("a record");
    let file = std::fs::File::options()
        .write(true)
        .open(&path)
        .expect("a record");
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    file.set_modified(hour_ago).expect("a time");
}

/// A create whose run is killed before the manager works on it is found by `recover`, which waits for it.
#[test]
fn no_clock_makes_a_create_that_is_under_way_look_settled() {
    for jumped in [Jump::WallClock, Jump::Boot] {
        let world = World::new();
        let late = Action::Delay(Duration::from_millis(2500));
        world
            .sandbox
            .inject(Fault::new("POST", "/api/apikeys", late));
        let running = Running::start(&mut world.home.command(NAMED));
        world.wait_for(CREATE);
        drop(running);
        jump(&world, jumped);
        let ran = world.run(RECOVER.iter().chain(&["--settle-timeout", "8s"]));
        let secret = ran.success();
        assert!(works(&world, secret), "{jumped:?}: {}", ran.stderr);
        assert_eq!(records(&world).len(), 0, "{jumped:?}");
    }
}

/// Of a record that is old by the clock of its own boot nothing is waited for.
#[test]
#[cfg(target_os = "linux")]
fn a_record_that_is_old_by_the_clock_of_the_boot_is_not_waited_for() {
    let world = World::new();
    world.sandbox.inject(Fault::new(
        "POST",
        "/api/apikeys",
        Action::Delay(Duration::from_secs(60)),
    ));
    let running = Running::start(&mut world.home.command(NAMED));
    world.wait_for(CREATE);
    drop(running);
    world.sandbox.clear_faults();
    let path = records(&world).remove(0);
    let mut record: Value = serde_json::from_str(&read(&path)).expect("JSON");
    let asked = record["progress"]["asked"].as_i64().expect("a time");
    record["progress"]["asked"] = json!(asked - 3_600_000);
    std::fs::write(&path, record.to_string()).expect("a record");
    let begun = std::time::Instant::now();
    let ran = world.run(RECOVER.iter().chain(&["--settle-timeout", "5m"]));
    ran.success();
    assert!(begun.elapsed() < Duration::from_secs(120), "{}", ran.stderr);
    assert_eq!(records(&world).len(), 0);
}

/// A record of an earlier version says nothing of the boot or the stage, and is read as before.
#[test]
fn a_record_of_an_earlier_version_is_finished() {
    let world = World::new();
    let key = world.sandbox.add_key("ci", 2);
    let record = json!({
        "operation": "0a0b0c0d", "work": "rekey", "manager": world.sandbox.url(), "tenant": null, "keyName": "ci",
        "roleID": null, "keyID": key.id, "existingIDs": [key.id], "marked": true, "unique": true, "sinks": ["stdout"], "started": 0
    });
    let folder = world.home.path("state/unfinished");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("0a0b0c0d.json"), record.to_string()).expect("a record");
    let ran = world.run(RECOVER);
    assert!(works(&world, ran.success()));
    assert_eq!(records(&world).len(), 0);
}

#[test]
fn a_name_that_no_record_has_room_for_is_refused_before_anything_is_asked() {
    let world = World::new();
    let long = "n".repeat(70_000);
    let refused = |ran: Ran, flag: &str| contains(ran.failure(2), &[flag, "too long"]);
    for command in ["create", "exec"] {
        let tail = if command == "exec" {
            &["--", "true"][..]
        } else {
            &[]
        };
        let name = [&[command, "--role", "Auditor", "--name", &long], tail].concat();
        refused(world.run(name), "--name");
        let role = [&[command, "--role", &long], tail].concat();
        refused(world.run(role), "--role");
    }
    let places: Vec<_> = (0..1200)
        .flat_map(|number| {
            [
                "--out-file".to_owned(),
                format!("{}{number}", "p".repeat(60)),
            ]
        })
        .collect();
    for words in [&["create", "--role", "Auditor"][..], &["rotate-key", "ci"]] {
        let words = words.iter().map(|word| (*word).to_owned());
        refused(world.run(words.chain(places.clone())), "places");
    }
    nothing_was_sent(&world.sandbox);
    assert_eq!(records(&world).len(), 0);
}

/// The name of a key that is there may be as long as the manager allows, and the name that it makes way under is longer.
#[test]
fn a_rotation_whose_record_could_not_be_read_again_makes_no_key() {
    let world = World::with(playing(&[("duplicate-name", "409")]));
    let id = world.sandbox.add_key("ci", 2).id;
    let long = "n".repeat(40_000);
    world
        .sandbox
        .edit_key(id, |key| key.name = Some(long.clone()));
    let before = world.sandbox.api_keys();
    let ran = world.run(["rotate-key", "1"]);
    contains(ran.failure(1), &["larger than 64 KiB"]);
    assert_eq!(world.sandbox.api_keys(), before);
    assert_eq!(records(&world).len(), 0);
}

/// None of them has a secret to be printed.
#[test]
fn several_keys_that_commands_left_are_deleted() {
    let world = World::new();
    let kept = Fault::new("DELETE", "/api/apikeys/*", Action::status(500, "Oops"));
    world.sandbox.inject(kept.times(999));
    for _ in 0..2 {
        world
            .run(["exec", "--role", "Auditor", "--", "true"])
            .failure(11);
    }
    world.sandbox.clear_faults();
    assert_eq!(
        (records(&world).len(), world.sandbox.api_keys().len()),
        (2, 2)
    );
    world.run(RECOVER).success();
    assert_eq!(
        (records(&world).len(), world.sandbox.api_keys().len()),
        (0, 0)
    );
}

/// It was alone when its run delivered: another one has taken its name since.
#[test]
fn a_key_whose_secret_may_be_in_use_is_not_deleted_for_another_of_its_name() {
    let world = World::with(playing(&[("duplicate-name", "accepted")]));
    world.sandbox.add_key("other", 2);
    cut_while_delivering(&world, &NAMED);
    world
        .sandbox
        .edit_key(1, |key| key.name = Some("ci".to_owned()));
    let operation = operation(&world);
    let ran = world.run(RECOVER.iter().chain(&[operation.as_str(), "--rekey"]));
    assert_eq!(world.sandbox.api_keys().len(), 2, "{}", ran.stderr);
    assert_eq!(ran.success(), world.sandbox.api_keys()[1].secret);
    assert_eq!(records(&world).len(), 0);
}
