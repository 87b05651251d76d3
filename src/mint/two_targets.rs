//! Tests transactions on two managers in one process. The transactions share only the [`Context`].

use std::cell::Cell;
use std::error::Error as StdError;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::pin::Pin;
use std::process::Command;
use std::rc::Rc;

use clap::{Args as _, FromArgMatches as _};
use rustix::process::{Signal as UnixSignal, getpid, kill_process};
use serde_json::Value;
use tokio::sync::Notify;

use super::{PreparedSinks, Transaction, mark};
use crate::auth::session;
use crate::config::global_args::{GlobalArgs, Sources};
use crate::config::{ProfileUse, Settings};
use crate::context::Context;
use crate::delivery::{Payload, Sink};
use crate::error::{Error, ErrorKind, Signal};
use crate::journal::{self, Record};
use crate::manager::NewApiKey;
use crate::process::signals::Signals;
use crate::sandbox::{Sandbox, Settings as SandboxSettings};
use crate::target::Target;
use crate::terminal::output::{Color, Format, Output};

type Step<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;
type Tested = Result<(), Box<dyn StdError>>;

/// The environment variable that marks the separate process of a test.
const OWN_PROCESS: &str = "TEST_IN_OWN_PROCESS";
const NAMES: [&str; 2] = ["first", "second"];

/// Counts the secrets that have arrived at a destination.
#[derive(Default)]
struct Arrivals {
    count: Cell<usize>,
    changed: Notify,
}

impl Arrivals {
    async fn both(&self) {
        while self.count.get() < NAMES.len() {
            self.changed.notified().await;
        }
    }
}

/// A destination whose delivery does not finish, so that a signal can arrive during the delivery.
struct HoldingSink {
    arrivals: Rc<Arrivals>,
    /// True if the first signal ends the delivery.
    obeys_signals: bool,
}

impl Sink for HoldingSink {
    fn place(&self) -> String {
        "a test destination".to_owned()
    }

    fn deliver<'a>(&'a mut self, _payload: &'a Payload<'a>, signals: &'a Signals) -> Step<'a> {
        Box::pin(async move {
            self.arrivals.count.set(self.arrivals.count.get() + 1);
            self.arrivals.changed.notify_one();
            if !self.obeys_signals {
                std::future::pending::<()>().await;
            }
            signals.first_signal().await;
            Err("interrupted".to_owned())
        })
    }

    fn withdraw(&mut self) -> Step<'_> {
        Box::pin(async { Ok(()) })
    }
}

/// Two managers, and the context of a run that works on both of them.
struct Run {
    sandboxes: [Sandbox; 2],
    targets: [Target; 2],
    context: Context,
    arrivals: Rc<Arrivals>,
}

impl Run {
    fn start(folder: &Path) -> Result<Self, Box<dyn StdError>> {
        let password = folder.join("password");
        fs::write(&password, SandboxSettings::DEFAULT_PASSWORD)?;
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600))?;
        let start = || Sandbox::start(SandboxSettings::default());
        let sandboxes = [start()?, start()?];
        let settings = |sandbox: &Sandbox| settings(sandbox, folder, &password);
        let [first, second] = &sandboxes;
        let output = Output::new(Format::Text, true, Color::Never);
        let context = Context::new(&settings(first)?, output);
        let targets = [
            Target::new(settings(first)?)?,
            Target::new(settings(second)?)?,
        ];
        Ok(Self {
            sandboxes,
            targets,
            context,
            arrivals: Rc::default(),
        })
    }

    /// Signs in to one of the managers, and creates a key on it with a [`Transaction`], as the commands do.
    async fn create_key(&self, index: usize, obeys_signals: bool) -> Result<i64, Error> {
        session::signed_in(&self.targets[index], &self.context, async |access| {
            let operation = format!("0000000{index}");
            let prepared = PreparedSinks::new(vec![Box::new(HoldingSink {
                arrivals: Rc::clone(&self.arrivals),
                obeys_signals,
            })]);
            let key = NewApiKey {
                key_name: NAMES[index].to_owned(),
                description: Some(mark(&operation)),
                role_id: 2,
                locale: None,
                time_zone: None,
                expiry_date: None,
            };
            let run = access.operation(&operation, prepared.places());
            let record = Record::create(run, &key.key_name, Some(key.role_id));
            let transaction = Transaction::new(access, prepared, |_| Value::Null);
            let delivered = transaction.create(&key, record, None).await?;
            Ok(delivered.id)
        })
        .await
    }

    /// Waits until both secrets have arrived at their destinations. When this function returns, both sessions are open and both keys exist.
    async fn both_in_delivery(&self) {
        self.arrivals.both().await;
        for sandbox in &self.sandboxes {
            assert_eq!(sandbox.live_sessions(), 1);
            assert_eq!(sandbox.api_keys().len(), 1);
        }
        let error = self.context.pending.abort_error(Signal::User1).to_string();
        assert!(NAMES.iter().all(|name| error.contains(name)), "{error}");
    }
}

