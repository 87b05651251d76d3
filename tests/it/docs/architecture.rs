//! docs/architecture.md and CONTRIBUTING.md list exactly the modules and test folders that exist.

use std::collections::BTreeSet;
use std::path::Path;

const ARCHITECTURE: &str = include_str!("../../../docs/architecture.md");
const CONTRIBUTING: &str = include_str!("../../../CONTRIBUTING.md");

/// Returns the names between backticks in the first column of the table with this header.
fn listed(page: &'static str, header: &str) -> BTreeSet<&'static str> {
    let (_, table) = page.split_once(header).expect("a table");
    let rows = table.lines().skip(2).take_while(|line| !line.is_empty());
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.collect()
}

/// Returns the files and folders in a folder of the repository. Folders end with a slash.
fn entries(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("a UTF-8 name");
            let slash = if entry.path().is_dir() { "/" } else { "" };
            name + slash
        })
        .collect()
}

fn to_strings(names: BTreeSet<&str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn the_tree_lists_every_module() {
    let mut modules = entries("src");
    modules.retain(|name| !name.starts_with("fuzz"));
    let listed = listed(ARCHITECTURE, "| module | responsibility |");
    assert_eq!(to_strings(listed), modules);
}

#[test]
fn the_layers_list_every_module() {
    let (_, block) = ARCHITECTURE.split_once("```text\n").expect("the layers");
    let (block, _) = block.split_once("```").expect("their end");
    let layers = block.split([',', '\n']).map(str::trim);
    let layers: BTreeSet<String> = layers
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let modules = entries("src").into_iter().map(|name| {
        let name = name.trim_end_matches('/').trim_end_matches(".rs");
        name.to_owned()
    });
    // The binary, the fuzz targets and the simulated manager belong to no layer.
    let beside = |name: &String| name.starts_with("fuzz") || ["main", "sandbox"].contains(&&**name);
    assert_eq!(layers, modules.filter(|name| !beside(name)).collect());
}

#[test]
fn every_folder_of_tests_is_listed() {
    let mut folders = entries("tests/it");
    folders.retain(|name| name.ends_with('/'));
    let listed = listed(CONTRIBUTING, "| folder | what it tests |");
    assert_eq!(to_strings(listed), folders);
}

#[test]
fn every_path_of_the_repository_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in [ARCHITECTURE, CONTRIBUTING]
        .iter()
        .flat_map(|page| page.split('`').skip(1).step_by(2))
    {
        let mut folders = ["src/", "tests/", "docs/"].iter();
        let is_path = folders.any(|folder| name.starts_with(folder));
        if is_path && !name.contains("NAME") {
            assert!(root.join(name).exists(), "{name} does not exist");
        }
    }
}
