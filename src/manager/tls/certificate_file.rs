//! Reads the certificates of a file: PEM as OpenSSL and Windows write it, or one certificate in DER.
//!
//! The file may be the wrong one, and hold a private key: no error quotes a byte of it. A reason is fixed words and a line.

use std::borrow::Cow;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, TagNumber};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// The labels of certificates: RFC 7468's, an older one, and that of OpenSSL's certificates with trust settings.
const LABELS: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", TRUSTED];
const TRUSTED: &str = "TRUSTED CERTIFICATE";
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const NO_LINES: &str = "a PEM line is joined with another one";
const NOT_READABLE: &str = "the certificate cannot be decoded";

/// The certificates in these bytes. OpenSSL's trust settings count: what they do not trust for servers is left out.
///
/// # Errors
/// In words for "FILE ...", if there is none, or one that cannot be read.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if let Some(certificate) = der(bytes) {
        return Ok(vec![certificate]);
    }
    if let Some(other) = other_format(bytes) {
        return Err(other.to_owned());
    }
    let text = decoded(bytes);
    let (mut certificates, mut distrusted) = (Vec::new(), false);
    for section in sections(&text)? {
        let unreadable = || {
            format!(
                "is not a usable PEM file: line {}: {NOT_READABLE}",
                section.line
            )
        };
        let der = section.der().ok_or_else(unreadable)?;
        let mut certificate = der;
        if section.label == TRUSTED {
            let (own, settings) = first_object(&certificate).ok_or_else(unreadable)?;
            if !settings.is_empty() && !trusts_servers(settings).ok_or_else(unreadable)? {
                distrusted = true;
                continue;
            }
            certificate = own.to_vec().into();
        }
        // What cannot be trusted is found here, where the file and the line are known.
        if webpki::anchor_from_trusted_cert(&certificate).is_err() {
            let line = section.line;
            return Err(format!(
                "is not a usable PEM file: line {line}: what the section holds is not a certificate"
            ));
        }
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        return Err(if distrusted {
            "holds no certificate that its trust settings allow for TLS servers".to_owned()
        } else {
            nothing(&text)
        });
    }
    Ok(certificates)
}

/// One certificate as it is, without PEM.
fn der(bytes: &[u8]) -> Option<CertificateDer<'static>> {
    let certificate = CertificateDer::from(bytes);
    webpki::anchor_from_trusted_cert(&certificate).ok()?;
    Some(certificate.into_owned())
}

/// What else people have certificates in.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    const JAVA: [&[u8]; 2] = [&[0xfe, 0xed, 0xfe, 0xed], &[0xce, 0xce, 0xce, 0xce]];
    if JAVA.iter().any(|magic| bytes.starts_with(magic)) {
        return Some(
            "is a Java keystore, not PEM: `keytool -exportcert -rfc` writes a certificate of it",
        );
    }
    // A sequence of some length: PKCS #12, PKCS #7, a key.
    matches!(bytes, [0x30, 0x80..=0x84, ..]).then_some(
        "is in DER, and not one certificate: it may be a PKCS #12 or PKCS #7 file, or a key; `openssl` converts it to PEM",
    )
}

/// The text of a file: UTF-8 or ASCII, with or without a byte order mark, or UTF-16 as PowerShell writes it.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        [0xff, 0xfe, rest @ ..] => Cow::Owned(wide(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(wide(rest, u16::from_be_bytes)),
        _ => String::from_utf8_lossy(bytes),
    }
}

/// Why no certificate was found.
fn nothing(text: &str) -> String {
    let label =
        (text.lines()).find_map(|line| line.trim().strip_prefix(BEGIN)?.strip_suffix(DASHES));
    match label {
        Some(label) if label.ends_with("PRIVATE KEY") => {
            "holds no certificate, but a private key".to_owned()
        }
        Some(label) if label.ends_with("CERTIFICATE REQUEST") => {
            "holds no certificate, but a request for one".to_owned()
        }
        Some("PKCS7" | "CMS") => {
            "holds no certificate, but PKCS #7: `openssl pkcs7 -print_certs` writes those in it"
                .to_owned()
        }
        _ => "holds no certificate".to_owned(),
    }
}

/// A certificate in PEM.
struct PemSection<'a> {
    /// The line of its beginning.
    line: usize,
    label: &'static str,
    /// The lines between beginning and end.
    body: Vec<&'a str>,
}

