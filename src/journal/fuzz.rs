//! The fuzz target for the parser of records.

use super::record::{Record, parse};
use crate::fuzz_support::names_line_without_values;

/// The target of [`crate::fuzzing::record`].
pub(crate) fn record(data: &[u8]) {
    match parse(data) {
        Ok(record) => {
            let written = serde_json::to_vec_pretty(&record).expect("what was read can be written");
            let mut again = parse(&written).expect("what was written can be read");
            // This JSON does not begin with the head that the file on disk has.
            again.progress.in_place = record.progress.in_place;
            assert_eq!(again, record);
            names_a_file_of_its_folder(&record);
        }
        Err(refused) => {
            let text = String::from_utf8_lossy(data);
            names_line_without_values(&text, &refused.to_string());
        }
    }
}

fn names_a_file_of_its_folder(record: &Record) {
    let name = record.file_name();
    let operation = name.strip_suffix(".json").expect("the ending of records");
    assert!(!operation.is_empty(), "{name}");
    assert!(
        operation.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{name}"
    );
}
