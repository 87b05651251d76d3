//! A case: what a manager says at one call of one run, and how the run must end.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::launcher;
use super::manager::{CERTIFICATE, Manager, Says, answer};
use crate::support::Home;
use crate::support::secrets::{FRESH, KEY, PASSWORD, RID, SID, assert_silent};
use crate::support::snapshot::snapshot;

/// No answer whatsoever takes a run to more memory than this.
pub(super) const MOST_MEMORY: u64 = 64 * 1024 * 1024;

pub(super) const SIGN_IN: &str = "POST /api/sessions";
pub(super) const ROLES: &str = "POST /api/roles/search";
pub(super) const KEYS: &str = "POST /api/apikeys/search";
pub(super) const CREATE: &str = "POST /api/apikeys";
pub(super) const DELETE: &str = "DELETE /api/apikeys/8";
pub(super) const SIGN_OUT: &str = crate::support::END_SESSION;
pub(super) const PING: &str = "GET /rest/status/manager/ping";

/// What stdout holds in the end.
#[derive(Clone)]
pub(super) enum Stdout {
    Nothing,
    /// The fresh secret and a line break.
    Fresh,
    /// Exactly this.
    Text(String),
    /// Whatever it is, it is looked at afterwards.
    Something,
}

type Check = Box<dyn Fn(&Manager, &str, &str) + Send + Sync>;

/// One case.
pub(super) struct Case {
    name: String,
    arguments: Vec<&'static str>,
    with_key: bool,
    route: &'static str,
    says: Says,
    exit: i32,
    stdout: Stdout,
    stderr: Vec<String>,
    check: Option<Check>,
}

/// The runs that cases are about.
pub(super) const FIND: &[&str] = &["find-role", "Auditor"];
pub(super) const LIST: &[&str] = &["list-roles"];
pub(super) const MAKE: &[&str] = &["create", "--role-id", "2", "--name", "ci"];
/// Without a look for the name.
pub(super) const MAKE_ONE: &[&str] = &["create", "--role-id", "2"];

impl Case {
    /// At `route`, this run is told `says`; it fails with `exit`, and says `stderr`.
    pub(super) fn new(
        name: impl Into<String>,
        arguments: &[&'static str],
        route: &'static str,
        says: impl Fn(&mut dyn Write) -> std::io::Result<()> + Send + Sync + 'static,
        exit: i32,
        stderr: &[&str],
    ) -> Self {
        Self {
            name: name.into(),
            arguments: arguments.to_vec(),
            with_key: false,
            route,
            says: Arc::new(says),
            exit,
            stdout: Stdout::Nothing,
            stderr: stderr.iter().map(|part| (*part).to_owned()).collect(),
            check: None,
        }
    }

    /// The same with bytes.
    pub(super) fn bytes(
        name: impl Into<String>,
        arguments: &[&'static str],
        route: &'static str,
        bytes: impl Into<Vec<u8>>,
        exit: i32,
        stderr: &[&str],
    ) -> Self {
        let bytes = bytes.into();
        let says = move |to: &mut dyn Write| to.write_all(&bytes).and_then(|()| to.flush());
        Self::new(name, arguments, route, says, exit, stderr)
    }

    /// The same with a success that has this body.
    pub(super) fn body(
        name: impl Into<String>,
        arguments: &[&'static str],
        route: &'static str,
        body: impl AsRef<[u8]>,
        exit: i32,
        stderr: &[&str],
    ) -> Self {
        let headers = match route {
            SIGN_IN => format!("Content-Type: application/json\r\nSet-Cookie: sID={SID}"),
            _ => "Content-Type: application/json".to_owned(),
        };
        let bytes = answer(200, &headers, body.as_ref());
        Self::bytes(name, arguments, route, bytes, exit, stderr)
    }

    pub(super) fn signed_by_a_key(mut self) -> Self {
        self.with_key = true;
        self
    }

    pub(super) fn with(mut self, arguments: &[&'static str]) -> Self {
        self.arguments.extend(arguments);
        self
    }

    /// It succeeds, or at least says this.
    pub(super) fn printing(mut self, stdout: Stdout) -> Self {
        self.stdout = stdout;
        self
    }

    /// A look at the manager, stdout and stderr afterwards.
    pub(super) fn and(
        mut self,
        check: impl Fn(&Manager, &str, &str) + Send + Sync + 'static,
    ) -> Self {
        self.check = Some(Box::new(check));
        self
    }

    /// Runs it, and returns the line of its error.
    fn judge(&self) -> String {
        let manager = Manager::start(self.route, Arc::clone(&self.says));
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
        let said = format!(
            "stdout: {:.500}\nstderr: {:.5000}",
            result.stdout, result.stderr
        );
        assert_eq!(result.code(), self.exit, "{said}");
        match &self.stdout {
            Stdout::Nothing => assert_eq!(result.stdout, "", "{said}"),
            Stdout::Fresh => assert_eq!(result.stdout, format!("{FRESH}\n"), "{said}"),
            Stdout::Text(text) => assert_eq!(&result.stdout, text, "{said}"),
            Stdout::Something => {}
        }
        for part in &self.stderr {
            assert!(result.stderr.contains(part), "`{part}` is missing: {said}");
        }
        let promised = matches!(self.stdout, Stdout::Fresh).then_some(FRESH);
        assert_silent(
            &self.name,
            &result,
            &[PASSWORD, SID, RID, KEY, FRESH],
            promised,
        );
        harmless(&result.stdout);
        harmless(&result.stderr);
        assert!(
            result.stderr.len() < 64 * 1024,
            "{} bytes of stderr",
            result.stderr.len()
        );
        assert!(peak < MOST_MEMORY, "{} KiB of memory\n{said}", peak / 1024);
        // Less than the program has before it does anything would mean that nothing was measured.
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

/// Nothing in it that a terminal acts on or hides.
fn harmless(text: &str) {
    let evil = |one: &char| {
        one.is_control() && *one != '\n'
            || matches!(one, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let found: Vec<char> = text.chars().filter(evil).collect();
    assert!(found.is_empty(), "{found:?} in {text:.2000}");
}

/// Runs all cases, some at once, and tells of every one that went wrong.
pub(super) fn judge(cases: Vec<Case>) {
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
                    let judged = std::panic::AssertUnwindSafe(|| case.judge());
                    match std::panic::catch_unwind(judged) {
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
