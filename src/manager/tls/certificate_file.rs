//! Parses a certificate file. The file contains PEM as written by OpenSSL and Windows, or one certificate in DER.
//!
//! A user may pass the wrong file, which may contain a private key. So errors consist of fixed text and a line number, and never quote the file.

use std::borrow::Cow;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, TagNumber};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// The PEM labels of certificates: the label of RFC 7468, an older label, and OpenSSL's label for certificates with trust settings.
const LABELS: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", TRUSTED];
const TRUSTED: &str = "TRUSTED CERTIFICATE";
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const JOINED_LINES: &str = "a line break is missing before or after a BEGIN or END line";
const UNDECODABLE: &str = "the certificate cannot be decoded";

/// The certificates in the user's certificate file.
#[derive(Debug, Clone, Default)]
pub(crate) struct CertificateFile {
    /// The certificates. Empty if the user set no certificate file.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// The flag, environment variable or profile field that names the file. Messages name it.
    pub(crate) source: String,
}

/// Returns the certificates in the content of a file. A certificate is omitted if its OpenSSL trust settings do not allow its use for TLS servers.
///
/// # Errors
/// Returns an error if there is no certificate, or if a certificate cannot be parsed. The error is a predicate that follows the name of the file,
/// such as "contains no certificate".
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if let Some(certificate) = der(bytes) {
        return Ok(vec![certificate]);
    }
    if let Some(other) = other_format(bytes) {
        return Err(other.to_owned());
    }
    let text = decoded(bytes);
    let (mut certificates, mut has_rejected) = (Vec::new(), false);
    for section in sections(&text)? {
        let unreadable = || {
            format!(
                "is not a valid PEM file: line {}: {UNDECODABLE}",
                section.line
            )
        };
        let der = section.der().ok_or_else(unreadable)?;
        let mut certificate = der;
        if section.label == TRUSTED {
            let (own, settings) = first_object(&certificate).ok_or_else(unreadable)?;
            if !settings.is_empty() && !allows_servers(settings).ok_or_else(unreadable)? {
                has_rejected = true;
                continue;
            }
            certificate = own.to_vec().into();
        }
        // A certificate that rustls cannot use is rejected here, because rustls would not report the line number.
        if webpki::anchor_from_trusted_cert(&certificate).is_err() {
            let line = section.line;
            return Err(format!(
                "is not a valid PEM file: line {line}: the section does not contain a certificate"
            ));
        }
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        return Err(if has_rejected {
            "contains only certificates that are not trusted for TLS servers, according to the trust settings in the file".to_owned()
        } else {
            missing(&text)
        });
    }
    Ok(certificates)
}

/// Returns the certificate if the content is a certificate in DER.
fn der(bytes: &[u8]) -> Option<CertificateDer<'static>> {
    let certificate = CertificateDer::from(bytes);
    webpki::anchor_from_trusted_cert(&certificate).ok()?;
    Some(certificate.into_owned())
}

/// Returns the error for a file in a format that is not supported. `None` if the format is not recognised.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    const JAVA: [&[u8]; 2] = [&[0xfe, 0xed, 0xfe, 0xed], &[0xce, 0xce, 0xce, 0xce]];
    if JAVA.iter().any(|magic| bytes.starts_with(magic)) {
        return Some(
            "is a Java keystore, not PEM; export a certificate with `keytool -exportcert -rfc`",
        );
    }
    // A file that begins with a DER sequence may be a PKCS #12 file, a PKCS #7 file or a private key.
    matches!(bytes, [0x30, 0x80..=0x84, ..]).then_some(
        "is DER, but not a certificate; if it is a PKCS #12 or PKCS #7 file, convert it to PEM with `openssl`",
    )
}

/// Decodes the content of a file: UTF-8 with or without a byte order mark, or UTF-16 as written by PowerShell.
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

/// Returns the reason why the file contains no certificate.
fn missing(text: &str) -> String {
    let label =
        (text.lines()).find_map(|line| line.trim().strip_prefix(BEGIN)?.strip_suffix(DASHES));
    match label {
        Some(label) if label.ends_with("PRIVATE KEY") => {
            "contains a private key but no certificate".to_owned()
        }
        Some(label) if label.ends_with("CERTIFICATE REQUEST") => {
            "contains a certificate request but no certificate".to_owned()
        }
        Some("PKCS7" | "CMS") => {
            "is a PKCS #7 file; extract its certificates with `openssl pkcs7 -print_certs`"
                .to_owned()
        }
        _ => "contains no certificate".to_owned(),
    }
}

/// A PEM section with a certificate.
struct PemSection<'a> {
    /// The line number of the BEGIN line.
    line: usize,
    label: &'static str,
    /// The lines between the BEGIN line and the END line.
    body: Vec<&'a str>,
}

impl PemSection<'_> {
    /// Decodes the section. Returns `None` if the section is not valid base64.
    fn der(&self) -> Option<CertificateDer<'static>> {
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            self.body.join("\n")
        );
        CertificateDer::from_pem_slice(pem.as_bytes()).ok()
    }
}

/// Returns the sections of a PEM text that contain certificates. All other sections are ignored.
fn sections(text: &str) -> Result<Vec<PemSection<'_>>, String> {
    let broken =
        |line: usize, reason: &str| Err(format!("is not a valid PEM file: line {line}: {reason}"));
    let mut sections = Vec::new();
    let mut open: Option<(usize, &str, Vec<&str>)> = None;
    // As in other PEM parsers, a single CR also ends a line.
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
                return broken(number, JOINED_LINES);
            };
            if let Some((begun, ..)) = open {
                return broken(begun, "the PEM section has no END line");
            }
            open = Some((number, label, Vec::new()));
        } else if let Some(rest) = line.strip_prefix(END) {
            let Some((begun, label, body)) = open.take() else {
                return broken(number, "the PEM section has no BEGIN line");
            };
            let ended = rest.strip_suffix(DASHES);
            if ended.is_none_or(|ended| ended.contains(DASHES)) {
                return broken(number, JOINED_LINES);
            }
            if ended != Some(label) {
                return broken(
                    number,
                    "the END line of the PEM section does not match its BEGIN line",
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
            return broken(number, JOINED_LINES);
        } else if let Some((_, _, body)) = &mut open {
            body.push(line);
        }
    }
    match open {
        Some((begun, ..)) => broken(begun, "the PEM section has no END line"),
        None => Ok(sections),
    }
}

/// Splits bytes into the first DER object and the remaining bytes.
fn first_object(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let object = AnyRef::decode(&mut reader).ok()?;
    let length = usize::try_from(u32::from(object.encoded_len().ok()?)).ok()?;
    bytes.split_at_checked(length)
}

/// Returns true if OpenSSL's trust settings (`X509_CERT_AUX`) allow the use of a certificate for TLS servers. The settings list the trusted purposes
/// and the rejected purposes. `None` if the settings cannot be parsed.
fn allows_servers(settings: &[u8]) -> Option<bool> {
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
