//! Disables core dumps, which would write secrets from memory to disk.
//!
//! The soft limit prevents dumps to a file, but not dumps that the kernel pipes to a program (core(5), `core_pattern`). Marking the process as not
//! dumpable also prevents piped dumps, and stops other processes of the user from reading its memory. The mark is cleared when a process executes a
//! program, so child processes are dumpable as usual. Child processes inherit the soft limit and can raise it.

/// Disables core dumps. If the system does not allow this, the run continues.
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
