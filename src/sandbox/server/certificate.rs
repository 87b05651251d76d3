//! The certificate of the simulated manager. Its private key is generated at every start and never written to disk.

use std::net::IpAddr;

use anyhow::Context;
use chrono::{Datelike, Days, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::sandbox::options::settings::CertificateKind;

/// The certificate chain of the server, its private key, and the certificate that clients must trust.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) trusted_pem: String,
}

/// Generates a certificate of this kind. The certificate is valid for the loopback names and for `address`.
pub(crate) fn make(kind: CertificateKind, address: IpAddr) -> anyhow::Result<Identity> {
    let key = KeyPair::generate().context("could not generate a key pair")?;
    let leaf = leaf(kind, address)?;
    let (certificate, trusted_pem) = match kind {
        CertificateKind::OwnCa | CertificateKind::UnknownCa => {
            let (issuer, pem) = authority("swp-keys sandbox CA")?;
            let certificate = leaf.signed_by(&key, &issuer)?;
            let trusted = if kind == CertificateKind::OwnCa {
                pem
            } else {
                authority("swp-keys sandbox other CA")?.1
            };
            (certificate, trusted)
        }
        _ => {
            let certificate = leaf.self_signed(&key)?;
            let pem = certificate.pem();
            (certificate, pem)
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(Identity {
        chain: vec![certificate.der().clone()],
        key,
        trusted_pem,
    })
}

fn leaf(kind: CertificateKind, address: IpAddr) -> anyhow::Result<CertificateParams> {
    let mut names = match kind {
        CertificateKind::WrongName => vec!["dsm.example.com".to_owned()],
        _ => vec![
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
        ],
    };
    // The listen address is added to the host names of the certificate, because it can be any address in 127.0.0.0/8.
    let address = address.to_string();
    if kind != CertificateKind::WrongName && !names.contains(&address) {
        names.push(address);
    }
    let common_name = names[0].clone();
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if kind == CertificateKind::SelfSignedCa {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    }
    // The first and the last day on which the certificate is valid, relative to today. The period is shorter than 398 days, because some
    // verifiers reject certificates with a longer period.
    let (from, until) = match kind {
        CertificateKind::Expired => (-700, -365),
        CertificateKind::NotYetValid => (365, 700),
        _ => (-1, 365),
    };
    set_validity(&mut params, from, until)?;
    Ok(params)
}

fn authority(name: &str) -> anyhow::Result<(Issuer<'static, KeyPair>, String)> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, -1, 365)?;
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    Ok((Issuer::new(params, key), pem))
}

fn set_validity(params: &mut CertificateParams, from: i64, until: i64) -> anyhow::Result<()> {
    let day = |offset: i64| {
        let today = Utc::now().date_naive();
        let days = Days::new(offset.unsigned_abs());
        let day = if offset < 0 {
            today.checked_sub_days(days)
        } else {
            today.checked_add_days(days)
        };
        let day = day.context("the date is out of range")?;
        anyhow::Ok(date_time_ymd(
            day.year(),
            u8::try_from(day.month())?,
            u8::try_from(day.day())?,
        ))
    };
    params.not_before = day(from)?;
    params.not_after = day(until)?;
    Ok(())
}
