//! The contents of a certificate. Nothing here decides whether one is trusted.
//!
//! Certificates are parsed by x509-cert, because webpki does not expose what is shown here.

mod alternative_names;
mod details;
mod distinguished_name;
mod fields;
mod key;

pub(crate) use details::CertificateDetails;
pub(crate) use fields::CertificateFields;
pub(crate) use key::{UnusableCertificate, unusable};
