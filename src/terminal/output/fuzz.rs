//! The fuzz target for the output.

use super::table::TableLayout;
use super::{Table, env_line, json_text, safe};

/// The target of [`crate::fuzzing::output`].
pub(crate) fn output(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let escaped = safe(text);
    assert!(!escaped.contains(harms_a_terminal), "{escaped:?}");
    assert_eq!(safe(&escaped), escaped);
    let is_harmless = !text.contains(harms_a_terminal);
    assert!(is_harmless || escaped != text);
    // Commands for CI runners are escaped as well. All of them contain `##` or `::`, maybe with invisible characters between.
    let may_be_command = text.matches('#').count() > 1 || text.matches(':').count() > 1;
    assert!(!is_harmless || may_be_command || escaped == text);
    assert!(!escaped.trim_start().starts_with("::") && !escaped.contains("##["));

    let value = serde_json::json!({ "name": text, text: [text, null] });
    for pretty in [true, false] {
        let json = json_text(&value, pretty);
        assert!(
            !json.contains(|one| one != '\n' && harms_a_terminal(one)),
            "{json:?}"
        );
        assert!(pretty || !json.contains('\n'));
        assert_eq!(serde_json::from_str(&json).ok().as_ref(), Some(&value));
    }

    let rows = [[text.to_owned(), "1".to_owned()]].into_iter();
    let table = Table::plain(["NAME", "ID"], rows);
    let narrow = TableLayout::Terminal {
        width: 12,
        color: false,
    };
    for destination in [narrow, TableLayout::Tsv] {
        let rows = table.text(destination);
        let lines = rows.matches('\n').count();
        assert_eq!(lines, 2, "each row is a line: {rows:?}");
        let harmful = |one| one != '\n' && one != '\t' && harms_a_terminal(one);
        assert!(!rows.contains(harmful), "{rows:?}");
        let tabs = rows.matches('\t').count();
        assert!(tabs == 2 || destination == narrow, "{rows:?}");
    }

    if !text.contains('\0') {
        let words = shell_words::split(&env_line("KEY", text));
        assert_eq!(words.ok(), Some(vec![format!("KEY={text}")]));
    }
}

/// Returns true if a terminal executes or hides a character, according to the Unicode Character Database: control characters, line
/// separators, and format characters that hide or reorder others. This list is independent of the list in `escape.rs`.
fn harms_a_terminal(character: char) -> bool {
    let code = u32::from(character);
    code < 0x20
        || (0x7f..0xa0).contains(&code)
        || [0xad, 0x061c, 0x180e, 0x2028, 0x2029, 0x3164, 0xfeff, 0xffa0].contains(&code)
        || [
            0x115f..=0x1160,
            0x17b4..=0x17b5,
            0x200b..=0x200f,
            0x202a..=0x202e,
            0x2060..=0x206f,
            0xfff0..=0xfffb,
            0x1bca0..=0x1bca3,
            0x1d173..=0x1d17a,
            0xe0000..=0xe0fff,
        ]
        .iter()
        .any(|range| range.contains(&code))
}
