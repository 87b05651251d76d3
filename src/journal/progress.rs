//! The progress of a run. It is stored in the header of the record, which is a line of fixed-width fields that is overwritten in place.
//!
//! Writing a new file needs disk space and a writable folder, which may become unavailable during a run. Overwriting existing bytes needs only the
//! open file. The header is within the first sector of the file, and the stage is one byte of the header. So an incomplete write leaves either the
//! old stage or the new stage.
//!
//! The wall clock may jump, so the age of a record is measured with a clock that counts from boot. After a reboot, or on a system without
//! this clock, the age is unknown.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The stage that a run has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", from = "StageFormat")]
pub(crate) enum Stage {
    /// No secret was delivered.
    #[default]
    Begun,
    /// The secret may have been delivered, so it may be in use.
    Delivering,
    /// The secret was delivered. The run may still have to set the expiry of an old key, or delete a temporary key.
    Delivered,
    /// The operation is complete.
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

/// The stage as stored in a record file. Older versions of this program stored the name of the stage instead of a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum StageFormat {
    Number(u8),
    Name(StageName),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StageName {
    Begun,
    Delivering,
    Delivered,
    Settled,
}

impl From<StageFormat> for Stage {
    fn from(written: StageFormat) -> Self {
        match written {
            StageFormat::Number(number) => {
                let stage = Self::ALL.get(usize::from(number)).copied();
                // A later version of this program may have written a stage that this version does not know. An unknown stage counts as `Delivering`,
                // so that `recover` changes nothing without a flag such as `--rekey`.
                stage.unwrap_or(Self::Delivering)
            }
            StageFormat::Name(StageName::Begun) => Self::Begun,
            StageFormat::Name(StageName::Delivering) => Self::Delivering,
            StageFormat::Name(StageName::Delivered) => Self::Delivered,
            StageFormat::Name(StageName::Settled) => Self::Settled,
        }
    }
}

/// The stage of a run, and the time of its last request for a secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Progress {
    /// The stage.
    pub(crate) stage: Stage,
    /// The time of the last request for a secret, in milliseconds since boot.
    #[serde(default)]
    asked: Option<i64>,
    /// The ID of the boot to which the time of the last request refers.
    #[serde(default)]
    boot: Option<String>,
    /// True if the file begins with a header that can be overwritten in place.
    #[serde(skip)]
    pub(super) in_place: bool,
}

impl Progress {
    /// Returns this progress with the current time as the time of the last request. The stage is unchanged.
    pub(super) fn now(&self) -> Self {
        let boot = boot();
        Self {
            asked: boot.and_then(|_| clock()),
            boot: boot.map(str::to_owned),
            ..self.clone()
        }
    }

    /// Returns the time since the last request for a secret, or `None` if the time is unknown.
    pub(crate) fn age(&self) -> Option<Duration> {
        let same_boot = self.boot.is_some() && self.boot.as_deref() == boot();
        let age = clock()?.checked_sub(self.asked.filter(|_| same_boot)?)?;
        u64::try_from(age).ok().map(Duration::from_millis)
    }

    /// Returns the header of a record. All headers have the same length.
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

/// Reads the ID of the current boot before a record needs it, so that the write of the record is not delayed.
pub(crate) fn read_boot_id() {
    let _ = boot();
}

/// Returns an ID that identifies the current boot and the time namespace of this process, or `None` if the system does not provide one.
fn boot() -> Option<&'static str> {
    static BOOT: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    BOOT.get_or_init(read_boot).as_deref()
}

#[cfg(target_os = "linux")]
fn read_boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // A container may have its own time namespace, in which the clock starts at a different time. So the ID of the time namespace is added to the ID
    // of the boot.
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

/// Returns `None`, because only Linux provides the ID of a boot. Without it, the age of a record cannot be determined. `recover` then waits for the
/// longest time that a request can be in flight.
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
    fn the_head_has_a_fixed_length() {
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
    fn the_age_is_known_only_for_the_current_boot() {
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
    fn a_stage_can_be_read_back_and_an_unknown_stage_counts_as_delivering() {
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