fn settings(
    sandbox: &Sandbox,
    folder: &Path,
    password: &Path,
) -> Result<Settings, Box<dyn StdError>> {
    let certificate = folder.join(format!("{}.pem", sandbox.address().port()));
    fs::write(&certificate, sandbox.certificate_pem())?;
    let parser = GlobalArgs::augment_args(clap::Command::new("test"));
    let matches = parser.try_get_matches_from([
        "test".as_ref(),
        "--url".as_ref(),
        sandbox.url().as_ref(),
        "--ca-cert".as_ref(),
        certificate.as_os_str(),
        "--username=admin".as_ref(),
        "--password-file".as_ref(),
        password.as_os_str(),
    ])?;
    let global = GlobalArgs::from_arg_matches(&matches)?;
    Ok(Settings::resolve(
        global,
        &Sources::of(&matches),
        ProfileUse::Ignored,
    )?)
}

/// Runs `test` in a separate process, because the test needs its own state folder and sends signals to its process.
fn in_own_process(name: &str, test: impl AsyncFnOnce(&Run) -> Tested) -> Tested {
    let folder = tempfile::tempdir()?;
    if std::env::var_os(OWN_PROCESS).is_none() {
        let status = Command::new(std::env::current_exe()?)
            .args([
                "--exact",
                &format!("mint::two_targets::{name}"),
                "--nocapture",
            ])
            .env_clear()
            .env(OWN_PROCESS, "1")
            .env("SWP_STATE_DIR", folder.path().join("state"))
            .status()?;
        assert!(status.success());
        return Ok(());
    }
    let run = Run::start(folder.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::select! {
            biased;
            Err(error) = run.context.signals.listen() => Err(error.into()),
            result = test(&run) => result,
        }
    })
}

#[test]
fn a_signal_settles_the_work_on_both_managers() -> Tested {
    in_own_process("a_signal_settles_the_work_on_both_managers", async |run| {
        let interrupt = async {
            run.both_in_delivery().await;
            kill_process(getpid(), UnixSignal::USR1)
        };
        let (first, second, sent) = tokio::join!(
            Box::pin(run.create_key(0, true)),
            Box::pin(run.create_key(1, true)),
            interrupt
        );
        sent?;
        for result in [first, second] {
            let kind = result.err().map(|error| error.kind());
            assert_eq!(kind, Some(ErrorKind::Interrupted(Signal::User1)));
        }
        for sandbox in &run.sandboxes {
            assert!(sandbox.api_keys().is_empty());
            assert_eq!(sandbox.live_sessions(), 0);
        }
        assert!(run.context.pending.is_empty());
        assert!(journal::unfinished()?.is_empty());
        Ok(())
    })
}

#[test]
fn a_second_signal_reports_the_keys_of_both_managers() -> Tested {
    in_own_process(
        "a_second_signal_reports_the_keys_of_both_managers",
        async |run| {
            // The futures are boxed because they are large. Without the boxes, a debug build could overflow the small stack of a test thread.
            let interrupt = async {
                run.both_in_delivery().await;
                kill_process(getpid(), UnixSignal::USR1)?;
                run.context.signals.first_signal().await;
                kill_process(getpid(), UnixSignal::USR2)
            };
            let work = async {
                tokio::join!(
                    Box::pin(run.create_key(0, false)),
                    Box::pin(run.create_key(1, false)),
                    interrupt
                )
            };
            let error = tokio::select! {
                biased;
                error = run.context.aborted() => error,
                _ = work => return Err("the run finished before the test aborted it".into()),
            };
            assert_eq!(error.kind(), ErrorKind::Attention);
            let message = error.to_string();
            assert!(
                NAMES
                    .iter()
                    .all(|name| message.contains(&format!("`{name}`"))),
                "{message}"
            );
            assert_eq!(error.key_id(), None);
            assert!(run.context.pending.is_empty());
            // Both records are still on disk, so that `recover` can use them.
            assert_eq!(journal::unfinished()?.len(), NAMES.len());
            Ok(())
        },
    )
}
