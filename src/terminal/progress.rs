//! Shows on the terminal what a run is waiting for. The work of a run is divided into steps. A step is shown only when it has lasted for a
//! second.
//!
//! A step begins before its first request to the manager, and ends when its guard (a [`Step`]) is dropped. If stderr is not a terminal, the
//! steps appear only in the log (`-v`).

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::io::{self, IsTerminal as _};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::output::{Output, safe};
use super::status_line::{self, Bar, Status};

/// The delay before a step is shown, and the interval at which the progress line is redrawn.
const SECOND: Duration = Duration::from_secs(1);

/// The steps that are in progress. Clones of this value share the same steps.
#[derive(Clone)]
pub(crate) struct Steps(Rc<Shared>);

struct Shared {
    /// True if the output settings of the run allow progress to be shown.
    is_wanted: bool,
    steps: RefCell<Vec<StepState>>,
    last_number: Cell<u64>,
    changed: Notify,
}

/// A step that is in progress. Steps are nested: if step B begins before step A ends, step B is a part of step A.
struct StepState {
    number: u64,
    /// What the run is doing, in lower case, such as `signing in to dsm:4119`.
    text: String,
    since: Instant,
    count: Option<Count>,
    pause: Option<Pause>,
}

/// The progress of a step that processes several items.
#[derive(Clone, Copy)]
struct Count {
    done: u64,
    /// The total number of items. `None` if it is unknown.
    total: Option<u64>,
}

/// The reason why the run is sending no requests at the moment.
#[derive(Clone)]
pub(crate) enum Pause {
    /// The manager does not accept more requests until this time.
    RateLimit(Instant),
    /// The manager is not available.
    Unavailable {
        /// The host and the port of the manager.
        host: String,
        /// The reason in two or three words.
        reason: String,
    },
}

/// A guard that represents a step in progress. When it is dropped, the step ends.
#[must_use]
pub(crate) struct Step {
    shared: Rc<Shared>,
    number: u64,
}

impl Steps {
    /// Creates an empty list of steps for a run. `output` determines whether progress is shown.
    pub(crate) fn new(output: &Output) -> Self {
        Self(Rc::new(Shared {
            is_wanted: output.wants_progress(),
            steps: RefCell::default(),
            last_number: Cell::new(0),
            changed: Notify::new(),
        }))
    }

    /// Begins a step. `text` describes the step in lower case, such as `signing in to dsm:4119`.
    pub(crate) fn begin(&self, text: impl Into<String>) -> Step {
        self.add(text.into(), None)
    }

    /// Begins a step that processes several items. `total` is `None` if the number of items is unknown.
    pub(crate) fn begin_items(&self, text: impl Into<String>, total: Option<usize>) -> Step {
        let total = total.map(|total| total as u64);
        self.add(text.into(), Some(Count { done: 0, total }))
    }

    /// Returns a description of what the run is doing, in lower case. `None` if no step is in progress.
    pub(crate) fn current(&self) -> Option<String> {
        let steps = self.0.steps.borrow();
        steps.first().map(|step| safe(&step.text))
    }

    /// Returns true if progress is shown on the terminal.
    pub(crate) fn is_visible(&self) -> bool {
        self.0.is_wanted && io::stderr().is_terminal() && can_erase()
    }

    /// Shows the steps on the terminal as long as this future is polled. The future never completes.
    pub(crate) async fn show(&self) -> Infallible {
        if !self.is_visible() {
            return std::future::pending().await;
        }
        loop {
            let Some(age) = self.age() else {
                self.0.changed.notified().await;
                continue;
            };
            if let Some(rest) = SECOND.checked_sub(age).filter(|rest| !rest.is_zero()) {
                tokio::time::sleep(rest).await;
                continue;
            }
            if let Some(status) = status(&self.0.steps.borrow(), Instant::now()) {
                status_line::draw(status);
            }
            let part = Duration::from_nanos(age.subsec_nanos().into());
            tokio::time::sleep(SECOND - part).await;
        }
    }

    fn add(&self, text: String, count: Option<Count>) -> Step {
        let mut steps = self.0.steps.borrow_mut();
        // A nested step is logged only if the outermost step processes several items. The requests of every step are in the log with `-vv`.
        let is_logged =
            (steps.first()).is_none_or(|outer| outer.count.is_some() && outer.text != text);
        if is_logged {
            log::info!("{text}");
        }
        let number = self.0.last_number.get() + 1;
        self.0.last_number.set(number);
        steps.push(StepState {
            number,
            text,
            since: Instant::now(),
            count,
            pause: None,
        });
        self.0.changed.notify_waiters();
        Step {
            shared: Rc::clone(&self.0),
            number,
        }
    }

    /// Returns how long the outermost step has been in progress.
    fn age(&self) -> Option<Duration> {
        let steps = self.0.steps.borrow();
        steps.first().map(|step| step.since.elapsed())
    }
}

impl Step {
    /// Sets the number of items that this step has processed.
    pub(crate) fn set_done(&self, done: usize) {
        self.edit(|step| {
            if let Some(count) = &mut step.count {
                count.done = done as u64;
            }
        });
    }

