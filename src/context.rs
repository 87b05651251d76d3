//! What a command gets: the settings, where to speak, whom to ask, and what is unsettled. Builds the manager when first asked.

use std::cell::RefCell;

use crate::error::{Error, Kind, Signal};
use crate::interrupt::Interrupt;
use crate::manager::{Manager, Options, SignedIn, Trust};
use crate::output::Output;
use crate::prompt::Prompt;
use crate::settings::Settings;
use crate::sign_in::{self, Way};

/// What a command gets.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) output: Output,
    pub(crate) interrupt: Interrupt,
    /// What a run that is left at once leaves behind; `mint.rs` says so.
    unsettled: RefCell<Option<Unsettled>>,
}

/// What a run would leave behind if it were left now.
pub(crate) struct Unsettled {
    /// In words.
    pub(crate) what: String,
    /// The key, once its ID is known.
    pub(crate) key_id: Option<i64>,
}

impl Context {
    pub(crate) fn new(settings: Settings, output: Output) -> Self {
        Self {
            settings,
            output,
            interrupt: Interrupt::default(),
            unsettled: RefCell::new(None),
        }
    }

    /// Whom to ask.
    pub(crate) fn prompt(&self) -> Prompt {
        Prompt::find(self.settings.no_input)
    }

    /// The way to the manager that the settings name. Nothing is sent yet.
    pub(crate) fn manager(&self) -> Result<Manager, Error> {
        let settings = &self.settings;
        let address = settings.address()?.clone();
        if settings.insecure {
            self.output.insist(
                "--insecure: the manager's certificate is not checked, so whoever answers gets the password; \
                 give it with --ca-cert instead",
            );
        }
        let trust = match &settings.ca_cert {
            _ if settings.insecure => Trust::Anybody,
            Some(path) => Trust::from_file(&path.value, &path.source.to_string())?,
            None => Trust::System,
        };
        Ok(Manager::new(&Options {
            address,
            trust,
            proxy: settings.proxy.clone(),
            timeout: settings.timeout,
            connect_timeout: settings.connect_timeout,
            retries: settings.retries,
        })?)
    }

    /// Signs in, does `work`, and ends the session again, whatever came of the work.
    pub(crate) async fn signed_in<T>(
        &self,
        work: impl AsyncFnOnce(&SignedIn) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let way = Way::choose(self)?;
        let signed_in = sign_in::by(self, &way).await?;
        let result = work(&signed_in).await;
        if matches!(way, Way::Password) {
            self.sign_out(&signed_in).await;
        }
        result.map_err(|error| way.advise(error))
    }

    /// Ends a session, and says whether the manager did; a failure is worth a note at -v and never a failed run. A second signal
    /// cuts it short.
    pub(crate) async fn sign_out(&self, signed_in: &SignedIn) -> bool {
        if self.settings.no_sign_out {
            return false;
        }
        let ended = signed_in.sign_out().await;
        if let Err(error) = &ended {
            log::info!("the session was not ended on the manager: {error}");
        }
        ended.is_ok()
    }

    /// Notes what a run that is left at once would leave behind; `None` where nothing.
    pub(crate) fn set_unsettled(&self, what: Option<Unsettled>) {
        *self.unsettled.borrow_mut() = what;
    }

    /// Says once, when a signal comes in the middle of the transaction, why the run does not end at once; never returns.
    pub(crate) async fn say_when_interrupted(&self) -> std::convert::Infallible {
        self.interrupt.first_signal().await;
        if self.unsettled.borrow().is_some() {
            self.output
                .note("interrupted; undoing what is under way, and again to leave it as it stands");
        }
        std::future::pending().await
    }

    /// What is said of a run that a second signal ended where it stood.
    pub(crate) fn left_at_once(&self, signal: Signal) -> Error {
        let unsettled = self.unsettled.borrow();
        let Some(Unsettled { what, key_id }) = unsettled.as_ref() else {
            return Error::interrupted(signal);
        };
        let error = Error::new(Kind::Attention, format!("interrupted in the middle: {what}")).hint(
            "look for it among the manager's keys before running this again, and delete it there: its secret is lost",
        );
        match key_id {
            Some(id) => error.key(*id),
            None => error,
        }
    }
}
