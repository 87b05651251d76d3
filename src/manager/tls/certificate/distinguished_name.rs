//! Formats the names in certificates according to RFC 4514.
//!
//! The crate `x509-cert` can format names too, but its table of object identifiers would add 180 kB to the binary.

use std::fmt::Write as _;

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Encode as _, Tag, Tagged as _};
use x509_cert::name::{Name, RelativeDistinguishedName};

/// The short names of attributes. The names come from RFC 4514 (section 3), from x509-cert (other common attributes) and from OpenSSL (attributes of
/// extended validation).
const SHORT: [(ObjectIdentifier, &str); 20] = [
    (oid("2.5.4.3"), "CN"),
    (oid("2.5.4.7"), "L"),
    (oid("2.5.4.8"), "ST"),
    (oid("2.5.4.10"), "O"),
    (oid("2.5.4.11"), "OU"),
    (oid("2.5.4.6"), "C"),
    (oid("2.5.4.9"), "STREET"),
    (oid("0.9.2342.19200300.100.1.25"), "DC"),
    (oid("0.9.2342.19200300.100.1.1"), "UID"),
    (oid("1.2.840.113549.1.9.1"), "EMAIL"),
    (oid("2.5.4.5"), "SERIALNUMBER"),
    (oid("2.5.4.4"), "SN"),
    (oid("2.5.4.42"), "GIVENNAME"),
    (oid("2.5.4.12"), "TITLE"),
    (oid("2.5.4.13"), "DESCRIPTION"),
    (oid("2.5.4.17"), "POSTALCODE"),
    (oid("2.5.4.15"), "BUSINESSCATEGORY"),
    (oid("1.3.6.1.4.1.311.60.2.1.1"), "JURISDICTIONL"),
    (oid("1.3.6.1.4.1.311.60.2.1.2"), "JURISDICTIONST"),
    (oid("1.3.6.1.4.1.311.60.2.1.3"), "JURISDICTIONC"),
];

const fn oid(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}

/// Returns the whole name. As in RFC 4514, section 2.1, the last part of the name comes first.
pub(crate) fn format(name: &Name) -> String {
    let mut parts: Vec<String> = name.as_ref().iter().map(part).collect();
    parts.reverse();
    parts.join(",")
}

fn part(part: &RelativeDistinguishedName) -> String {
    let attributes = part.iter().map(attribute);
    attributes.collect::<Vec<_>>().join("+")
}

fn attribute(attribute: &AttributeTypeAndValue) -> String {
    let known = SHORT.iter().find(|(known, _)| *known == attribute.oid);
    match (known, text(attribute)) {
        (Some((_, short)), Some(text)) => format!("{short}={}", escaped(&text)),
        // The value is written in hex if the attribute has no short name, or if the value is not text (RFC 4514, section 2.4).
        _ => {
            let mut hex = format!("{}=#", attribute.oid);
            for byte in attribute.value.to_der().unwrap_or_default() {
                let _ = write!(hex, "{byte:02x}");
            }
            hex
        }
    }
}

/// Returns the text of an attribute with any ASN.1 string type. `None` if the value is not text. Old CAs use BMPString (UTF-16) and T61String, which
/// is decoded as Latin-1.
fn text(attribute: &AttributeTypeAndValue) -> Option<String> {
    let value = &attribute.value;
    let bytes = value.value();
    match value.tag() {
        Tag::PrintableString
        | Tag::Utf8String
        | Tag::Ia5String
        | Tag::NumericString
        | Tag::VisibleString => String::from_utf8(bytes.to_vec()).ok(),
        Tag::TeletexString | Tag::GeneralString => {
            Some(bytes.iter().copied().map(char::from).collect())
        }
        Tag::BmpString if bytes.len().is_multiple_of(2) => {
            let units = bytes
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

/// Escapes special characters with a backslash (RFC 4514, section 2.4).
fn escaped(text: &str) -> String {
    let last = text.len().saturating_sub(1);
    let mut escaped = String::with_capacity(text.len());
    for (index, character) in text.char_indices() {
        let special = match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => true,
            ' ' => index == 0 || index == last,
            '#' => index == 0,
            _ => false,
        };
        if character.is_ascii_control() {
            let _ = write!(escaped, "\\{:02x}", u32::from(character));
            continue;
        }
        if special {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    #[test]
    fn names_are_formatted_as_in_x509_cert() -> Result<(), Box<dyn std::error::Error>> {
        assert_eq!(format(&Name::default()), "");
        for text in [
            "CN=localhost",
            "CN=dsm.example.com,OU=Deep Security,O=Trend Micro\\, Inc.,L=Irving,ST=Texas,C=US",
            "CN=a+UID=b,DC=example,DC=com",
            "SERIALNUMBER=12,TITLE=x,POSTALCODE=75039,BUSINESSCATEGORY=Private Organization,DESCRIPTION=a,SN=b",
            "CN=\\#1\\+2\\\"\\;\\<\\>\\\\,STREET=\\ both ends\\ ",
            "CN=\\0a\\1b[31m\\7f",
            "CN=Bücher,O=\\ ",
            "EMAIL=a@example.com",
            "1.2.3.4=#0c0161",
            "CN=#0401ff",
        ] {
            let name = Name::from_str(text).map_err(|error| format!("{text}: {error}"))?;
            assert_eq!(format(&name), name.to_string(), "{text}");
        }
        Ok(())
    }

    #[test]
    fn every_string_type_is_decoded() -> Result<(), Box<dyn std::error::Error>> {
        for (encoded, shown) in [
            ("CN=#1405fc62657221", "CN=über!"),
            ("CN=#1e0400fc2603", "CN=ü\u{2603}"),
            ("CN=#1e08d83dde0000610062", "CN=\u{1f600}ab"),
            ("CN=#1203313233", "CN=123"),
            ("CN=#1a03612c62", "CN=a\\,b"),
            // These values are not text: half a character, half a surrogate pair, invalid UTF-8.
            ("CN=#1e0300fc26", "2.5.4.3=#1e0300fc26"),
            ("CN=#1e02d83d", "2.5.4.3=#1e02d83d"),
            ("CN=#0c01ff", "2.5.4.3=#0c01ff"),
        ] {
            let name = Name::from_str(encoded).map_err(|error| format!("{encoded}: {error}"))?;
            assert_eq!(format(&name), shown, "{encoded}");
        }
        Ok(())
    }
}
