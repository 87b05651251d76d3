//! The thread that does, beside the run, what waits for the disk: a record that is written while the manager answers, and what is
//! flushed while the session is ended. One thread, because to begin one takes half as long as to flush.

use std::cell::RefCell;
use std::sync::mpsc::{Sender, channel};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that is begun when it is first needed.
#[derive(Default)]
pub(crate) struct Disk {
    jobs: RefCell<Option<Sender<Job>>>,
}

impl Disk {
    /// Begins the thread, and nothing else. One that is begun when a manager of the same machine reckons waits in line behind it, and the
    /// run for both.
    pub(crate) fn get_ready(&self) {
        self.jobs.borrow_mut().get_or_insert_with(begin);
    }

    /// Does this beside whatever follows, behind what was asked for before. Where the system has no thread to give it is dropped, which
    /// whoever waits for it is told by what it was to answer with.
    pub(crate) fn beside(&self, job: impl FnOnce() + Send + 'static) {
        let _ = (self.jobs.borrow_mut())
            .get_or_insert_with(begin)
            .send(Box::new(job));
    }

    /// Lets the thread end with what it was asked for, beside the rest of the run: the process need not wait for it then.
    pub(crate) fn end(&self) {
        self.jobs.take();
    }
}

fn begin() -> Sender<Job> {
    let (jobs, asked) = channel::<Job>();
    let work = move || asked.into_iter().for_each(|job| job());
    let _ = thread::Builder::new().spawn(work);
    jobs
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn jobs_are_done_beside_the_run_one_after_another_on_one_thread() {
        let disk = Disk::default();
        let (tell, told) = mpsc::channel();
        for number in 0..3 {
            let tell = tell.clone();
            disk.beside(move || {
                let _ = tell.send((number, thread::current().id()));
            });
        }
        drop(tell);
        disk.end();
        let told: Vec<_> = told.into_iter().collect();
        assert_eq!(
            told.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
            [0, 1, 2]
        );
        assert!(
            told.iter()
                .all(|(_, id)| *id == told[0].1 && *id != thread::current().id())
        );
    }
}
