//! Random bytes in the forms that the manager gives them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};

use crate::sandbox::options::SecretShape;

/// So many random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system has random bytes");
    bytes
}

/// 32 upper-case hex digits, as sID and RID are (manager-api.md, section 3).
pub(crate) fn hex32() -> String {
    random::<16>()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect()
}

/// A GUID in its usual form.
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

/// A random password for a sandbox that somebody types at.
pub(crate) fn password() -> String {
    STANDARD.encode(random::<18>())
}

/// A fresh secret key for the key of this ID.
pub(crate) fn secret_key(shape: SecretShape, id: i64) -> String {
    let random = STANDARD.encode(random::<32>());
    match shape {
        SecretShape::IdBase64 => format!("{id}:{random}"),
        SecretShape::GuidBase64 => format!("{}:{random}", guid()),
        SecretShape::GuidGuidBase64 => format!("{}:{}:{random}", guid(), guid()),
        SecretShape::CloudOne => format!("tmc{}:{random}", &hex32()[..12]),
    }
}
