//! Parses the contents of certificates. These modules do not decide whether a certificate is trusted.
//!
//! The crate `x509-cert` parses the certificates, because webpki does not expose all fields that this program shows.

mod alternative_names;
mod details;
mod distinguished_name;
mod fields;
mod key;

pub(crate) use details::CertificateDetails;
pub(crate) use fields::CertificateFields;
pub(crate) use key::{UnusableCertificate, unusable};
