#![no_main]

// The library that reads a URL asserts, in debug builds alone, what does not hold of the stub that is there in place of its tables of
// Unicode (Cargo.toml). What a release makes of such a host cannot be asked of a debug build.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let is_encoded = |four: &[u8]| four.eq_ignore_ascii_case(b"xn--");
    if !data.windows(4).any(is_encoded) {
        swp_keys::fuzzing::address(data);
    }
});
