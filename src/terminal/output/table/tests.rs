//! Tests of the layouts.

use unicode_width::UnicodeWidthStr as _;

use super::{Cell, Column, Table, TableLayout, Tint};

fn keys(width: usize, color: bool) -> String {
    let mut table = Table::new([
        Column::whole("ID"),
        Column::cut("NAME", 8),
        Column::whole("STATE"),
        Column::whole("CREATED").droppable(1),
        Column::whole("USED").droppable(2),
    ]);
    for (id, name, state, tint) in [
        ("1", "a-very-long-name", "locked", Some(Tint::Red)),
        ("22", "監査監査監査監査", "active", None),
    ] {
        let cell = |text: &str| Cell::from(text.to_owned());
        table.push(vec![
            cell(id),
            cell(name),
            cell(state).tinted(tint),
            cell("2026-11-28"),
            cell("never"),
        ]);
    }
    table.summarize("2 keys".to_owned());
    table.text(TableLayout::Terminal { width, color })
}

#[test]
fn a_table_that_fits_is_aligned_and_whole() {
    assert_eq!(
        keys(80, false),
        "ID  NAME              STATE   CREATED     USED\n\
         1   a-very-long-name  locked  2026-11-28  never\n\
         22  監査監査監査監査  active  2026-11-28  never\n\
         2 keys\n"
    );
}

#[test]
fn columns_are_omitted_before_names_are_cut() {
    assert_eq!(
        keys(39, false),
        "ID  NAME              STATE   USED\n\
         1   a-very-long-name  locked  never\n\
         22  監査監査監査監査  active  never\n\
         2 keys; omitted columns: created\n"
    );
    assert_eq!(
        keys(27, false),
        "ID  NAME             STATE\n\
         1   a-very-long-na…  locked\n\
         22  監査監査監査監…  active\n\
         2 keys\n"
    );
}

#[test]
fn no_line_is_longer_than_the_terminal() {
    for width in 20..60 {
        let text = keys(width, false);
        assert!(text.lines().all(|line| line.width() <= width), "{text}");
    }
    assert!(keys(1, false).starts_with("ID  NAME      STATE\n"));
}

#[test]
fn colours_do_not_change_the_alignment() {
    let colored = keys(60, true);
    assert!(colored.contains("  \x1b[31mlocked\x1b[0m  2026"));
    let plain = colored.replace("\x1b[31m", "").replace("\x1b[0m", "");
    assert_eq!(plain, keys(60, false));
}

#[test]
fn a_cell_cannot_forge_a_line_or_a_column() {
    let rows = [["a\tb\nc".to_owned(), "::x::".to_owned()]].into_iter();
    let table = Table::plain(["NAME", "LAST SIGN-IN"], rows);
    let wide = TableLayout::Terminal {
        width: 80,
        color: true,
    };
    assert_eq!(table.text(wide).lines().count(), 2);
    let row = "a\\u{9}b\\u{a}c\t\\u{3a}:x::\n";
    assert_eq!(table.text(TableLayout::Pipe), row);
    let with_header = format!("name\tlast-sign-in\n{row}");
    assert_eq!(table.text(TableLayout::Tsv), with_header);
}
