//! Every link between the pages of the repository leads to an existing file, and to an existing heading.

use std::path::{Path, PathBuf};

use crate::support::files::read;

/// Returns the paths of the pages in the repository.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        ".",
        "docs",
        "docs/recipes",
        ".ci",
        "benches",
        "fuzz",
        "packaging",
    ];
    let files = folders.iter().flat_map(|folder| {
        let entries = std::fs::read_dir(root.join(folder)).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path())
    });
    let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    files.filter(is_page).collect()
}

/// Returns the targets of a page's links within the repository.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1);
    let targets = targets.filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.contains("://"))
}

/// Returns the anchors that GitHub creates for the headings.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| -> String {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text
            .chars()
            .filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter })
            .collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    assert!(pages.len() >= 10, "{pages:?}");
    for page in pages {
        let text = read(&page);
        for link in links(&text) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                file => page.parent().expect("a folder").join(file),
            };
            let place = format!("{}: {link}", page.display());
            assert!(target.exists(), "no such file: {place}");
            if !anchor.is_empty() {
                let is_there = anchors(&read(target)).iter().any(|known| known == anchor);
                assert!(is_there, "no such heading: {place}");
            }
        }
    }
}
