//! What every test needs: a manager of its own, a home of its own, and the binary run in it.

pub(crate) mod certificates;
pub(crate) mod files;
#[cfg(target_os = "linux")]
pub(crate) mod fixed_files;
#[cfg(unix)]
pub(crate) mod github;
pub(crate) mod held_manager;
pub(crate) mod pins;
pub(crate) mod profiles;
pub(crate) mod proxy;
#[cfg(unix)]
pub(crate) mod pty;
pub(crate) mod relay;
pub(crate) mod requests;
pub(crate) mod responses;
pub(crate) mod running;
#[cfg(unix)]
pub(crate) mod screen;
pub(crate) mod scripted_server;
pub(crate) mod secrets;
#[cfg(unix)]
pub(crate) mod shell;
pub(crate) mod snapshot;
pub(crate) mod tables;
pub(crate) mod wording;

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use swp_keys::sandbox::{Sandbox, Settings};
use tempfile::TempDir;

/// A simulated manager, and a home folder that knows how to reach it and how to sign in.
pub(crate) struct TestEnv {
    pub(crate) sandbox: Sandbox,
    pub(crate) home: Home,
}

impl TestEnv {
    /// With a manager as it is by default.
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    /// With a manager like this.
    pub(crate) fn with(settings: Settings) -> Self {
        let (username, password) = (settings.username.clone(), settings.password.clone());
        let sandbox = Sandbox::start(settings).expect("the sandbox starts");
        let mut home = Home::new();
        home.set("SWP_URL", sandbox.url());
        let certificate = home.write("manager.pem", sandbox.certificate_pem());
        home.set("SWP_CA_CERT", certificate);
        home.set("SWP_USERNAME", username);
        let password = home.write_secret("password", &password);
        home.set("SWP_PASSWORD_FILE", password);
        Self { sandbox, home }
    }

    /// Runs `swp-keys` with these arguments and without stdin.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> RunResult {
        self.home.run(arguments)
    }

    /// From now on, runs sign their requests with this key, and not with a password.
    pub(crate) fn use_key(&mut self, secret: &str) {
        self.home.unset("SWP_USERNAME");
        self.home.unset("SWP_PASSWORD_FILE");
        let file = self.home.write_secret("key", secret);
        self.home.set("SWP_API_KEY_FILE", file);
    }

    /// How many requests of this route there were.
    pub(crate) fn count(&self, route: &str) -> usize {
        let requests = self.sandbox.requests();
        requests.iter().filter(|seen| seen.route() == route).count()
    }

    /// Waits until a request of this route has come in.
    #[track_caller]
    pub(crate) fn wait_for(&self, route: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.count(route) == 0 {
            assert!(Instant::now() < deadline, "{route} does not come");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The paths that were asked for, with their methods, without the end of the session.
    pub(crate) fn calls(&self) -> Vec<String> {
        (self.sandbox.requests().iter())
            .map(|request| format!("{} {}", request.method, request.path))
            .filter(|call| call != END_SESSION && call != LEGACY_LOGOUT)
            .collect()
    }
}

/// The call that ends a session.
pub(crate) const END_SESSION: &str = "DELETE /api/sessions/current";
/// The call that ends it on a manager that refuses that one.
pub(crate) const LEGACY_LOGOUT: &str = "DELETE /rest/authentication/logout";

/// A manager that answers the open questions of its contract like this: pairs of a name and a choice.
pub(crate) fn answering_unknowns(choices: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::default();
    for (name, choice) in choices {
        settings.unknowns.set(name, choice).expect("a choice");
    }
    settings
}

/// A folder of its own for each test, and the environment of the runs in it: nothing of the machine's is inherited but PATH.
pub(crate) struct Home {
    folder: TempDir,
    variables: Vec<(String, PathBuf)>,
}

impl Home {
    pub(crate) fn new() -> Self {
        // What tests write in the place of a run is not to be writable by a group, as some systems have it by default.
        #[cfg(unix)]
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = folder.path().join("state");
        Self {
            folder,
            variables: vec![
                ("SWP_STATE_DIR".to_owned(), state),
                // What was lost on purpose is lost for good: nothing is under way that would be worth waiting for.
                ("SWP_SETTLE_TIMEOUT".to_owned(), "500ms".into()),
            ],
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets a variable for the runs to come; an empty value counts as none.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<PathBuf>) {
        self.unset(name);
        self.variables.push((name.to_owned(), value.into()));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.retain(|(other, _)| other != name);
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file in the temporary folder");
        path
    }

    /// A file that only its owner can read.
    pub(crate) fn write_secret(&self, name: &str, content: &str) -> PathBuf {
        let path = self.write(name, content);
        set_mode(&path, 0o600);
        path
    }

    /// The command, ready to be run; stdin is empty.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = self.program(binary());
        command.args(arguments);
        command
    }

    /// Another program in the same surroundings.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        // Windows needs it to open a socket.
        if let Some(root) = std::env::var_os("SystemRoot") {
            command.env("SystemRoot", root);
        }
        detached(&mut command);
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> RunResult {
        RunResult::of(&mut self.command(arguments))
    }

    /// Runs with this on stdin.
    pub(crate) fn run_with_stdin<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        stdin: &str,
    ) -> RunResult {
        let mut child = self.start_piped(arguments);
        let mut pipe = child.stdin.take().expect("a pipe");
        // A run that does not read its stdin may be gone already.
        let _ = pipe.write_all(stdin.as_bytes());
        drop(pipe);
        RunResult::from(child.wait_with_output().expect("the run ends"))
    }

    /// Starts with pipes for stdin, stdout and stderr.
    pub(crate) fn start_piped<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Child {
        self.command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }
}

