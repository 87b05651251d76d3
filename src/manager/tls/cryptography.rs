//! The cryptography that TLS is spoken with.

use std::sync::Arc;

use rustls::CipherSuite;
use rustls::crypto::{CryptoProvider, KeyProvider};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;

/// ring, not the default provider: that one costs about 30 ms at every start (design.md, "Libraries"). Without what makes signatures:
/// whoever signs in here does so above TLS, and what is never called is not in the binary.
///
/// In TLS 1.3, AES with 128 bits is offered before that with 256, as browsers do and Mozilla's guideline for TLS says: it is as safe as the key
/// exchange beside it, and its handshake is hashed by the SHA-256 that processors have instructions for. A manager that wants 256 bits
/// takes them.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::ring::default_provider();
    let mut suites = provider.cipher_suites.iter();
    let first = suites.position(|suite| suite.suite() == CipherSuite::TLS13_AES_128_GCM_SHA256);
    if let Some(first) = first {
        provider.cipher_suites.swap(0, first);
    }
    provider.key_provider = &NoKeys;
    Arc::new(provider)
}

/// This client has no certificate, and so no key.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(
        &self,
        _key: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("this client has no key".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aes_with_128_bits_is_offered_first_and_nothing_is_left_out() {
        let suites = |provider: &CryptoProvider| -> Vec<CipherSuite> {
            let suites = provider.cipher_suites.iter();
            suites.map(rustls::SupportedCipherSuite::suite).collect()
        };
        let (mut offered, theirs) = (
            suites(&provider()),
            suites(&rustls::crypto::ring::default_provider()),
        );
        assert_eq!(offered[0], CipherSuite::TLS13_AES_128_GCM_SHA256);
        assert_eq!(offered[1], CipherSuite::TLS13_AES_256_GCM_SHA384);
        offered.swap(0, 1);
        assert_eq!(offered, theirs);
    }
}