impl PemSection<'_> {
    /// Its bytes; `None` if they cannot be decoded.
    fn der(&self) -> Option<CertificateDer<'static>> {
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            self.body.join("\n")
        );
        CertificateDer::from_pem_slice(pem.as_bytes()).ok()
    }
}

/// The certificates in a PEM text; other sections are passed over unread.
fn sections(text: &str) -> Result<Vec<PemSection<'_>>, String> {
    let broken =
        |line: usize, reason: &str| Err(format!("is not a usable PEM file: line {line}: {reason}"));
    let mut sections = Vec::new();
    let mut open: Option<(usize, &str, Vec<&str>)> = None;
    // A lone CR ends a line too, as it does for those who read PEM elsewhere.
    let lines = text.split('\n').flat_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    });
    for (index, line) in lines.enumerate() {
        let (number, line) = (index + 1, line.trim());
        if let Some(rest) = line.strip_prefix(BEGIN) {
            let Some(label) = rest
                .strip_suffix(DASHES)
                .filter(|label| !label.contains(DASHES))
            else {
                return broken(number, NO_LINES);
            };
            if let Some((begun, ..)) = open {
                return broken(begun, "a PEM section has no end");
            }
            open = Some((number, label, Vec::new()));
        } else if let Some(rest) = line.strip_prefix(END) {
            let Some((begun, label, body)) = open.take() else {
                return broken(number, "a PEM section ends that did not begin");
            };
            let ended = rest.strip_suffix(DASHES);
            if ended.is_none_or(|ended| ended.contains(DASHES)) {
                return broken(number, NO_LINES);
            }
            if ended != Some(label) {
                return broken(
                    number,
                    "the end of a PEM section does not fit its beginning",
                );
            }
            if let Some(label) = LABELS.into_iter().find(|known| *known == label) {
                sections.push(PemSection {
                    line: begun,
                    label,
                    body,
                });
            }
        } else if line.contains(BEGIN) || line.contains(END) {
            return broken(number, NO_LINES);
        } else if let Some((_, _, body)) = &mut open {
            body.push(line);
        }
    }
    match open {
        Some((begun, ..)) => broken(begun, "a PEM section has no end"),
        None => Ok(sections),
    }
}

/// The first DER object, and what comes behind it.
fn first_object(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let object = AnyRef::decode(&mut reader).ok()?;
    let length = usize::try_from(u32::from(object.encoded_len().ok()?)).ok()?;
    bytes.split_at_checked(length)
}

/// Whether OpenSSL's trust settings (`X509_CERT_AUX`) let a certificate vouch for TLS servers: the purposes that it is trusted for, if
/// any are named, and those that it is rejected for. `None` if they cannot be read.
fn trusts_servers(settings: &[u8]) -> Option<bool> {
    const REJECTED: TagNumber = TagNumber(0);
    let (mut trusted, mut rejected) = (None, Vec::new());
    let mut reader = SliceReader::new(settings).ok()?;
    reader
        .sequence(|inner| {
            while !inner.is_finished() {
                let part = AnyRef::decode(inner)?;
                match x509_cert::der::Tagged::tag(&part) {
                    Tag::Sequence => trusted = Some(purposes(part.value())?),
                    Tag::ContextSpecific { number, .. } if number == REJECTED => {
                        rejected = purposes(part.value())?;
                    }
                    _ => {}
                }
            }
            Ok::<_, x509_cert::der::Error>(())
        })
        .ok()?;
    let covers = |purposes: &[ObjectIdentifier]| {
        purposes.contains(&SERVER_AUTH) || purposes.contains(&ANY_PURPOSE)
    };
    Some(!covers(&rejected) && trusted.as_deref().is_none_or(covers))
}

fn purposes(mut list: &[u8]) -> Result<Vec<ObjectIdentifier>, x509_cert::der::Error> {
    let mut purposes = Vec::new();
    while !list.is_empty() {
        let mut reader = SliceReader::new(list)?;
        purposes.push(ObjectIdentifier::decode(&mut reader)?);
        let read = usize::try_from(u32::from(reader.position())).unwrap_or(list.len());
        list = list.get(read..).unwrap_or_default();
    }
    Ok(purposes)
}
