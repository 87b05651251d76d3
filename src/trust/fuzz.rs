//! The fuzz entry point for the file of pinned keys.

use super::pin_store::PinStore;
use crate::fuzz_support::names_line_without_values;

/// See `fuzzing::trusted`.
pub(crate) fn trusted(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    match PinStore::parse(text) {
        Ok(store) => {
            let written = toml::to_string(&store).expect("a parsed store can be written");
            assert_eq!(PinStore::parse(&written).as_ref(), Ok(&store));
            let known = store.managers.values();
            assert!(known.into_iter().all(|known| !known.pins.is_empty()));
        }
        Err(message) => names_line_without_values(text, &message),
    }
}
