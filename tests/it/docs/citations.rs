//! Comments cite only pages and sections that exist in this repository.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Adds all Rust files below `folder`.
fn add_sources(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            add_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}

/// Returns the comments of a file, without line breaks and comment markers.
fn comments(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let comments = lines.filter_map(|line| line.strip_prefix("//"));
    comments
        .map(|line| line.trim_start_matches(['/', '!']).trim())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns the citations in comments: each cited page with the text that follows its name.
fn citations() -> Vec<(PathBuf, String, String)> {
    let mut sources = Vec::new();
    for folder in ["src", "tests"] {
        add_sources(&root().join(folder), &mut sources);
    }
    let mut citations = Vec::new();
    for source in sources {
        let text = comments(&std::fs::read_to_string(&source).expect("a source"));
        for (place, _) in text.match_indices(".md") {
            let before = &text[..place];
            let is_path = |character: char| {
                character.is_ascii_alphanumeric() || matches!(character, '-' | '/' | '.' | '_')
            };
            let name = &before[before.trim_end_matches(is_path).len()..];
            let rest = &text[place + ".md".len()..];
            citations.push((source.clone(), format!("{name}.md"), rest.to_owned()));
        }
    }
    citations
}

/// Returns the headings that follow the name of a page: `, "One"`, `, "One" and "Two"`.
fn headings_cited(rest: &str) -> Vec<&str> {
    let mut headings = Vec::new();
    let mut rest = rest.trim_start_matches('`');
    while let Some(quoted) = [", \"", " and \"", ", and \""]
        .iter()
        .find_map(|before| rest.strip_prefix(before))
    {
        let Some((heading, after)) = quoted.split_once('"') else {
            break;
        };
        headings.push(heading);
        rest = after;
    }
    headings
}

#[test]
fn every_section_that_a_comment_cites_exists() {
    let citations = citations();
    assert!(citations.len() >= 30, "{} citations", citations.len());
    for (source, name, rest) in citations {
        let headings = headings_cited(&rest);
        if headings.is_empty() {
            continue;
        }
        let page = std::fs::read_to_string(root().join(&name)).unwrap_or_else(|error| {
            panic!("{} cites {name}: {error}", source.display());
        });
        for heading in headings {
            let is_there = page
                .lines()
                .filter_map(|line| line.strip_prefix('#'))
                .any(|line| line.trim_start_matches('#').trim() == heading);
            assert!(is_there, "{} cites {name}, \"{heading}\"", source.display());
        }
    }
}

#[test]
fn every_unknown_that_a_comment_cites_exists() {
    let page = std::fs::read_to_string(root().join("docs/manager-api.md")).expect("the page");
    for (source, name, rest) in citations() {
        let rest = rest.trim_start_matches('`');
        let Some(number) = rest.strip_prefix(", \"Unknowns\", no. ") else {
            continue;
        };
        if name != "docs/manager-api.md" {
            continue;
        }
        let number: String = number.chars().take_while(char::is_ascii_digit).collect();
        let row = format!("| {number} | ");
        assert!(
            page.lines().any(|line| line.starts_with(&row)),
            "{} cites no. {number}",
            source.display()
        );
    }
}
