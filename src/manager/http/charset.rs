//! The character set of a body. JSON is UTF-8, but some servers send JSON and web pages in ISO-8859-1.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use zeroize::Zeroizing;

/// The characters for the bytes 0x80 to 0x9f in windows-1252. In ISO-8859-1 these bytes are control characters, which do not occur in text. So
/// ISO-8859-1 is decoded as windows-1252 too, as in browsers.
const WINDOWS_1252: &str = "\u{20ac}\u{81}\u{201a}\u{192}\u{201e}\u{2026}\u{2020}\u{2021}\u{2c6}\u{2030}\u{160}\u{2039}\u{152}\u{8d}\u{17d}\u{8f}\
    \u{90}\u{2018}\u{2019}\u{201c}\u{201d}\u{2022}\u{2013}\u{2014}\u{2dc}\u{2122}\u{161}\u{203a}\u{153}\u{9d}\u{17e}\u{178}";
const NAMES: [&str; 6] = [
    "iso-8859-1",
    "iso8859-1",
    "iso_8859-1",
    "latin1",
    "windows-1252",
    "cp1252",
];

/// Converts a body to UTF-8 if its Content-Type names ISO-8859-1 or windows-1252. A body that is valid UTF-8 is not converted: either it is pure
/// ASCII, or its Content-Type is almost certainly wrong.
pub(crate) fn to_utf8(headers: &HeaderMap, body: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    if !is_latin(headers) || std::str::from_utf8(&body).is_ok() {
        return body;
    }
    // One byte becomes at most three bytes of UTF-8. The buffer is allocated once at full size, because reallocation would leave copies of a secret
    // in memory.
    let mut text = Zeroizing::new(String::with_capacity(3 * body.len()));
    for byte in body.iter() {
        let high = byte.checked_sub(0x80).map(usize::from);
        let special = high.and_then(|place| WINDOWS_1252.chars().nth(place));
        text.push(special.unwrap_or_else(|| char::from(*byte)));
    }
    Zeroizing::new(std::mem::take(&mut *text).into_bytes())
}

fn is_latin(headers: &HeaderMap) -> bool {
    let media = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media = media.unwrap_or_default().to_ascii_lowercase();
    let named = media.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        (name.trim() == "charset").then(|| value.trim().trim_matches('"').to_owned())
    });
    named.is_some_and(|named| NAMES.contains(&named.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(media: &str, body: &[u8]) -> Vec<u8> {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            media.parse().unwrap_or_else(|why| panic!("{why}")),
        );
        to_utf8(&headers, Zeroizing::new(body.to_vec())).to_vec()
    }

    #[test]
    fn a_body_is_decoded_according_to_its_content_type() {
        for media in [
            "application/json;charset=ISO-8859-1",
            "application/json; charset=\"iso-8859-1\"",
            "text/html; x=1; Charset=windows-1252",
        ] {
            assert_eq!(
                read(media, b"Pr\xfcfer \x80"),
                "Pr\u{fc}fer \u{20ac}".as_bytes(),
                "{media}"
            );
            assert_eq!(
                read(media, "Pr\u{fc}fer".as_bytes()),
                "Pr\u{fc}fer".as_bytes()
            );
        }
        for media in [
            "application/json",
            "application/json;charset=utf-8",
            "text/plain",
        ] {
            assert_eq!(read(media, b"Pr\xfcfer"), b"Pr\xfcfer", "{media}");
        }
        assert_eq!(WINDOWS_1252.chars().count(), 32);
    }
}
