//! Random values in the formats that the manager uses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};

use crate::sandbox::options::settings::SecretShape;

/// Returns `N` random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system has a random source");
    bytes
}

/// Returns 32 random hexadecimal digits in upper case. A session ID (sID) and an RID have this format (`docs/manager-api.md`, "Sign-in").
pub(crate) fn hex32() -> String {
    random::<16>()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect()
}

/// Returns a random GUID in the usual format.
pub(crate) fn guid() -> String {
    let hex = hex32();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// Returns a random password.
pub(crate) fn password() -> String {
    STANDARD.encode(random::<18>())
}

/// Returns a new secret for the API key with this ID.
pub(crate) fn secret_key(shape: SecretShape, id: i64) -> String {
    let random = STANDARD.encode(random::<32>());
    match shape {
        SecretShape::IdBase64 => format!("{id}:{random}"),
        SecretShape::GuidBase64 => format!("{}:{random}", guid()),
        SecretShape::GuidGuidBase64 => format!("{}:{}:{random}", guid(), guid()),
        SecretShape::CloudOne => format!("tmc{}:{random}", &hex32()[..12]),
    }
}
