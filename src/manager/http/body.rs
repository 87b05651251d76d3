//! The body of an answer, read as far as it may go.

use reqwest::Response;
use zeroize::Zeroizing;

/// Room for most answers: a growing buffer copies what it holds.
const FIRST_ROOM: usize = 16 * 1024;

/// Up to `most` bytes of the body, and whether that is all of it. What is not read stays where it is: the connection is given up.
pub(crate) async fn read(
    mut response: Response,
    most: usize,
) -> Result<(Zeroizing<Vec<u8>>, bool), reqwest::Error> {
    let announced = response.content_length().map_or(FIRST_ROOM, |length| {
        usize::try_from(length).unwrap_or(usize::MAX)
    });
    if announced > most && response.status().is_success() {
        return Ok((Zeroizing::default(), false));
    }
    let mut body = Zeroizing::new(Vec::with_capacity(announced.min(most)));
    while let Some(chunk) = response.chunk().await? {
        let fits = chunk.len().min(most - body.len());
        make_room(&mut body, fits, most);
        body.extend_from_slice(&chunk[..fits]);
        if fits < chunk.len() {
            return Ok((body, false));
        }
    }
    Ok((body, true))
}

/// A buffer that grows by itself would leave a copy of a secret behind; this one's former self is zeroed.
fn make_room(body: &mut Zeroizing<Vec<u8>>, more: usize, most: usize) {
    let needed = body.len() + more;
    if needed > body.capacity() {
        let mut larger = Vec::with_capacity(needed.max(body.capacity() * 2).min(most));
        larger.extend_from_slice(body);
        *body = Zeroizing::new(larger);
    }
}
