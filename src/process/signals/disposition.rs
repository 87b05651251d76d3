//! Reads which signals are ignored when the process starts. For example, `nohup` ignores SIGHUP, and a shell ignores SIGINT and SIGQUIT for
//! background jobs. These signals stay ignored in this process and in its child processes.

#[cfg(target_os = "linux")]
use crate::error::Signal;

/// The signals that were ignored when the process started.
pub(crate) struct IgnoredSignals(u64);

impl IgnoredSignals {
    /// Reads the ignored signals. This function must be called before the first handler is installed, because a handler replaces the
    /// inherited disposition. If /proc is not mounted, no signal counts as ignored.
    #[cfg(target_os = "linux")]
    pub(crate) fn read() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        Self(mask.unwrap_or_default())
    }

    /// Returns true if the signal was ignored when the process started.
    #[cfg(target_os = "linux")]
    pub(crate) fn contains(&self, signal: Signal) -> bool {
        self.contains_number(signal.of_unix().as_raw())
    }

    /// Returns true if the signal with this number was ignored.
    #[cfg(target_os = "linux")]
    pub(crate) fn contains_number(&self, number: i32) -> bool {
        // The lowest bit of the mask represents signal 1.
        let bit = u32::try_from(number - 1).ok();
        bit.and_then(|bit| self.0.checked_shr(bit))
            .is_some_and(|mask| mask & 1 == 1)
    }
}

/// On systems other than Linux, no signal counts as ignored. Only unsafe code could read the ignored signals, and this program has none.
#[cfg(not(target_os = "linux"))]
impl IgnoredSignals {
    pub(crate) fn read() -> Self {
        Self(0)
    }

    pub(crate) fn contains(&self, _signal: crate::error::Signal) -> bool {
        self.0 != 0
    }

    #[cfg(unix)]
    pub(crate) fn contains_number(&self, _number: i32) -> bool {
        self.0 != 0
    }
}
