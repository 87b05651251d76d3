//! Computes the final screen from everything that a run wrote to a terminal.

/// The width of the terminal of the tests. Nothing sets its size, so the program uses 80 columns.
const WIDTH: usize = 80;

/// Returns the lines of a terminal after it has shown `text`, without spaces at their ends.
pub(crate) fn screen(text: &str) -> Vec<String> {
    let mut lines = vec![Vec::new()];
    let (mut row, mut column) = (0, 0);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => column = 0,
            '\n' => row += 1,
            '\x1b' => {
                assert_eq!(characters.next(), Some('['), "{text:?}");
                let mut argument = String::new();
                while let Some(digit) = characters.next_if(char::is_ascii_digit) {
                    argument.push(digit);
                }
                let number = argument.parse().unwrap_or(1);
                match characters.next() {
                    Some('A') => row -= number,
                    Some('B') => row += number,
                    Some('K') if argument == "2" => lines[row].clear(),
                    Some('K') => lines[row].truncate(column),
                    other => panic!("an unknown sequence {other:?} in {text:?}"),
                }
            }
            character => {
                if column == WIDTH {
                    (row, column) = (row + 1, 0);
                }
                while lines.len() <= row {
                    lines.push(Vec::new());
                }
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = character;
                column += 1;
            }
        }
        while lines.len() <= row {
            lines.push(Vec::new());
        }
    }
    let lines = lines.into_iter().map(String::from_iter);
    lines
        .map(|line: String| line.trim_end().to_owned())
        .collect()
}

#[test]
fn an_erased_line_is_absent() {
    assert_eq!(screen("a\r\nwait\r\x1b[2Kb\r\n"), ["a", "b", ""]);
    let full = format!("{:WIDTH$}\r\x1b[2Kb", "wait");
    assert_eq!(screen(&full), ["b"]);
    assert_eq!(screen("a\r\nb\r\x1b[1Ac"), ["c", "b"]);
}
