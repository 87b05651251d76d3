//! The process group of a command, so that the command can be killed together with its children.

use tokio::process::Child;

use crate::error::Signal;

/// The process group of a running command. If this value is dropped before the command has finished, for example after a second signal, the
/// group is killed.
#[cfg(unix)]
pub(crate) struct ProcessGroup(Option<rustix::process::Pid>);

#[cfg(unix)]
impl ProcessGroup {
    /// Returns the group of a command that was started in a group of its own.
    pub(crate) fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }

    /// Forwards a signal to all processes of the group, as a terminal does.
    pub(crate) fn forward(&self, signal: Signal) {
        self.send(signal.of_unix());
    }

    /// Kills all processes of the group.
    pub(crate) fn kill(&self) {
        self.send(rustix::process::Signal::KILL);
    }

    fn send(&self, signal: rustix::process::Signal) {
        if let Some(group) = self.0 {
            // An error is ignored, because it means that the group has already ended.
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }

    /// Marks the group as finished, so that it is not killed. The system may reuse its ID for a different group.
    pub(crate) fn finished(&mut self) {
        self.0 = None;
    }
}

#[cfg(unix)]
impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Does nothing, because the system has no process groups. The console sends Ctrl-C to the command without help from this program. If the future that
/// runs the command is dropped, `kill_on_drop` kills the command, but not the command's child processes.
#[cfg(not(unix))]
pub(crate) struct ProcessGroup;

#[cfg(not(unix))]
#[expect(
    clippy::unused_self,
    reason = "the Unix version uses `self`, and both versions need the same signature"
)]
impl ProcessGroup {
    /// Returns the placeholder for a group.
    pub(crate) fn of(_child: &Child) -> Self {
        Self
    }

    /// Does nothing.
    pub(crate) fn forward(&self, _signal: Signal) {}

    /// Does nothing.
    pub(crate) fn kill(&self) {}

    /// Does nothing.
    pub(crate) fn finished(&mut self) {}
}
