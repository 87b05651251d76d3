//! The line at the bottom of the terminal that shows the progress. A process has one terminal, so it has one such line.
//!
//! Everything else that is printed erases the line first. The line is drawn again below the printed text.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

/// The line, if it is visible.
static LINE: Mutex<Option<ProgressBar>> = Mutex::new(None);
/// The number of prompts and child programs that currently use the terminal.
static HOLDS: AtomicU32 = AtomicU32::new(0);

/// The template of a line without a total.
const PLAIN: &str = "{wide_msg}";
/// The template of a line with a bar.
const WITH_BAR: &str = "{prefix} [{bar:20}] {pos}/{len}{wide_msg}";

/// The contents of the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// The text of the line, or the text before the bar.
    pub(super) text: String,
    /// The bar, if the total is known.
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

/// Keeps the line off the terminal while this value exists.
#[must_use]
pub(crate) struct Hold(());

impl Drop for Hold {
    fn drop(&mut self) {
        HOLDS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Erases the line, and shows no line until the returned value is dropped. A prompt or a child program uses the terminal meanwhile.
pub(crate) fn hold() -> Hold {
    HOLDS.fetch_add(1, Ordering::SeqCst);
    erase();
    Hold(())
}

/// Erases the line, and shows no line for the rest of the run. A child program has written to the terminal, and its last line may not be
/// complete: the progress line would be drawn behind it, and both would be erased.
pub(crate) fn end() {
    std::mem::forget(hold());
}

/// Draws the line. Does nothing while the line is held off, or while writing could block or stop this process.
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

/// Erases the line. While writing could block or stop this process, the line stays on the terminal.
pub(crate) fn erase() {
    // If this thread panicked while it drew the line, the lock is still held, and waiting for it would never end.
    if let Ok(mut line) = LINE.try_lock()
        && let Some(line) = line.take()
    {
        // indicatif draws nothing during a panic.
        if std::thread::panicking() && is_writable() {
            let _ = Term::stderr().clear_line();
        } else if !is_writable() {
            line.set_draw_target(ProgressDrawTarget::hidden());
        }
        line.finish_and_clear();
    }
}

/// Erases the line, writes something to the terminal, and draws the line again.
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

/// The terminal on stderr without its last columns. The terminal shows a typed Ctrl-C as `^C` after the line. If the line filled the terminal,
/// `^C` would be on a new line, and the line above could not be erased.
#[derive(Debug)]
struct NarrowTerminal(Term);

/// The number of columns that are not used, which is enough for `^C` four times.
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

/// Returns true if this process is in the foreground of the terminal on stderr, and the terminal accepts output. After Ctrl-S, a terminal
/// accepts no output until Ctrl-Q, and a write would block all requests and signals.
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

/// Returns true, because a Windows console has no background processes.
#[cfg(not(unix))]
fn is_writable() -> bool {
    true
}
