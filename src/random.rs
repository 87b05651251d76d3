//! Random numbers from the operating system, read through the cryptography library that TLS uses.

use ring::rand::{SecureRandom, SystemRandom};

/// Returns `bytes` random bytes as lower-case hexadecimal digits.
///
/// # Panics
/// Panics if the operating system has no random source. The program cannot continue safely without one.
#[must_use]
pub(crate) fn hex(bytes: usize) -> String {
    let mut buffer = vec![0_u8; bytes];
    fill(&mut buffer);
    buffer.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a random number in `0.0..1.0`. It is used as jitter for pauses.
#[must_use]
pub(crate) fn fraction() -> f64 {
    let mut buffer = [0_u8; 4];
    fill(&mut buffer);
    f64::from(u32::from_le_bytes(buffer)) / (f64::from(u32::MAX) + 1.0)
}

fn fill(buffer: &mut [u8]) {
    SystemRandom::new()
        .fill(buffer)
        .expect("the operating system has a random source");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_has_two_digits_per_byte_and_differs_each_time() {
        let (one, two) = (hex(4), hex(4));
        assert_eq!(one.len(), 8);
        assert!(one.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(one, two);
    }

    #[test]
    fn fraction_stays_below_one() {
        assert!((0..1000).all(|_| (0.0..1.0).contains(&fraction())));
    }
}
