//! The layout of a table on a terminal: aligned columns without borders. If the table does not fit, optional columns that cannot be cut are
//! omitted. If it still does not fit, cells are cut down to the minimum widths of their columns, and the other optional columns are omitted.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::model::{Column, Table, Tint};
use crate::terminal::output::escape::safe;
use crate::text::shorten;

/// The maximum length of a cell on a terminal, in characters. A longer cell is cut, because one long cell would make its whole column too
/// wide.
const MAX_CELL: usize = 300;
/// The number of characters that stay visible at the end of a shortened cell. The default names of API keys differ in their last eight characters.
const KEPT_END: usize = 8;
/// Optional columns are omitted before the cells of other columns are cut to less than this width. The default names of API keys with the role Full
/// Access have 33 characters.
const WHOLE: usize = 33;
/// The number of spaces between two columns.
const GAP: usize = 2;

/// Formats a table for a terminal with this width.
pub(super) fn table(table: &Table, width: usize, color: bool) -> String {
    let texts: Vec<Vec<String>> = (table.rows.iter())
        .map(|row| row.iter().map(|cell| cell_text(&cell.shown)).collect())
        .collect();
    let natural: Vec<usize> = (table.columns.iter().enumerate())
        .map(|(index, column)| {
            let cells = texts.iter().map(|row| row[index].width());
            cells.max().unwrap_or_default().max(column.header.width())
        })
        .collect();
    let shown = fitting(&table.columns, &natural, width);
    let mut lines = line(shown.iter().map(|&(index, width)| {
        let header = cut(table.columns[index].header, width);
        (header, width, None)
    }));
    for (row, texts) in table.rows.iter().zip(&texts) {
        lines += &line(shown.iter().map(|&(index, width)| {
            let tint = row[index].tint.filter(|_| color);
            let text = match table.columns[index].keeps_end {
                true => cut_middle(&texts[index], width),
                false => cut(&texts[index], width),
            };
            (text, width, tint)
        }));
    }
    if let Some(summary) = &table.summary {
        lines += summary;
        let is_hidden = |index: &usize| shown.iter().all(|(shown, _)| shown != index);
        let hidden: Vec<String> = (0..table.columns.len())
            .filter(is_hidden)
            .map(|index| table.columns[index].name())
            .collect();
        let note = format!("; omitted columns: {}", hidden.join(", "));
        if !hidden.is_empty() && summary.width() + note.width() <= width {
            lines += &note;
        }
        lines.push('\n');
    }
    lines
}

/// Formats pairs of a name and a value, with one pair on each line. The values are aligned.
pub(super) fn pairs(rows: &[[String; 2]]) -> String {
    let width = rows.iter().map(|[name, _]| name.width()).max();
    let width = width.unwrap_or_default();
    let lines = rows.iter().map(|[name, value]| {
        let cells = [(safe(name), width, None), (cell_text(value), 0, None)];
        line(cells.into_iter())
    });
    lines.collect()
}

fn cell_text(text: &str) -> String {
    safe(&shorten(text, MAX_CELL))
}

/// Returns the index and the width of each column that is shown.
fn fitting(columns: &[Column], natural: &[usize], width: usize) -> Vec<(usize, usize)> {
    let least = |index: usize| match columns[index].min_width {
        Some(min) => min.min(natural[index]),
        None => natural[index],
    };
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    for keeps_whole in [true, false] {
        let needed = |index: usize| match keeps_whole {
            true => natural[index].min(WHOLE).max(least(index)),
            false => least(index),
        };
        while total(shown.iter().map(|&index| needed(index))) > width {
            let ranks = (shown.iter().enumerate())
                .filter(|&(_, &index)| !keeps_whole || columns[index].min_width.is_none())
                .filter_map(|(place, &index)| Some((columns[index].drop_rank?, place)));
            match ranks.min() {
                Some((_, place)) => shown.remove(place),
                None => break,
            };
        }
    }
    let mut widths: Vec<usize> = shown.iter().map(|&index| natural[index]).collect();
    while total(widths.iter().copied()) > width {
        let widest = (0..shown.len())
            .filter(|&place| widths[place] > least(shown[place]))
            .max_by_key(|&place| widths[place]);
        match widest {
            Some(place) => widths[place] -= 1,
            None => break,
        }
    }
    shown.into_iter().zip(widths).collect()
}

/// Returns the width of a whole line if its columns have these widths. The spaces between the columns are included.
fn total(widths: impl ExactSizeIterator<Item = usize>) -> usize {
    let gaps = widths.len().saturating_sub(1) * GAP;
    widths.sum::<usize>() + gaps
}

/// Returns `text`. If it is wider than `width`, its end is replaced by an ellipsis.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let begin = text.chars().take_while(|character| {
        // The character U+FE0F is a variation selector. It may make the character before it one column wider.
        let width = match character {
            '\u{fe0f}' => 1,
            other => other.width().unwrap_or_default(),
        };
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    });
    begin.chain(['…']).collect()
}

/// Returns `text`. If it is wider than `width`, text in its middle is replaced by an ellipsis, so that its last characters stay visible.
fn cut_middle(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut end = "";
    for (at, _) in text.char_indices().rev().take(KEPT_END) {
        end = &text[at..];
    }
    match width.checked_sub(end.width()) {
        Some(left) if left > 1 => cut(text, left) + end,
        _ => cut(text, width),
    }
}

/// Returns a line of a table. Each cell is padded with spaces to the width of its column, but the line does not end in spaces.
fn line(cells: impl Iterator<Item = (String, usize, Option<Tint>)>) -> String {
    let mut line = String::new();
    let mut padding = 0;
    for (text, width, tint) in cells {
        line.extend(std::iter::repeat_n(' ', padding));
        padding = width.saturating_sub(text.width()) + GAP;
        match tint {
            Some(tint) => line += &format!("\x1b[{}m{text}\x1b[0m", code(tint)),
            None => line += &text,
        }
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

fn code(tint: Tint) -> &'static str {
    match tint {
        Tint::Red => "31",
        Tint::Yellow => "33",
    }
}