/// A test runner's own terminal must not be asked for a password: the run gets a session without one.
fn detached(command: &mut Command) {
    // `--no-input` would do the same and is not what is tested; a variable keeps the arguments as they are.
    command.env("SWP_NO_INPUT", "1");
}

/// The binary under test.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_swp-keys"))
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the mode is set");
}

#[cfg(not(unix))]
pub(crate) fn set_mode(_path: &Path, _mode: u32) {}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct RunResult {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl RunResult {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().expect("the binary runs"))
    }

    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// It succeeded; returns stdout without its line break.
    #[track_caller]
    pub(crate) fn success(&self) -> &str {
        assert_eq!(
            self.code(),
            0,
            "stdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self.stdout.trim_end_matches('\n')
    }

    /// It failed with this exit code and an empty stdout; returns stderr.
    #[track_caller]
    pub(crate) fn failure(&self, code: i32) -> &str {
        assert_eq!(
            self.code(),
            code,
            "stdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        assert_eq!(
            self.stdout, "",
            "stdout is empty on failure; stderr: {}",
            self.stderr
        );
        &self.stderr
    }

    /// A check said no, which is an answer: stdout has it, and is returned with stderr.
    #[track_caller]
    pub(crate) fn check_failed(&self) -> (&str, &str) {
        assert_eq!(
            self.code(),
            13,
            "stdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        assert_ne!(self.stdout, "", "the answer; stderr: {}", self.stderr);
        (&self.stdout, &self.stderr)
    }

    /// It succeeded, and stdout is one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        self.success();
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// It failed, and stderr ends in one JSON error, whose parts are returned.
    #[track_caller]
    pub(crate) fn json_error(&self, code: i32) -> Value {
        let last = self.failure(code).lines().last().unwrap_or_default();
        let mut error: Value =
            serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {}", self.stderr));
        error["error"].take()
    }
}

impl From<std::process::Output> for RunResult {
    fn from(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
        Self {
            status: output.status,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// Asserts that `text` holds all of `parts`.
#[track_caller]
pub(crate) fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

/// Waits for something that nothing reports.
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !condition() {
        assert!(
            std::time::Instant::now() < deadline,
            "waited in vain for {what}"
        );
        std::thread::yield_now();
    }
}
