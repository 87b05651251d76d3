//! A shell in a real terminal: the tests type into it and read what it shows.

use std::path::Path;
use std::process::Command;

use rexpect::session::{PtySession, spawn_command};

use super::{Home, binary};

/// How long something may take to appear, in milliseconds. Only a failing test waits that long.
const PATIENCE: u64 = 30_000;

/// A terminal with a shell that runs a script.
pub(crate) struct Pty {
    session: PtySession,
    shown: String,
}

impl Pty {
    /// Runs `script` in a terminal that echoes. `"$SWP_KEYS"` is the binary. The environment is that of `home`, but prompts are allowed.
    pub(crate) fn start(home: &Home, script: &str) -> Self {
        let mut shell = Command::new("sh");
        inherit(&mut shell, home);
        // The PTY library switches the echo off, and `sane` switches it on again. Ctrl-C also reaches the shell. Because of the trap, the shell
        // continues, and its commands still receive the signal.
        shell
            .arg("-c")
            .arg(format!("stty sane; trap : INT QUIT; {script}"));
        let session = spawn_command(shell, Some(PATIENCE)).expect("a terminal");
        Self {
            session,
            shown: String::new(),
        }
    }

    /// Waits until `text` is shown.
    #[track_caller]
    pub(crate) fn see(&mut self, text: &str) {
        match self.session.exp_string(text) {
            Ok(before) => {
                self.shown.push_str(&before);
                self.shown.push_str(text);
            }
            Err(error) => panic!("`{text}` is not shown: {error}\nbefore: {}", self.shown),
        }
    }

    /// Types text without a line break.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.session.send(text).expect("the terminal accepts input");
        self.session.flush().expect("the terminal accepts input");
    }

    /// Types bytes that are not valid UTF-8.
    pub(crate) fn type_bytes(&mut self, bytes: &[u8]) {
        use std::io::Write as _;
        let master = self.session.process().get_file_handle();
        let mut master = master.expect("the terminal is there");
        master.write_all(bytes).expect("the terminal accepts input");
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        self.type_text(&format!("{line}\n"));
    }

    /// Types Ctrl and a letter.
    pub(crate) fn control(&mut self, letter: char) {
        self.session
            .send_control(letter)
            .expect("the terminal accepts input");
    }

    /// Waits for the end of the script, and returns everything that was shown.
    #[track_caller]
    pub(crate) fn end(mut self) -> String {
        match self.session.exp_eof() {
            Ok(rest) => self.shown.push_str(&rest),
            Err(error) => panic!("the script does not end: {error}\nbefore: {}", self.shown),
        }
        // The library converts each byte to one character.
        let bytes = self
            .shown
            .chars()
            .map(|byte| u8::try_from(byte).unwrap_or(b'?'))
            .collect();
        String::from_utf8(bytes).expect("what is shown is UTF-8")
    }

    /// Waits until the terminal does not echo.
    #[track_caller]
    pub(crate) fn wait_for_silence(&self) {
        use rustix::termios::{LocalModes, tcgetattr};
        let master = self
            .session
            .process()
            .get_file_handle()
            .expect("a terminal");
        super::wait_until("the terminal to stop echoing", || {
            // Both ends of the terminal have the same state.
            let state = tcgetattr(&master).expect("a terminal");
            !state.local_modes.contains(LocalModes::ECHO)
        });
    }
}

/// A terminal that can be closed like a window.
#[cfg(target_os = "linux")]
pub(crate) struct Window {
    master: std::fs::File,
    shell: std::process::Child,
}

#[cfg(target_os = "linux")]
impl Window {
    /// Runs `script` as [`Pty::start`] does. The shell survives the end of the terminal, and does not forward the hang-up to its command.
    pub(crate) fn start(home: &Home, script: &str) -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a terminal");
        grantpt(&master).expect("a terminal");
        unlockpt(&master).expect("a terminal");
        let name = ptsname(&master, Vec::new()).expect("its name");
        let name = name.to_str().expect("its name").to_owned();
        let end = |path: &str| {
            let file = std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open(path);
            file.expect("the other end")
        };
        let mut shell = Command::new("setsid");
        shell
            .arg("--ctty")
            .arg("sh")
            .arg("-c")
            .arg(format!("trap : HUP; {script}"));
        shell
            .stdin(end(&name))
            .stdout(end(&name))
            .stderr(end(&name));
        inherit(&mut shell, home);
        let shell = shell.spawn().expect("a shell");
        Self {
            master: master.into(),
            shell,
        }
    }

    /// Closes the terminal. The shell runs until its script ends.
    pub(crate) fn close(self) -> std::process::Child {
        self.shell
    }

    /// Waits until `text` is shown.
    pub(crate) fn see(&mut self, text: &str) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        use std::io::Read as _;
        let patience = Timespec {
            tv_sec: 30,
            tv_nsec: 0,
        };
        let mut output = String::new();
        while !output.contains(text) {
            let mut polled = [PollFd::new(&self.master, PollFlags::IN)];
            let ready = poll(&mut polled, Some(&patience)).expect("the terminal is there");
            assert!(ready > 0, "`{text}` is not shown: {output}");
            let mut bytes = [0; 256];
            let count = self.master.read(&mut bytes).expect("the terminal is there");
            output.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }

    /// Types text without a line break.
    pub(crate) fn type_text(&mut self, text: &str) {
        use std::io::Write as _;
        self.master
            .write_all(text.as_bytes())
            .expect("the terminal accepts input");
    }
}

/// Sets the environment and the folder of runs in `home`. Prompts are allowed.
fn inherit(shell: &mut Command, home: &Home) {
    let template = home.command::<&str>([]);
    shell.env_clear().current_dir(home.path(""));
    for (name, value) in template.get_envs() {
        if let Some(value) = value.filter(|_| name != "SWP_NO_INPUT") {
            shell.env(name, value);
        }
    }
    shell.env("SWP_KEYS", binary()).env("NO_COLOR", "1");
}

/// Sends SIGTERM to the process whose ID `echo $$ > FILE` wrote.
pub(crate) fn terminate(file: &Path) {
    use rustix::process::{Pid, Signal, kill_process};
    let text = std::fs::read_to_string(file).expect("the file of the process ID");
    let number = text.trim().parse().expect("a process ID");
    let process = Pid::from_raw(number).expect("a process ID");
    kill_process(process, Signal::TERM).expect("the process is there");
}
