//! Tests of the record parser with arbitrary bytes: it returns an error that names the file, never panics and never hides another record.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::JournalEntry;
use super::listing::unfinished_in;
use super::progress::{Progress, Stage};
use super::record::{LIMIT, Record, Work, parse};
use crate::storage::state_dir::Folder;

type Tested = Result<(), TestCaseError>;

/// Generates arbitrary text, as it may come from a manager, a user or a file system.
fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(|characters| characters.into_iter().collect())
}

fn work() -> impl Strategy<Value = Work> {
    prop_oneof![Just(Work::Create), Just(Work::Rekey)]
}

fn record() -> impl Strategy<Value = Record> {
    let names = ("[0-9a-f]{8}", text(), option::of(text()), text());
    let numbers = (
        option::of(any::<i64>()),
        option::of(any::<i64>()),
        vec(any::<i64>(), 0..4),
        any::<i64>(),
    );
    let rest = (work(), any::<bool>(), any::<bool>(), vec(text(), 0..3));
    (names, numbers, rest).prop_map(|(names, numbers, rest)| {
        let (operation, manager, tenant, key_name) = names;
        let (role_id, key_id, existing_ids, started) = numbers;
        let (work, marked, unique, sinks) = rest;
        Record {
            operation,
            work,
            manager,
            tenant,
            key_name,
            role_id,
            key_id,
            existing_ids,
            marked,
            unique,
            signer: None,
            fleet: None,
            pending: false,
            predecessor: None,
            temporary: false,
            current: false,
            sinks,
            started,
            progress: Progress::default(),
        }
    })
}

fn written(record: &Record) -> Vec<u8> {
    serde_json::to_vec_pretty(record).expect("a record can be written")
}

/// Generates the bytes of a record that is truncated, has one wrong byte, or is followed by more bytes. Random bytes are almost never
/// similar to a record.
fn spoiled() -> impl Strategy<Value = Vec<u8>> {
    let place = any::<prop::sample::Index>();
    (record(), place, any::<u8>(), 0..4_u8).prop_map(|(record, place, byte, how)| {
        let mut content = written(&record);
        let place = place.index(content.len());
        match how {
            0 => content.truncate(place),
            1 => content[place] = byte,
            2 => content.insert(place, byte),
            _ => content.extend(written(&record)),
        }
        content
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..300), spoiled()]
}

/// Generates file names that are not valid for records. A valid name is eight hexadecimal digits and `.json`.
fn other_names() -> impl Strategy<Value = String> {
    "[g-z][a-z0-9 _.-]{0,12}(\\.json)?"
}

fn put(folder: &Path, name: &str, content: &[u8]) {
    fs::write(folder.join(name), content).expect("a file in a temporary folder");
}

proptest! {
    #[test]
    fn a_written_record_can_be_read_back(record in record()) {
        let read = parse(&written(&record)).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(read, record);
    }

    #[test]
    fn the_head_of_a_record_can_be_overwritten_in_place(record in record(), stage in 0..4_usize) {
        let content = record.content()?;
        let read = parse(&content).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(read.progress.in_place);
        let mut later = read.clone();
        later.progress.stage = [Stage::Begun, Stage::Delivering, Stage::Delivered, Stage::Settled][stage];
        // An incomplete write leaves either the old stage or the new one.
        let head = later.head();
        for cut in 0..=head.len() {
            let mut file = content.clone();
            file[..cut].copy_from_slice(&head.as_bytes()[..cut]);
            let torn = parse(&file).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert!([read.progress.stage, later.progress.stage].contains(&torn.progress.stage));
            prop_assert!(torn.progress.in_place && torn.has_rest_of(&record));
            prop_assert_eq!(torn.key_id, record.key_id);
        }
    }

    #[test]
    fn any_bytes_parse_to_a_record_or_an_error(content in bytes()) {
        if let Ok(record) = parse(&content) {
            // A record cannot name a file outside of its folder.
            prop_assert!(record.file_name().bytes().all(|byte| byte.is_ascii_hexdigit() || b".json".contains(&byte)));
        }
    }

    #[test]
    fn a_file_that_is_not_a_record_is_reported_and_hides_no_record(
        records in btree_map("[0-9a-f]{8}", record(), 0..5),
        others in btree_map(other_names(), bytes(), 0..5),
        folders in vec("[A-Z]{1,8}\\.json", 0..2),
    ) {
        hides_no_other(&records, &others, &folders)?;
    }
}

fn hides_no_other(
    records: &BTreeMap<String, Record>,
    others: &BTreeMap<String, Vec<u8>>,
    folders: &[String],
) -> Tested {
    let state = tempfile::tempdir()?;
    for (operation, record) in records {
        let record = Record {
            operation: operation.clone(),
            ..record.clone()
        };
        put(state.path(), &record.file_name(), &written(&record));
    }
    for (name, content) in others {
        put(state.path(), name, content);
    }
    for name in folders {
        fs::create_dir_all(state.path().join(name))?;
    }
    let (mut read, mut reported) = (BTreeMap::new(), Vec::new());
    let mut last = i64::MIN;
    for found in unfinished_in(&Folder::at(state.path()))? {
        match found {
            JournalEntry::InProgress(_) => prop_assert!(false, "no process works on a record"),
            JournalEntry::Record(record) => {
                prop_assert!(
                    record.started >= last,
                    "the records are sorted, oldest first"
                );
                last = record.started;
                read.insert(record.operation.clone(), record);
            }
            JournalEntry::Unreadable(name, reason) => {
                prop_assert!(!reason.is_empty());
                reported.push(name);
            }
        }
    }
    reported.sort();
    let mut expected: Vec<_> = others.keys().chain(folders).cloned().collect();
    expected.sort();
    expected.dedup();
    prop_assert_eq!(reported, expected, "each invalid file is reported");
    prop_assert_eq!(read.len(), records.len(), "no record is lost");
    for (operation, record) in records {
        prop_assert_eq!(&read[operation].key_name, &record.key_name);
    }
    Ok(())
}

#[test]
fn a_file_larger_than_the_limit_is_not_a_record() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let content = vec![b' '; usize::try_from(LIMIT).expect("it fits") + 1];
    put(state.path(), "0000000a.json", &content);
    let found = unfinished_in(&Folder::at(state.path())).expect("the folder can be read");
    assert!(matches!(&found[..], [JournalEntry::Unreadable(name, _)] if name == "0000000a.json"));
}
