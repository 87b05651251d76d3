//! How far a run has come, at the head of its record: fields of a fixed width in one line, which are overwritten in place.
//!
//! A new file needs room and a folder that can be written to, and a disk may have neither in the middle of a run. Overwriting bytes that
//! the file has needs only the descriptor that the run holds. The line lies within the first sector of the file, and the stage is one
//! byte of it, so a write that is cut short leaves the former state or the new one.
//!
//! The wall clock may jump, so the age of a record is read from the clock of the boot, which does not. Another boot, or a system without
//! such a clock, says nothing about the age.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", from = "Written")]
pub(crate) enum Stage {
    /// No secret was delivered.
    #[default]
    Begun,
    /// A secret of the key may be in use.
    Delivering,
    /// The secret was delivered; an old key may have to be expired, or a temporary one deleted.
    Delivered,
    /// Nothing is left to be done.
    Settled,
}

impl Stage {
    const ALL: [Self; 4] = [
        Self::Begun,
        Self::Delivering,
        Self::Delivered,
        Self::Settled,
    ];
}

/// The forms of a stage: its number on disk, its name in documents.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u8),
    Name(Name),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    Begun,
    Delivering,
    Delivered,
    Settled,
}

impl From<Written> for Stage {
    fn from(written: Written) -> Self {
        match written {
            Written::Number(number) => {
                let stage = Self::ALL.get(usize::from(number)).copied();
                // A stage of a later version: what it means is not known here, so nothing is done without being asked.
                stage.unwrap_or(Self::Delivering)
            }
            Written::Name(Name::Begun) => Self::Begun,
            Written::Name(Name::Delivering) => Self::Delivering,
            Written::Name(Name::Delivered) => Self::Delivered,
            Written::Name(Name::Settled) => Self::Settled,
        }
    }
}

/// How far a run has come, and when it last asked the manager for a secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Progress {
    /// How far.
    pub(crate) stage: Stage,
    /// When it last asked, in milliseconds of the clock of the boot.
    #[serde(default)]
    asked: Option<i64>,
    /// Which boot that was.
    #[serde(default)]
    boot: Option<String>,
    /// The file begins with a head that can be overwritten.
    #[serde(skip)]
    pub(super) in_place: bool,
}

impl Progress {
    /// This progress, at this moment.
    pub(super) fn now(&self) -> Self {
        let boot = boot();
        Self {
            asked: boot.and_then(|_| clock()),
            boot: boot.map(str::to_owned),
            ..self.clone()
        }
    }

    /// How long ago the manager was last asked; none if that is not known.
    pub(crate) fn age(&self) -> Option<Duration> {
        let same_boot = self.boot.is_some() && self.boot.as_deref() == boot();
        let age = clock()?.checked_sub(self.asked.filter(|_| same_boot)?)?;
        u64::try_from(age).ok().map(Duration::from_millis)
    }

    /// The head of a record: always of the same length.
    pub(super) fn head(&self, key_id: Option<i64>) -> String {
        let number =
            |number: Option<i64>| number.map_or_else(|| "null".to_owned(), |n| n.to_string());
        let boot = self.boot.as_ref().map_or_else(
            || "null".to_owned(),
            |boot| serde_json::Value::from(boot.as_str()).to_string(),
        );
        format!(
            "{{\"progress\":{{\"stage\":{},\"asked\":{:>20},\"boot\":{boot:>66}}},\"keyID\":{:>20},",
            self.stage as u8,
            number(self.asked),
            number(key_id),
        )
    }
}

/// This boot of the machine, in the namespace that its clock counts in; none if the system does not name it.
fn boot() -> Option<&'static str> {
    static BOOT: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    BOOT.get_or_init(read_boot).as_deref()
}

#[cfg(target_os = "linux")]
fn read_boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // A container may count its boot time from another moment.
    let namespace = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
    let boot = format!("{} {}", id.trim(), namespace.display());
    (boot.len() <= 64
        && boot
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'))
    .then_some(boot)
}

#[cfg(target_os = "linux")]
fn clock() -> Option<i64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let since_boot = Duration::try_from(time).ok()?;
    i64::try_from(since_boot.as_millis()).ok()
}

/// What other systems have is not used, so that the age of a record is never known there, and the whole wait is kept.
#[cfg(not(target_os = "linux"))]
fn read_boot() -> Option<String> {
    None
}

#[cfg(not(target_os = "linux"))]
fn clock() -> Option<i64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_one_length_whatever_stands_in_it() {
        let none = Progress::default();
        let most = Progress {
            stage: Stage::Settled,
            asked: Some(i64::MIN),
            boot: Some("b".repeat(64)),
            in_place: true,
        };
        let length = none.head(None).len();
        assert!(length < 512, "{length}");
        for progress in [&none, &most, &none.now()] {
            for id in [None, Some(1), Some(i64::MIN)] {
                assert_eq!(progress.head(id).len(), length);
            }
        }
    }

    #[test]
    fn an_age_is_known_of_this_boot_alone() {
        let now = Progress::default().now();
        if now.boot.is_none() {
            return;
        }
        assert!(now.age().is_some_and(|age| age < Duration::from_secs(60)));
        let other_boot = Progress {
            boot: Some("another".to_owned()),
            ..now.clone()
        };
        let ahead = Progress {
            asked: Some(i64::MAX),
            ..now.clone()
        };
        for unknown in [Progress::default(), other_boot, ahead] {
            assert_eq!(unknown.age(), None, "{unknown:?}");
        }
        let long_ago = Progress {
            asked: now.asked.map(|asked| asked - 3_600_000),
            ..now
        };
        assert!(long_ago.age() >= Some(Duration::from_secs(3600)));
    }

    #[test]
    fn a_stage_is_read_as_it_is_written_and_one_that_is_not_known_is_not_touched() {
        for (number, stage) in Stage::ALL.into_iter().enumerate() {
            let name = serde_json::to_string(&stage).unwrap_or_default();
            assert_eq!(serde_json::from_str::<Stage>(&name).ok(), Some(stage));
            let number = number.to_string();
            assert_eq!(serde_json::from_str::<Stage>(&number).ok(), Some(stage));
        }
        assert_eq!(
            serde_json::from_str::<Stage>("9").ok(),
            Some(Stage::Delivering)
        );
    }
}
