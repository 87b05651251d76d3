//! Compares key names that a manager may have altered. A manager may change the case, remove spaces and brackets, or truncate a name.

/// A stored name with at least this length may be the truncated form of a longer name. Shorter names must match completely, because many names have
/// the same first characters.
const LONG: usize = 16;

/// Returns the letters and digits of a name in lower case.
pub(super) fn folded(name: &str) -> String {
    name.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Returns true if the stored name may be the requested name as altered by the manager.
pub(crate) fn is_like(asked: &str, kept: &str) -> bool {
    let (asked, kept) = (folded(asked), folded(kept));
    if kept.is_empty() {
        return false;
    }
    asked == kept || kept.chars().count() >= LONG && asked.starts_with(&kept)
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn a_name_matches_its_altered_forms_and_no_other_name() {
        let name = "Night build (ci) of the whole Fleet";
        for kept in [
            name,
            "NIGHT BUILD (CI) OF THE WHOLE FLEET",
            "Nightbuild(ci)ofthewholeFleet",
            "Night build ci of the whole Fleet",
            "Night build (ci) of the ",
        ] {
            assert!(is_like(name, kept), "{kept}");
        }
        for (asked, kept) in [
            (name, "Night build"),
            ("ci", "ci-2"),
            ("ci-2", "ci"),
            ("ci", ""),
            ("!", "?"),
        ] {
            assert!(!is_like(asked, kept), "{asked} {kept}");
        }
    }
}
