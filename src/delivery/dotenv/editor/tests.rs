//! Tests the editor of dotenv files with typical files and with arbitrary bytes.

use proptest::prelude::*;

use super::{assigned, check, set, unset};

const NAME: &str = "SWP_API_KEY";
const VALUE: &str = "12:aGVsbG8+d29ybGQ/Zm9v==";

fn edited(content: &str) -> String {
    let edited = set(content.as_bytes(), NAME, VALUE).unwrap_or_else(|why| panic!("{why}"));
    String::from_utf8(edited.to_vec()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn one_assignment_is_set_and_the_rest_stays() {
    let cases = [
        ("", "{}\n"),
        ("A=1\n", "A=1\n{}\n"),
        ("A=1", "A=1\n{}\n"),
        ("A=1\r\n", "A=1\r\n{}\r\n"),
        ("A=1\r\nB=2", "A=1\r\nB=2\r\n{}\r\n"),
        ("\u{feff}A=1\n", "\u{feff}A=1\n{}\n"),
        ("\u{feff}", "\u{feff}{}\n"),
        ("SWP_API_KEY=old\nB=2\n", "{}\nB=2\n"),
        ("SWP_API_KEY=old", "{}"),
        ("\u{feff}SWP_API_KEY=old\r\nB=2", "\u{feff}{}\r\nB=2"),
        ("A=1\n  SWP_API_KEY = old\nB=2", "A=1\n  {}\nB=2"),
        ("export\t SWP_API_KEY=old\n", "export\t {}\n"),
        ("SWP_API_KEY=\nB=2\n", "{}\nB=2\n"),
        // Comments.
        ("SWP_API_KEY=old # the key\n", "{} # the key\n"),
        ("SWP_API_KEY= # the key\r\n", "{} # the key\r\n"),
        ("SWP_API_KEY='old'#1\n", "{}\n"),
        ("SWP_API_KEY=old#1 \t\n", "{} \t\n"),
        ("SWP_API_KEY='old' # it's\n", "{} # it's\n"),
        ("# SWP_API_KEY=old\n", "# SWP_API_KEY=old\n{}\n"),
        // Quotes.
        ("SWP_API_KEY=\"o # l\\\"d\" \n", "{} \n"),
        ("SWP_API_KEY=\"one\ntwo\nthree\"\nB=2\n", "{}\nB=2\n"),
        ("SWP_API_KEY='never closed\nB=2\n", "{}\nB=2\n"),
        ("SWP_API_KEY='one'two\nB='2'\n", "{}\nB='2'\n"),
        (
            "A='\nSWP_API_KEY=text\n'\n",
            "A='\nSWP_API_KEY=text\n'\n{}\n",
        ),
        (
            "A=\"\nSWP_API_KEY=\\\"\n\" # c\nSWP_API_KEY=1",
            "A=\"\nSWP_API_KEY=\\\"\n\" # c\n{}",
        ),
        ("A=it's\nSWP_API_KEY=old\nB=it's\n", "A=it's\n{}\nB=it's\n"),
        // Other names.
        (
            "SWP_API_KEY_ID=3\nMY_SWP_API_KEY=4\n",
            "SWP_API_KEY_ID=3\nMY_SWP_API_KEY=4\n{}\n",
        ),
        (
            "SWP_API_KEY.X=3\nswp_api_key=4\n",
            "SWP_API_KEY.X=3\nswp_api_key=4\n{}\n",
        ),
        (
            "exportSWP_API_KEY=3\nexport SWP_API_KEY\n",
            "exportSWP_API_KEY=3\nexport SWP_API_KEY\n{}\n",
        ),
        ("export=3\n", "export=3\n{}\n"),
    ];
    for (before, after) in cases {
        let after = after.replace("{}", &format!("{NAME}={VALUE}"));
        assert_eq!(edited(before), after, "{before:?}");
        assert_eq!(edited(&after), after, "twice is once: {before:?}");
    }
}

#[test]
fn unset_restores_the_assignment_and_changes_nothing_else() {
    let cases = [
        ("A=1\nSWP_API_KEY={}\nB=2\n", None, Some("A=1\nB=2\n")),
        ("SWP_API_KEY={}", None, Some("")),
        ("A=1\r\nSWP_API_KEY={}\r\n", None, Some("A=1\r\n")),
        (
            "export SWP_API_KEY={} # c\n",
            Some("= \"o\nld\""),
            Some("export SWP_API_KEY= \"o\nld\" # c\n"),
        ),
        ("SWP_API_KEY=other\n", None, None),
        ("SWP_API_KEY={}x\n", Some("=old"), None),
        ("A={}\n", None, None),
    ];
    for (now, before, after) in cases {
        let now = now.replace("{}", VALUE);
        let undone = unset(now.as_bytes(), NAME, VALUE, before.map(str::as_bytes));
        let undone =
            undone.map(|text| text.map(|text| String::from_utf8_lossy(&text).into_owned()));
        assert_eq!(undone, Ok(after.map(str::to_owned)), "{now:?}");
    }
    let twice = format!("{NAME}={VALUE}\n{NAME}={VALUE}\n");
    assert!(unset(twice.as_bytes(), NAME, VALUE, None).is_err());
}

#[test]
fn an_unsupported_file_is_rejected_with_line_numbers() {
    let twice = check(b"SWP_API_KEY=1\nA='\n'\nexport SWP_API_KEY=2\n", NAME);
    let expected = "SWP_API_KEY is set more than once, on lines 1 and 4";
    assert_eq!(twice, Err(expected.to_owned()));
    let unclear = check(b"A='\nSWP_API_KEY='old'\nB='\n", NAME);
    assert!(unclear.is_err_and(|why| why.contains("is not closed")));
    assert!(check(b"A\0=\0", NAME).is_err(), "UTF-16");
    assert!(
        check(b"\xff\xe4=\n", NAME).is_ok(),
        "Latin-1 bytes are not changed"
    );
}

#[test]
fn a_line_with_something_besides_the_assignment_is_rejected() {
    for line in [
        "SWP_API_KEY=old B=x",
        "export SWP_API_KEY=old B=x",
        "export SWP_API_KEY=old OTHER",
        "export SWP_API_KEY='old' B=\"x y\" # c",
        "SWP_API_KEY= B=x",
        "SWP_API_KEY=old; export SWP_API_KEY",
        "SWP_API_KEY=\"old\";export SWP_API_KEY",
        "SWP_API_KEY='o ld' && export SWP_API_KEY",
        "SWP_API_KEY=old | cat",
        "export SWP_API_KEY=old \\",
        "SWP_API_KEY=it's B=x",
    ] {
        let content = format!("A=1\n{line}\n  B=2\n");
        let refused = check(content.as_bytes(), NAME).expect_err(line);
        assert!(
            refused.starts_with("line 2 contains more than"),
            "{refused}"
        );
        assert!(!refused.contains("=old"), "{refused}");
    }
    // A shell would use the second assignment.
    let later = "SWP_API_KEY=old\nexport A=1 SWP_API_KEY=older\n";
    let refused = check(later.as_bytes(), NAME).expect_err(later);
    assert!(refused.contains("on lines 1 and 2"), "{refused}");
}

#[test]
fn a_line_that_is_a_single_value_for_every_program_is_edited() {
    for (before, after) in [
        ("SWP_API_KEY=put your key here\n", "{}\n"),
        ("SWP_API_KEY=<your key>\n", "{}\n"),
        ("SWP_API_KEY='a; b=c' # B=x; y\n", "{} # B=x; y\n"),
        ("SWP_API_KEY=\"a b=c\"d\n", "{}\n"),
        ("export SWP_API_KEY=a\\ b\n", "export {}\n"),
        (
            "OPTIONS=-a B=x; y\nSWP_API_KEY=1\n",
            "OPTIONS=-a B=x; y\n{}\n",
        ),
        // The new line follows this line, and every program uses the last assignment.
        (
            "export A=1 SWP_API_KEY=2\n",
            "export A=1 SWP_API_KEY=2\n{}\n",
        ),
    ] {
        let after = after.replace("{}", &format!("{NAME}={VALUE}"));
        assert_eq!(edited(before), after, "{before:?}");
    }
}

#[test]
fn a_value_is_quoted_only_if_necessary() {
    let line = |value| set(b"", "K", value).map(|text| String::from_utf8_lossy(&text).into_owned());
    assert_eq!(line("a:b+c/d=").as_deref(), Ok("K=a:b+c/d=\n"));
    assert_eq!(line("a b").as_deref(), Ok("K='a b'\n"));
    assert_eq!(line("a#\"`~*").as_deref(), Ok("K='a#\"`~*'\n"));
    for value in ["it's", "a\\b", "a$b", "a\nb", "a\0b", "\u{85}"] {
        let refused = line(value).expect_err("this value is rejected");
        assert!(
            !refused.contains(value),
            "the message does not repeat the secret"
        );
    }
}

/// Parses a file whose quoted values do not span lines. This parser shares no code with the editor.
fn read(content: &str) -> Vec<(String, String)> {
    let assignments = content
        .trim_start_matches('\u{feff}')
        .lines()
        .filter_map(|line| {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, value) = line.split_once('=')?;
            let value = value.split(" #").next().unwrap_or_default().trim();
            let unquoted = value.trim_matches(|quote| quote == '\'' || quote == '"');
            (!line.starts_with('#')).then(|| (name.trim().to_owned(), unquoted.to_owned()))
        });
    assignments.collect()
}

fn file() -> impl Strategy<Value = String> {
    let other = prop::sample::select(vec![
        "",
        "# SWP_API_KEY=9",
        "A=1",
        "export B='two words'",
        "C=\"x\" # it's",
        "not an assignment",
        "  D = 4 ",
        "E=",
    ]);
    let ours = prop::option::of(prop::sample::select(vec![
        "SWP_API_KEY=old",
        "export SWP_API_KEY='o ld'",
        " SWP_API_KEY = \"o\" # c",
        "SWP_API_KEY=",
    ]));
    let line_break = prop::sample::select(vec!["\n", "\r\n"]);
    let parts = (
        prop::collection::vec(other, 0..8),
        ours,
        any::<prop::sample::Index>(),
        line_break,
        any::<bool>(),
    );
    parts.prop_map(|(mut lines, ours, at, line_break, ends)| {
        if let Some(ours) = ours {
            lines.insert(at.index(lines.len() + 1), ours);
        }
        let end = if ends { line_break } else { "" };
        lines.join(line_break) + end
    })
}

/// Failed cases are not stored in a file. They are added to the tables above by hand.
fn settings() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn a_reader_sees_the_new_value_and_nothing_else_changed(content in file()) {
        let mut expected = read(&content);
        match expected.iter_mut().find(|(name, _)| name == NAME) {
            Some((_, value)) => *value = VALUE.to_owned(),
            None => expected.push((NAME.to_owned(), VALUE.to_owned())),
        }
        let after = edited(&content);
        prop_assert_eq!(read(&after), expected);
        prop_assert_eq!(edited(&after), after.clone());
        let carriage_returns = if content.contains("\r\n") { after.matches('\n').count() } else { 0 };
        prop_assert_eq!(after.matches("\r\n").count(), carriage_returns);
        let foreign = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.contains(NAME)).map(str::to_owned).collect()
        };
        prop_assert_eq!(foreign(&after), foreign(&content));
    }

    /// For any content, an edit does not change the bytes before and after the value, and a second edit changes nothing.
    #[test]
    fn no_other_byte_of_any_file_changes(
        content in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec!["SWP_API_KEY", "SWP_API_KEY=", "export ", "'", "\"", "`", "\\", "#", " ", "\n", "\r\n", "=", "\u{feff}"])
                    .prop_map(|text| text.as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..4),
            ],
            0..24,
        )
    ) {
        let content = content.concat();
        let Ok(after) = set(&content, NAME, VALUE) else { return Ok(()) };
        let value = format!("={VALUE}");
        let places = after.windows(value.len()).enumerate();
        let kept = places.filter(|(_, window)| *window == value.as_bytes()).any(|(at, _)| {
            let (head, tail) = (&after[..at], &after[at + value.len()..]);
            let added = head.starts_with(&content) && [&b"\n"[..], b"\r\n"].contains(&tail);
            added || (content.starts_with(head) && content.ends_with(tail))
        });
        prop_assert!(kept, "{:?}", String::from_utf8_lossy(&after));
        let again = set(&after, NAME, VALUE);
        prop_assert_eq!(again.as_ref().map(|text| text.as_slice()), Ok(after.as_slice()));
        let before = assigned(&content, NAME).unwrap_or_default();
        let undone = unset(&after, NAME, VALUE, before.as_ref().map(|text| text.as_slice()));
        let undone = undone.ok().flatten().map(|text| text.to_vec());
        let line_break = |text: &[u8]| undone.as_deref().is_some_and(|undone| undone.strip_prefix(&*content) == Some(text));
        prop_assert!(line_break(b"") || line_break(b"\n") || line_break(b"\r\n"));
        let other = set(&content, NAME, "x").and_then(|text| set(&text, NAME, VALUE));
        prop_assert_eq!(other.as_ref().map(|text| text.as_slice()), Ok(after.as_slice()));
    }
}
