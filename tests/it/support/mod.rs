//! Shared test support: a manager and a home folder for each test, and the binary that runs in them.

pub(crate) mod certificates;
pub(crate) mod files;
#[cfg(target_os = "linux")]
pub(crate) mod fixed_files;
#[cfg(unix)]
pub(crate) mod github;
pub(crate) mod held_manager;
pub(crate) mod pins;
#[cfg(target_os = "linux")]
pub(crate) mod platform;
pub(crate) mod profiles;
pub(crate) mod proxy;
#[cfg(unix)]
pub(crate) mod pty;
pub(crate) mod relay;
pub(crate) mod requests;
pub(crate) mod responses;
pub(crate) mod running;
pub(crate) mod schema;
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

/// A simulated manager, and a home folder with the address and the credentials for it.
pub(crate) struct TestEnv {
    pub(crate) sandbox: Sandbox,
    pub(crate) home: Home,
}

impl TestEnv {
    /// Returns an environment with the default manager.
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    /// Returns an environment with this manager.
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

    /// Runs `swp-keys` with these arguments and an empty stdin.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> RunResult {
        self.home.run(arguments)
    }

    /// Makes later runs authenticate with this key instead of a password.
    pub(crate) fn use_key(&mut self, secret: &str) {
        self.home.unset("SWP_USERNAME");
        self.home.unset("SWP_PASSWORD_FILE");
        let file = self.home.write_secret("key", secret);
        self.home.set("SWP_API_KEY_FILE", file);
    }

    /// Returns the number of requests of this route.
    pub(crate) fn count(&self, route: &str) -> usize {
        let requests = self.sandbox.requests();
        requests.iter().filter(|seen| seen.route() == route).count()
    }

    /// Waits until the manager has received a request of this route.
    #[track_caller]
    pub(crate) fn wait_for(&self, route: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.count(route) == 0 {
            assert!(Instant::now() < deadline, "no request of {route} arrived");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Returns the methods and paths of all requests except the sign-out.
    pub(crate) fn calls(&self) -> Vec<String> {
        (self.sandbox.requests().iter())
            .map(|request| format!("{} {}", request.method, request.path))
            .filter(|call| call != END_SESSION && call != LEGACY_LOGOUT)
            .collect()
    }
}

/// The request that ends a session.
pub(crate) const END_SESSION: &str = "DELETE /api/sessions/current";
/// The request that ends a session on a manager that does not support the other one.
pub(crate) const LEGACY_LOGOUT: &str = "DELETE /rest/authentication/logout";

/// Returns the settings of a manager that behaves as these pairs of a question and a choice say.
pub(crate) fn answering_unknowns(choices: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::default();
    for (name, choice) in choices {
        settings.unknowns.set(name, choice).expect("a choice");
    }
    settings
}

/// A folder for one test, and the environment of the runs in it. Of the machine's environment, only PATH is inherited.
pub(crate) struct Home {
    folder: TempDir,
    variables: Vec<(String, PathBuf)>,
}

impl Home {
    pub(crate) fn new() -> Self {
        // Files that tests create must not be writable by a group, which is the default on some systems.
        #[cfg(unix)]
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = folder.path().join("state");
        Self {
            folder,
            variables: vec![
                ("SWP_STATE_DIR".to_owned(), state),
                // Requests that a test loses never arrive later, so a short wait is enough.
                ("SWP_SETTLE_TIMEOUT".to_owned(), "500ms".into()),
            ],
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets a variable for later runs. An empty value counts as unset.
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

    /// Writes a file that only its owner can read.
    pub(crate) fn write_secret(&self, name: &str, content: &str) -> PathBuf {
        let path = self.write(name, content);
        set_mode(&path, 0o600);
        path
    }

    /// Returns the command with an empty stdin.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = self.program(binary());
        command.args(arguments);
        command
    }

    /// Returns a command of a different program in the same environment.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        // Windows requires this variable to open a socket.
        if let Some(root) = std::env::var_os("SystemRoot") {
            command.env("SystemRoot", root);
        }
        detached(&mut command);
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> RunResult {
        RunResult::of(&mut self.command(arguments))
    }

    /// Runs with this text on stdin.
    pub(crate) fn run_with_stdin<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        stdin: &str,
    ) -> RunResult {
        let mut child = self.start_piped(arguments);
        let mut pipe = child.stdin.take().expect("a pipe");
        // The write fails if the run has already ended, which is not an error.
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

/// Prevents prompts on the terminal of the test runner.
fn detached(command: &mut Command) {
    // A variable, unlike `--no-input`, does not change the arguments under test.
    command.env("SWP_NO_INPUT", "1");
}

/// Returns the path of the binary under test.
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

/// The result of a run.
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

    /// Asserts that the run succeeded, and returns stdout without its line break.
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

    /// Asserts that the run failed with this exit code and an empty stdout, and returns stderr.
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

    /// Asserts that a check failed, whose result is on stdout. Returns stdout and stderr.
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

    /// Asserts that the run succeeded, that stdout is one JSON document, and that each line of stderr is one. Returns the document on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        self.success();
        self.json_messages();
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// Asserts that the run failed and that stderr ends with one JSON error, and returns its fields.
    #[track_caller]
    pub(crate) fn json_error(&self, code: i32) -> Value {
        self.failure(code);
        let mut error = self.json_messages().pop().unwrap_or_default();
        error["error"].take()
    }

    /// Asserts that each line of stderr is a JSON object with a level, and that only the last one may be an error. Returns the objects.
    #[track_caller]
    pub(crate) fn json_messages(&self) -> Vec<Value> {
        // The runner of GitHub Actions reads the commands that mask the secret.
        let lines = (self.stderr.lines()).filter(|line| !line.starts_with("::add-mask::"));
        let parsed = lines.map(|line| {
            let message: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(message["level"].is_string(), "{line}");
            message
        });
        let messages: Vec<Value> = parsed.collect();
        let errors = messages.iter().rev().skip(1);
        let errors = errors.filter(|message| message["level"] == "error").count();
        assert_eq!(errors, 0, "{}", self.stderr);
        messages
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

/// Asserts that `text` contains all `parts`.
#[track_caller]
pub(crate) fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

/// Waits until a condition is true.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !condition() {
        assert!(
            std::time::Instant::now() < deadline,
            "waited in vain for {what}"
        );
        std::thread::yield_now();
    }
}
