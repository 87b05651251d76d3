//! The progress line, which is the last line on the terminal. There is at most one progress line in a process, because a process has only
//! one terminal.
//!
//! Before other text is printed, the progress line is erased. Then it is drawn again below the text.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

/// The visible progress line. `None` if no progress line is visible.
static LINE: Mutex<Option<ProgressBar>> = Mutex::new(None);
/// The number of prompts and child processes that are using the terminal. If it is not 0, the progress line is hidden.
static HOLDS: AtomicU32 = AtomicU32::new(0);

/// The indicatif template of a progress line without a bar.
const PLAIN: &str = "{wide_msg}";
/// The indicatif template of a progress line with a bar.
const WITH_BAR: &str = "{prefix} [{bar:20}] {pos}/{len}{wide_msg}";

/// The content of the progress line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// The text of the line. If the line has a bar, this text is shown before the bar.
    pub(super) text: String,
    /// The bar. `None` if the total number of items is unknown.
    pub(super) bar: Option<Bar>,
}

/// A bar that shows how many items are done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) done: u64,
    pub(super) total: u64,
    /// The text after the bar.
    pub(super) suffix: String,
}

/// While this value exists, the progress line is hidden.
#[must_use]
pub(crate) struct Hold(());

impl Drop for Hold {
    fn drop(&mut self) {
        HOLDS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Hides the progress line until the returned value is dropped, so that a prompt or a child process can use the terminal.
pub(crate) fn hold() -> Hold {
    HOLDS.fetch_add(1, Ordering::SeqCst);
    erase();
    Hold(())
}

/// Hides the progress line for the rest of the run. This function is called when the run starts a child process that may write to the terminal. The
/// child's last line of output may have no line break at its end. A progress line would be drawn on that line, and erasing the progress line would
/// also erase the child's output there.
pub(crate) fn end() {
    std::mem::forget(hold());
}

/// Draws the progress line. Calls [`erase`] instead if the line is hidden by a [`Hold`], or if writing to the terminal could block or stop
/// this process.
pub(super) fn draw(status: Status) {
    if HOLDS.load(Ordering::SeqCst) > 0 || !is_writable() {
        return erase();
    }
    let Ok(mut line) = LINE.lock() else { return };
    let line = line.get_or_insert_with(|| {
        let target = ProgressDrawTarget::term_like(Box::new(NarrowTerminal(Term::stderr())));
        ProgressBar::with_draw_target(None, target).with_style(style(PLAIN))
    });
    match status.bar {
        None => {
            line.set_style(style(PLAIN));
            line.set_message(status.text);
        }
        Some(bar) => {
            line.set_style(style(WITH_BAR).progress_chars("=> "));
            line.update(|state| {
                state.set_len(bar.total);
                state.set_pos(bar.done);
            });
            line.set_prefix(status.text);
            line.set_message(bar.suffix);
        }
    }
}

/// Erases the progress line. If writing to the terminal could block or stop this process, the line stays on the terminal.
pub(crate) fn erase() {
    // The panic hook calls this function. If the thread panicked while it held this lock, `lock` would wait forever.
    if let Ok(mut line) = LINE.try_lock()
        && let Some(line) = line.take()
    {
        // indicatif does not erase the line during a panic, so this function erases it.
        if std::thread::panicking() && is_writable() {
            let _ = Term::stderr().clear_line();
        } else if !is_writable() {
            line.set_draw_target(ProgressDrawTarget::hidden());
        }
        line.finish_and_clear();
    }
}

/// Erases the progress line, calls `write`, and draws the line again below the written text.
pub(super) fn write_above<T>(write: impl FnOnce() -> T) -> T {
    let is_visible = LINE.try_lock().is_ok_and(|line| line.is_some());
    if is_visible && !is_writable() {
        erase();
    }
    match LINE.try_lock().as_deref() {
        Ok(Some(line)) => line.suspend(write),
        _ => write(),
    }
}

/// The terminal on stderr. It reports a smaller width than the real one, so that a few columns after the progress line stay unused. When
/// the user types Ctrl-C, the terminal shows `^C` after the progress line. Without unused columns, `^C` would be on a new line, and the
/// progress line above it could not be erased.
#[derive(Debug)]
struct NarrowTerminal(Term);

/// The number of columns that stay unused after the progress line. `^C` needs two columns, so the user can type Ctrl-C four times.
const MARGIN: u16 = 8;

impl TermLike for NarrowTerminal {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(MARGIN)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.0.write_line(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are valid")
}

/// Returns true if this process is in the foreground of the terminal on stderr, and the terminal accepts output. If the user types Ctrl-S,
/// the terminal accepts no output until Ctrl-Q. A write would then block the thread that handles requests and signals.
#[cfg(unix)]
fn is_writable() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::getpgrp;

    let stderr = io::stderr();
    if rustix::termios::tcgetpgrp(&stderr).is_ok_and(|group| group != getpgrp()) {
        return false;
    }
    let mut files = [PollFd::new(&stderr, PollFlags::OUT)];
    matches!(poll(&mut files, Some(&Timespec::default())), Ok(1..))
}

/// Returns true on Windows, because a console has no background processes.
#[cfg(not(unix))]
fn is_writable() -> bool {
    true
}