    /// Sets the pause in which the run sends no requests. `None` means that the pause is over.
    pub(crate) fn set_pause(&self, pause: Option<Pause>) {
        self.edit(|step| step.pause = pause);
    }

    fn edit(&self, edit: impl FnOnce(&mut StepState)) {
        let mut steps = self.shared.steps.borrow_mut();
        if let Some(step) = steps.iter_mut().find(|step| step.number == self.number) {
            edit(step);
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let mut steps = self.shared.steps.borrow_mut();
        steps.retain(|step| step.number != self.number);
        if steps.is_empty() {
            status_line::erase();
        }
    }
}

/// Returns the content of the progress line: the outermost step, and the reason for a pause if there is one. If several nested steps have a
/// pause, the reason of the innermost step is shown.
fn status(steps: &[StepState], now: Instant) -> Option<Status> {
    let step = steps.first()?;
    // The duration of the outermost step is shown. Each attempt to send a request is a new nested step, so the duration of a nested step would
    // restart at zero.
    let pause = (steps.iter().rev()).find_map(|step| step.pause.as_ref());
    let pause = pause.map(|pause| pause.describe(now.duration_since(step.since), now));
    let text = capitalized(&safe(&step.text));
    let elapsed = now.duration_since(step.since).as_secs();
    let (text, bar) = match (step.count, pause) {
        (
            Some(Count {
                done,
                total: Some(total),
            }),
            pause,
        ) => {
            let suffix = pause.map_or_else(String::new, |pause| format!(", {pause}"));
            let bar = Bar {
                done,
                total,
                suffix,
            };
            (text, Some(bar))
        }
        (_, Some(pause)) => (capitalized(&pause), None),
        (Some(Count { done, .. }), None) if done > 0 => {
            (format!("{text}: {done}... {elapsed} s"), None)
        }
        (_, None) => (format!("{text}... {elapsed} s"), None),
    };
    Some(Status { text, bar })
}

impl Pause {
    /// Returns the text for a pause, such as `waiting 5 s for the rate limit`. `elapsed` is the time since the outermost step began.
    fn describe(&self, elapsed: Duration, now: Instant) -> String {
        match self {
            Self::RateLimit(until) => {
                let left = until.saturating_duration_since(now).as_secs_f64().ceil();
                format!("waiting {left:.0} s for the rate limit")
            }
            Self::Unavailable { host, reason } => {
                let elapsed = elapsed.as_secs();
                format!("waiting for {} ({reason})... {elapsed} s", safe(host))
            }
        }
    }
}

/// Returns true if the terminal supports erasing a line.
fn can_erase() -> bool {
    let term = std::env::var_os("TERM");
    term.map_or(cfg!(windows), |term| !term.is_empty() && term != "dumb")
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::output::{Color, Format};

    fn progress() -> Steps {
        Steps::new(&Output::new(Format::Text, false, Color::Never))
    }

    fn text(progress: &Steps, seconds: u64) -> String {
        let steps = progress.0.steps.borrow();
        let status = status(&steps, steps[0].since + Duration::from_secs(seconds));
        status.map(|status| status.text).unwrap_or_default()
    }

    #[test]
    fn the_line_shows_the_outermost_step_and_its_time() {
        let progress = progress();
        assert_eq!(progress.current(), None);
        let outer = progress.begin("signing in to dsm:4119");
        let inner = progress.begin("reading the role");
        assert_eq!(text(&progress, 4), "Signing in to dsm:4119... 4 s");
        drop(outer);
        assert_eq!(text(&progress, 2), "Reading the role... 2 s");
        drop(inner);
        assert!(status(&progress.0.steps.borrow(), Instant::now()).is_none());
    }

    #[test]
    fn the_line_shows_why_the_run_pauses() {
        let progress = progress();
        let step = progress.begin("creating the key");
        let since = progress.0.steps.borrow()[0].since;
        let until = since + Duration::from_millis(22_500);
        step.set_pause(Some(Pause::RateLimit(until)));
        assert_eq!(text(&progress, 2), "Waiting 21 s for the rate limit");
        step.set_pause(Some(Pause::Unavailable {
            host: "dsm:4119".to_owned(),
            reason: "connection refused".to_owned(),
        }));
        let wanted = "Waiting for dsm:4119 (connection refused)... 12 s";
        assert_eq!(text(&progress, 12), wanted);
        step.set_pause(None);
        assert_eq!(text(&progress, 13), "Creating the key... 13 s");
    }

    #[test]
    fn the_line_counts_items() {
        let progress = progress();
        let found = progress.begin_items("searching keys", None);
        found.set_done(5000);
        assert_eq!(text(&progress, 3), "Searching keys: 5000... 3 s");
        drop(found);
        let deleted = progress.begin_items("deleting keys", Some(10));
        deleted.set_done(3);
        let inner = progress.begin("deleting the key");
        let now = Instant::now();
        inner.set_pause(Some(Pause::RateLimit(now + Duration::from_secs(5))));
        let bar = Bar {
            done: 3,
            total: 10,
            suffix: ", waiting 5 s for the rate limit".to_owned(),
        };
        let status = status(&progress.0.steps.borrow(), now).expect("a line");
        assert_eq!(status.text, "Deleting keys");
        assert_eq!(status.bar, Some(bar));
    }
}
