//! The marker of a key that belongs to a fleet: `[swp-keys OPERATION FLEET]`, with more words before the bracket if necessary.
//!
//! Only a complete marker shows that a key belongs to a fleet. If the manager truncated or altered a marker, the key belongs to no fleet,
//! and no run of a fleet changes it.

use super::marker::{found_marks, markers};

/// The marker of a key of a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FleetMark {
    /// The operation that created the key, or that made it a key of the fleet.
    pub(crate) operation: String,
    /// The name of the fleet.
    pub(crate) fleet: String,
    /// The ID of the key that this key replaces (`after N`).
    pub(crate) predecessor: Option<i64>,
    /// True if the delivery of the secret was not confirmed yet (`pending`).
    pub(crate) pending: bool,
}

/// Returns true if this can be the name of a fleet.
pub(crate) fn is_fleet_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=24).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(good)
}

impl FleetMark {
    /// Returns the marker in a description. `None` if the description has no complete marker of a fleet, or more than one marker.
    pub(crate) fn of(description: &str) -> Option<Self> {
        let lower = description.to_ascii_lowercase();
        if found_marks(&lower).nth(1).is_some() {
            return None;
        }
        Self::parse(markers(description).next()?)
    }

    fn parse(marker: &str) -> Option<Self> {
        let words = marker.strip_prefix('[')?.strip_suffix(']')?;
        let mut words = words.split(' ').skip(1);
        let operation = words.next()?.to_owned();
        let fleet = words.next().filter(|name| is_fleet_name(name))?.to_owned();
        let (mut predecessor, mut pending) = (None, false);
        while let Some(word) = words.next() {
            match word {
                "after" if predecessor.is_none() => {
                    predecessor = Some(words.next()?.parse().ok().filter(|id| *id > 0)?);
                }
                "pending" if !pending => pending = true,
                _ => return None,
            }
        }
        Some(Self {
            operation,
            fleet,
            predecessor,
            pending,
        })
    }

    /// Returns a description: the text, and the marker after it.
    pub(crate) fn after(&self, text: &str) -> String {
        match text.trim() {
            "" => self.text(),
            text => format!("{text} {}", self.text()),
        }
    }

    /// Returns the marker as a description contains it.
    pub(crate) fn text(&self) -> String {
        let Self {
            operation, fleet, ..
        } = self;
        let after = self.predecessor.map(|id| format!(" after {id}"));
        let pending = if self.pending { " pending" } else { "" };
        format!(
            "[swp-keys {operation} {fleet}{}{pending}]",
            after.unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mint::without_marks;

    fn mark(predecessor: Option<i64>, pending: bool) -> FleetMark {
        FleetMark {
            operation: "1a2b3c4d".to_owned(),
            fleet: "pay-1".to_owned(),
            predecessor,
            pending,
        }
    }

    #[test]
    fn a_marker_is_read_as_it_was_written() {
        for (predecessor, pending, text) in [
            (None, false, "[swp-keys 1a2b3c4d pay-1]"),
            (Some(12), false, "[swp-keys 1a2b3c4d pay-1 after 12]"),
            (None, true, "[swp-keys 1a2b3c4d pay-1 pending]"),
            (Some(12), true, "[swp-keys 1a2b3c4d pay-1 after 12 pending]"),
        ] {
            let mark = mark(predecessor, pending);
            assert_eq!(mark.text(), text);
            for description in [text.to_owned(), format!("for CI {text}")] {
                assert_eq!(FleetMark::of(&description).as_ref(), Some(&mark));
                assert_eq!(without_marks(&format!("a {text} b")), "a b");
            }
        }
    }

    #[test]
    fn an_incomplete_marker_names_no_fleet() {
        for description in [
            "",
            "[swp-keys 1a2b3c4d]",
            "[swp-keys 1a2b3c4d pay",
            "swp-keys 1a2b3c4d pay",
            "[SWP-KEYS 1A2B3C4D PAY]",
            "[swp-keys 1a2b3c4d Pay]",
            "[swp-keys 1a2b3c4 pay]",
            "[swp-keys 1a2b3c4d  pay]",
            "[swp-keys 1a2b3c4d pay after]",
            "[swp-keys 1a2b3c4d pay after x]",
            "[swp-keys 1a2b3c4d pay after 0]",
            "[swp-keys 1a2b3c4d pay later]",
            "[swp-keys 1a2b3c4d pay pending pending]",
            "[swp-keys 1a2b3c4d a234567890123456789012345]",
            "[swp-keys 1a2b3c4d pay] [swp-keys 99999999 pay]",
            "[swp-keys 1a2b3c4d pay] [swp-keys 99999999]",
        ] {
            assert_eq!(FleetMark::of(description), None, "{description}");
        }
    }
}
