//! Checks the architecture of `src/` against the layers in the documentation of `src/lib.rs` and the rules of `CONTRIBUTING.md`.

mod rules;
mod source;

use std::path::Path;

use rules::Layers;
use source::Crate;

fn sources() -> Crate {
    Crate::parse(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"))
}

fn integration_tests() -> Crate {
    Crate::parse(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/main.rs"))
}

fn layers() -> Layers {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    Layers::parse(&crate::support::files::read(library))
}

#[track_caller]
fn assert_none(found: &[String]) {
    assert!(
        found.is_empty(),
        "{} found:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn every_room_is_in_the_picture_of_the_layers() {
    assert_none(&rules::unknown_rooms(&sources(), &layers()));
}

#[test]
fn imports_point_down() {
    assert_none(&rules::upward_imports(&sources(), &layers()));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    assert_none(&rules::circles(&sources()));
}

#[test]
fn no_command_imports_a_command() {
    assert_none(&rules::imports_between_commands(&sources()));
}

#[test]
fn the_sandbox_shares_nothing_with_the_rest() {
    assert_none(&rules::imports_of_the_sandbox(&sources()));
}

#[test]
fn files_functions_and_parameter_lists_are_short() {
    assert_none(&rules::oversized(&sources()));
    assert_none(&rules::oversized(&integration_tests()));
}

#[test]
fn a_type_name_has_one_meaning() {
    assert_none(&rules::repeated_type_names(&sources()));
}

#[test]
fn mod_rs_declares_and_re_exports_only() {
    assert_none(&rules::modules_with_content(&sources()));
}

#[test]
fn no_module_has_a_path_attribute() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "tests"].map(|folder| crate::support::files::files(&root.join(folder)));
    let attribute = concat!("#[", "path");
    let found: Vec<String> = (files.concat().into_iter())
        .filter(|file| file.extension().is_some_and(|end| end == "rs"))
        .filter(|file| crate::support::files::read(file).contains(attribute))
        .map(|file| file.display().to_string())
        .collect();
    assert_none(&found);
}
