#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| swp_keys::fuzzing::address(data));
