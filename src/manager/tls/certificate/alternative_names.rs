//! Parses the hosts that a certificate is valid for: its subject alternative names. The names are parsed one by one, so that the names before a
//! malformed name can still be used.

use std::net::IpAddr;

use x509_cert::Certificate;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};

const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
/// The types of names that identify a host (RFC 5280, section 4.2.1.6). E-mail addresses, URIs and directory names do not identify a host.
const DNS_NAME: TagNumber = TagNumber(2);
const IP_ADDRESS: TagNumber = TagNumber(7);

/// Returns the hosts and addresses that a certificate is valid for.
pub(crate) fn hosts(certificate: &Certificate) -> Vec<String> {
    let extensions = certificate.tbs_certificate().extensions();
    let names = (extensions.into_iter().flatten())
        .find(|extension| extension.extn_id == SUBJECT_ALTERNATIVE_NAME);
    let mut hosts = Vec::new();
    if let Some(names) = names
        && let Ok(mut reader) = SliceReader::new(names.extn_value.as_bytes())
    {
        // At a malformed name, parsing stops without an error, so that the names before it can still be used.
        let _ = reader.sequence(|inner| {
            while !inner.is_finished() {
                hosts.extend(host(AnyRef::decode(inner)?));
            }
            Ok::<_, x509_cert::der::Error>(())
        });
    }
    hosts
}

fn host(name: AnyRef<'_>) -> Option<String> {
    let Tag::ContextSpecific { number, .. } = name.tag() else {
        return None;
    };
    let bytes = name.value();
    if number == IP_ADDRESS {
        let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
        let v6 = <[u8; 16]>::try_from(bytes).map(IpAddr::from);
        return v4.or(v6).ok().map(|address| address.to_string());
    }
    (number == DNS_NAME).then(|| {
        let text = String::from_utf8_lossy(bytes);
        // A DNS name that looks like an IP address gets the prefix `DNS:`, because the certificate is not valid for that IP address.
        if text.parse::<IpAddr>().is_ok() {
            format!("DNS:{text}")
        } else {
            text.into_owned()
        }
    })
}
