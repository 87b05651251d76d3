//! A case: the response of a manager to one request of one run, and how the run must end.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::launcher;
use super::manager::{CERTIFICATE, Manager, Respond, answer};
use crate::support::Home;
use crate::support::secrets::{FRESH, KEY, PASSWORD, RID, SID, assert_silent};
use crate::support::snapshot::snapshot;

/// The upper limit for the memory of a run, for every response.
pub(super) const MOST_MEMORY: u64 = 64 * 1024 * 1024;

pub(super) const SIGN_IN: &str = "POST /api/sessions";
pub(super) const ROLES: &str = "POST /api/roles/search";
pub(super) const KEYS: &str = "POST /api/apikeys/search";
pub(super) const CREATE: &str = "POST /api/apikeys";
pub(super) const DELETE: &str = "DELETE /api/apikeys/8";
pub(super) const SIGN_OUT: &str = crate::support::END_SESSION;
pub(super) const PING: &str = "GET /rest/status/manager/ping";

/// What the run must print to stdout.
#[derive(Clone)]
pub(super) enum Stdout {
    Nothing,
    /// The secret of the created key and a line break.
    Secret,
    /// Exactly this text.
    Text(String),
    /// Any text, which a check of the case examines.
    Any,
}

type Check = Box<dyn Fn(&Manager, &str, &str) + Send + Sync>;

/// One malicious response, and the run that receives it.
pub(super) struct Case {
    name: String,
    arguments: Vec<&'static str>,
    with_key: bool,
    route: &'static str,
    respond: Respond,
    exit: i32,
    stdout: Stdout,
    stderr: Vec<String>,
    check: Option<Check>,
}

// The commands of the cases.
pub(super) const FIND: &[&str] = &["find-role", "Auditor"];
pub(super) const LIST: &[&str] = &["list-roles"];
pub(super) const CREATE_NAMED: &[&str] = &["create", "--role-id", "2", "--name", "ci"];
/// Creates a key with a generated name, without a search for that name.
pub(super) const CREATE_UNNAMED: &[&str] = &["create", "--role-id", "2"];

