//! Keyed hashes of secrets. A folder of state files has the file `key` with random bytes that are generated once, so a hash does not reveal a short
//! secret to someone who has only the hash.

use std::fs::File;
use std::io;

use ring::hmac;

use super::file_lock::lock_within_limit;
use super::state_dir::Folder;
use crate::random;

/// The name of the file that contains the key.
pub(crate) const KEY: &str = "key";
const KEY_BYTES: usize = 32;

/// Returns a keyed hash of the parts. The length of each part is hashed before the part, so that different lists are different inputs of the hash.
pub(crate) fn hash(key: &hmac::Key, parts: &[&[u8]]) -> String {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    let tag = context.sign();
    let digits = tag.as_ref().iter().take(16);
    digits.map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the key of a folder, or `None` if the folder has no valid key.
///
/// # Errors
/// Returns the system's error.
pub(crate) fn existing_key(folder: &Folder) -> io::Result<Option<hmac::Key>> {
    Ok(folder.read(KEY)?.and_then(|content| key_from(&content)))
}

fn key_from(content: &[u8]) -> Option<hmac::Key> {
    let whole = content.len() == 2 * KEY_BYTES && content.iter().all(u8::is_ascii_hexdigit);
    whole.then(|| hmac::Key::new(hmac::HMAC_SHA256, content))
}

/// Locks the file `key`, which contains the HMAC key. Returns the file and the HMAC key. Creates the file if it does not exist.
///
/// # Errors
/// Returns the system's error, or an error if the file is locked for too long.
pub(crate) fn locked_key(folder: &Folder) -> io::Result<(File, hmac::Key)> {
    for _ in 0..4 {
        let file = match folder.open(KEY) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match folder.write_locked(KEY, random::hex(KEY_BYTES).as_bytes()) {
                    // A concurrent run created the file `key` first.
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error);
                    }
                    _ => continue,
                }
            }
            Err(error) => return Err(error),
        };
        lock_within_limit(&file)?;
        match existing_key(folder)? {
            Some(key) => return Ok((file, key)),
            None => {
                log::info!(
                    "replacing the invalid file `{KEY}` in {}",
                    folder.path().display()
                );
                folder.write(KEY, random::hex(KEY_BYTES).as_bytes())?;
            }
        }
    }
    Err(io::Error::other(
        "the file `key` was replaced repeatedly while it was being locked",
    ))
}
