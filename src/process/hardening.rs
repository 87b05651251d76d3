//! What this process holds in memory is not written to disk behind its back: no core dump is made of it.
//!
//! The soft limit keeps one from being written to a file. It does not bind a program that the kernel hands the dump to
//! (core(5), `core_pattern` with a pipe); that the process is not dumpable does, and keeps other processes of the user from reading its
//! memory as well. That ends with an exec, so what is started here is as dumpable as ever; the soft limit is inherited, and can be raised.

/// Switches core dumps off. Where the system does not let us, the work goes on: it would be no safer undone.
pub(crate) fn disable_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = Rlimit {
            current: Some(0),
            maximum: getrlimit(Resource::Core).maximum,
        };
        let _ = setrlimit(Resource::Core, limit);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