impl Case {
    /// A run with `arguments` that receives the response of `respond` at `route`, and must end with `exit`.
    pub(super) fn new(
        name: impl Into<String>,
        arguments: &[&'static str],
        route: &'static str,
        respond: impl Fn(&mut dyn Write) -> std::io::Result<()> + Send + Sync + 'static,
        exit: i32,
    ) -> Self {
        Self {
            name: name.into(),
            arguments: arguments.to_vec(),
            with_key: false,
            route,
            respond: Arc::new(respond),
            exit,
            stdout: Stdout::Nothing,
            stderr: Vec::new(),
            check: None,
        }
    }

    /// A case whose response is `bytes`.
    pub(super) fn bytes(
        name: impl Into<String>,
        arguments: &[&'static str],
        route: &'static str,
        bytes: impl Into<Vec<u8>>,
        exit: i32,
    ) -> Self {
        let bytes = bytes.into();
        let respond = move |to: &mut dyn Write| to.write_all(&bytes).and_then(|()| to.flush());
        Self::new(name, arguments, route, respond, exit)
    }

    /// A case whose response is HTTP 200 with this body.
    pub(super) fn body(
        name: impl Into<String>,
        arguments: &[&'static str],
        route: &'static str,
        body: impl AsRef<[u8]>,
        exit: i32,
    ) -> Self {
        let headers = match route {
            SIGN_IN => format!("Content-Type: application/json\r\nSet-Cookie: sID={SID}"),
            _ => "Content-Type: application/json".to_owned(),
        };
        let bytes = answer(200, &headers, body.as_ref());
        Self::bytes(name, arguments, route, bytes, exit)
    }

    /// Requires that stderr contains these parts.
    pub(super) fn reporting(mut self, parts: &[&str]) -> Self {
        self.stderr
            .extend(parts.iter().map(|part| (*part).to_owned()));
        self
    }

    pub(super) fn with_an_api_key(mut self) -> Self {
        self.with_key = true;
        self
    }

    pub(super) fn with(mut self, arguments: &[&'static str]) -> Self {
        self.arguments.extend(arguments);
        self
    }

    /// Requires this stdout. Without this call, stdout must be empty.
    pub(super) fn printing(mut self, stdout: Stdout) -> Self {
        self.stdout = stdout;
        self
    }

    /// Adds a check of the manager, stdout and stderr after the run.
    pub(super) fn checking(
        mut self,
        check: impl Fn(&Manager, &str, &str) + Send + Sync + 'static,
    ) -> Self {
        self.check = Some(Box::new(check));
        self
    }

    /// Runs the case, and returns the error line of its stderr.
    fn run(&self) -> String {
        let manager = Manager::start(self.route, Arc::clone(&self.respond));
        let home = self.home(&manager);
        let mut arguments = self.arguments.clone();
        for (flag, value) in [
            ("--timeout", "10s"),
            ("--retries", "0"),
            ("--settle-timeout", "100ms"),
        ] {
            if !arguments.contains(&flag) {
                arguments.extend([flag, value]);
            }
        }
        arguments.push("-vv");
        let launcher::Measured { result, peak } = launcher::run(&home, &arguments);
        let output = format!(
            "stdout: {:.500}\nstderr: {:.5000}",
            result.stdout, result.stderr
        );
        assert_eq!(result.code(), self.exit, "{output}");
        match &self.stdout {
            Stdout::Nothing => assert_eq!(result.stdout, "", "{output}"),
            Stdout::Secret => assert_eq!(result.stdout, format!("{FRESH}\n"), "{output}"),
            Stdout::Text(text) => assert_eq!(&result.stdout, text, "{output}"),
            Stdout::Any => {}
        }
        for part in &self.stderr {
            assert!(
                result.stderr.contains(part),
                "`{part}` is missing: {output}"
            );
        }
        let delivered = matches!(self.stdout, Stdout::Secret).then_some(FRESH);
        assert_silent(
            &self.name,
            &result,
            &[PASSWORD, SID, RID, KEY, FRESH],
            delivered,
        );
        assert_harmless(&result.stdout, true);
        assert_harmless(&result.stderr, false);
        assert!(
            result.stderr.len() < 64 * 1024,
            "{} bytes of stderr",
            result.stderr.len()
        );
        assert!(
            peak < MOST_MEMORY,
            "{} KiB of memory\n{output}",
            peak / 1024
        );
        // Every process takes more than this. A smaller value means that the measurement failed.
        assert!(peak > 1024 * 1024, "{peak} bytes of memory");
        if let Some(check) = &self.check {
            check(&manager, &result.stdout, &result.stderr);
        }
        let mut lines = result.stderr.lines();
        let error = lines.rfind(|line| line.starts_with("error: "));
        error.unwrap_or("no error").to_owned()
    }

    fn home(&self, manager: &Manager) -> Home {
        let mut home = Home::new();
        home.set("SWP_URL", manager.server.url());
        home.set("SWP_CA_CERT", home.write("ca.pem", &CERTIFICATE.pem));
        if self.with_key {
            home.set("SWP_API_KEY_FILE", home.write_secret("key", KEY));
        } else {
            home.set("SWP_USERNAME", "admin");
            home.set("SWP_PASSWORD_FILE", home.write_secret("password", PASSWORD));
        }
        home
    }
}

/// Asserts that `text` has no character that a terminal interprets or hides, except line breaks and the tabs between the cells of a table
/// on stdout.
fn assert_harmless(text: &str, is_stdout: bool) {
    let is_harmful = |one: &char| {
        one.is_control() && *one != '\n' && !(is_stdout && *one == '\t')
            || matches!(one, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let found: Vec<char> = text.chars().filter(is_harmful).collect();
    assert!(found.is_empty(), "{found:?} in {text:.2000}");
}

/// Runs all cases, three at a time, and reports all failures together.
pub(super) fn run_all(cases: impl IntoIterator<Item = Case, IntoIter: Send>) {
    let waiting = Mutex::new(cases.into_iter());
    let failures = Mutex::new(Vec::new());
    let errors = Mutex::new(Vec::new());
    let next = || {
        waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(case) = next() {
                    let run = std::panic::AssertUnwindSafe(|| case.run());
                    match std::panic::catch_unwind(run) {
                        Ok(error) => {
                            errors
                                .lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .push((case.name.clone(), error));
                        }
                        Err(reason) => {
                            let reason = (reason.downcast_ref::<String>().cloned()).or_else(|| {
                                reason.downcast_ref::<&str>().map(|text| (*text).to_owned())
                            });
                            let mut failures =
                                failures.lock().unwrap_or_else(PoisonError::into_inner);
                            failures.push(format!("{}: {}", case.name, reason.unwrap_or_default()));
                        }
                    }
                }
            });
        }
    });
    let failures = failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    assert!(
        failures.is_empty(),
        "{} cases:\n{}",
        failures.len(),
        failures.join("\n\n")
    );
    let mut errors = errors.into_inner().unwrap_or_else(PoisonError::into_inner);
    errors.sort();
    let lines = errors
        .iter()
        .map(|(name, error)| format!("{name}\n  {error:.1000}\n"));
    snapshot(&lines.collect::<String>());
}
