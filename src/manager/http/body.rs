//! Reads the body of a response up to a size limit.

use reqwest::Response;
use zeroize::Zeroizing;

/// The initial capacity of the buffer for a body of unknown length. Most bodies are smaller.
const INITIAL_CAPACITY: usize = 16 * 1024;

/// Returns at most `limit` bytes of the body. The returned `bool` is true if the body is complete. If the body is longer than `limit`, the rest is
/// not read, and the connection is closed.
pub(crate) async fn read(
    mut response: Response,
    limit: usize,
) -> Result<(Zeroizing<Vec<u8>>, bool), reqwest::Error> {
    let announced = response
        .content_length()
        .map_or(INITIAL_CAPACITY, |length| {
            usize::try_from(length).unwrap_or(usize::MAX)
        });
    if announced > limit && response.status().is_success() {
        return Ok((Zeroizing::default(), false));
    }
    let mut body = Zeroizing::new(Vec::with_capacity(announced.min(limit)));
    while let Some(chunk) = response.chunk().await? {
        let fits = chunk.len().min(limit - body.len());
        reserve(&mut body, fits, limit);
        body.extend_from_slice(&chunk[..fits]);
        if fits < chunk.len() {
            return Ok((body, false));
        }
    }
    Ok((body, true))
}

/// Reserves space for `more` further bytes. If a larger buffer is needed, the old buffer is zeroed. A `Vec` that grows by itself would not zero its
/// old buffer, and so would leave copies of secrets in memory.
fn reserve(body: &mut Zeroizing<Vec<u8>>, more: usize, limit: usize) {
    let needed = body.len() + more;
    if needed > body.capacity() {
        let mut larger = Vec::with_capacity(needed.max(body.capacity() * 2).min(limit));
        larger.extend_from_slice(body);
        *body = Zeroizing::new(larger);
    }
}
