//! `verify-key`: checks whether a secret works, and shows its key and expiry.
//!
//! The result is always printed to stdout. If the secret does not work, the exit code is 13 and stderr contains the reason. `auth::key_check` sends
//! the requests that try the secret.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::auth::connect::connect;
use crate::auth::key_check::{Tried, try_key};
use crate::auth::key_header::{read_key, typed_key};
use crate::auth::secret_source::KEY_FILE;
use crate::auth::session::Access;
use crate::config::Settings;
use crate::config::{SecretSource, Source, Sourced};
use crate::context::Context;
use crate::context::Outcome;
use crate::error::{Error, ErrorKind};
use crate::keys::document::meta;
use crate::keys::expiry_check::FailWithin;
use crate::keys::key_meta::{KeyMeta, time_of};
use crate::keys::state::{key_facts, note_hidden_key, proves_nothing, role_name};
use crate::manager::{ApiKey, Cause, Credentials, ManagerError, SignedIn};
use crate::target::Target;
use crate::terminal::output::{Format, json_text};

/// Check whether a secret works, and show its key and expiry.
#[derive(clap::Args)]
#[command(
    after_help = "Exit code 13 means that the check failed: the secret does not work, it is unknown whether it works, or the key expires too soon. \
                  In this case, stdout contains the result and stderr the reason."
)]
pub(crate) struct Args {
    /// File with the secret to check ("-" is stdin) [default: --api-key-file, SWP_API_KEY_FILE, SWP_API_KEY or a prompt]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Also fail if the key expires within this time, or if its expiry is unknown; 1mo is a calendar month
    #[arg(long, value_name = "DURATION")]
    fail_within: Option<String>,
}

/// The result of the check.
struct Verification {
    /// `Some(true)` if the secret works, `Some(false)` if the manager rejected it, `None` if it is unknown whether the secret works.
    works: Option<bool>,
    /// The key's fields, if the key may view API keys.
    key: Option<Box<ApiKey>>,
    /// The name of the key's role, if the key may view roles.
    role: Option<String>,
    /// The reason why the check failed, or `None` if it succeeded.
    failure: Option<FailedCheck>,
}

/// The value of `meta.reason`, and the error.
type FailedCheck = (&'static str, Error);

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    context.output.format().require_document()?;
    let within = FailWithin::parse(args.fail_within.as_deref())?;
    let key = selected_key(args, &settings, context)?;
    let target = Target::find(settings, context).await?;
    let (subject, (secret, header)) = match &key {
        Some(key) => (
            format!("the secret from {}", key.source),
            read_key(&target, key, context).await?,
        ),
        None => (
            "the typed secret".to_owned(),
            typed_key(&target, context).await?,
        ),
    };
    let credentials = Credentials::ApiKey { secret, header };
    let signed_in = connect(&target, context).await?.with(credentials);
    let check = async {
        let mut result = Verification::of(&signed_in, &subject).await?;
        if let (Some(within), None) = (&within, &result.failure) {
            result.failure = result.expiry_failure(within, &signed_in);
        }
        Ok(result)
    };
    let result = context.signals.cancel(check).await?;
    let access = Access {
        signed_in: &signed_in,
        target: &target,
        context,
    };
    context.output.data(&result.document(access))?;
    if result.works == Some(true) && result.key.is_none() && result.failure.is_none() {
        note_hidden_key(context);
    }
    match result.failure {
        None => Ok(Outcome::Done),
        Some((_, failure)) => Err(failure),
    }
}

/// Returns the source of the secret to check: `--key-file`, `--api-key-file`, SWP_API_KEY_FILE or SWP_API_KEY, in this order. Returns `None` if the
/// user will be asked for the secret.
///
/// # Errors
/// Returns a usage error if no secret is set and there is no terminal to prompt on, or if two flags set a secret.
fn selected_key(
    args: &Args,
    settings: &Settings,
    context: &Context,
) -> Result<Option<Sourced<SecretSource>>, Error> {
    let given = settings.api_key.clone();
    let Some(path) = &args.key_file else {
        if given.is_none() && has_input() {
            return Err(Error::usage(
                "stdin is a file or a pipe, but `--key-file` is not set",
                "use `--key-file -` to read the secret from stdin",
            ));
        }
        if given.is_none() && !context.prompt().is_available() {
            return Err(Error::usage(
                "the API key is missing",
                "set `--key-file FILE`, pipe the secret to `--key-file -`, or set SWP_API_KEY",
            ));
        }
        return Ok(given);
    };
    if given.is_some_and(|given| given.source == Source::Flag("--api-key-file")) {
        return Err(Error::usage(
            "`--key-file` and `--api-key-file` cannot be combined",
            "omit one of these flags: the command authenticates with the key that it checks",
        ));
    }
    Ok(Some(Sourced {
        value: if path.as_os_str() == "-" {
            SecretSource::Stdin
        } else {
            SecretSource::File(path.clone())
        },
        source: KEY_FILE,
    }))
}

/// Returns true if stdin is a file or a pipe, which may contain the secret.
#[cfg(unix)]
fn has_input() -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    let stdin = std::fs::metadata("/dev/stdin").map(|stdin| stdin.file_type());
    stdin.is_ok_and(|stdin| stdin.is_file() || stdin.is_fifo())
}

/// Returns false on Windows, because the type of stdin is unknown there.
#[cfg(not(unix))]
fn has_input() -> bool {
    false
}

impl Verification {
    /// Checks the secret with one or two requests.
    ///
    /// # Errors
    /// Returns an error if a request failed for a reason other than the secret, such as a lost connection.
    async fn of(signed_in: &SignedIn, subject: &str) -> Result<Self, Error> {
        let (works, reason, failure) = match try_key(signed_in).await {
            Tried::Works(key) => {
                let role = role_name(signed_in, key.as_deref().and_then(ApiKey::role_id)).await;
                return Ok(Self {
                    works: Some(true),
                    key,
                    role,
                    failure: None,
                });
            }
            Tried::Refused(error) => (
                Some(false),
                "rejected",
                check_failed(&format!("{subject} does not work"), &error),
            ),
            // A gateway may have sent a 401 response.
            Tried::Unproven(error)
                if proves_nothing(&error) || *error.cause() == Cause::Unauthorized =>
            {
                let message = format!("it is unknown whether {subject} works");
                (None, "unknown", check_failed(&message, &error))
            }
            Tried::Unproven(error) => return Err(error.into()),
        };
        Ok(Self {
            works,
            key: None,
            role: None,
            failure: Some((reason, failure)),
        })
    }

    /// Returns the reason and the error if the key expires within the duration of `--fail-within`, or if its expiry is unknown.
    fn expiry_failure(&self, within: &FailWithin<'_>, signed_in: &SignedIn) -> Option<FailedCheck> {
        let Some(key) = &self.key else {
            let error = Error::new(
                ErrorKind::CheckFailed,
                "the key works, but it has no permission to view API keys, so the key's expiry is unknown",
            );
            let hint = format!(
                "sign in as a user who may view API keys, and run `swp-keys show-key KEY --fail-within {}`",
                within.text
            );
            return Some(("expiry-unknown", error.hint(hint)));
        };
        let error = within.failure(key, signed_in.time())?;
        Some(("expires-soon", error))
    }

    fn document(&self, access: Access<'_>) -> String {
        let address = access.target.address.to_string();
        let mut object = self.key.as_ref().map_or_else(Map::new, |key| key.fields());
        if access.context.output.format() == Format::Text {
            let works = match self.works {
                Some(true) => "yes",
                Some(false) => "no",
                None => "unknown",
            };
            let mut lines = vec![["Works", works].map(str::to_owned)];
            lines.extend(key_facts(self.key.as_deref(), self.role.as_deref(), access));
            lines.push(["Manager".to_owned(), address]);
            return access.context.output.pairs(&lines);
        }
        let mut meta = meta(
            access.target,
            json!({"works": self.works, "time": access.signed_in.time().timestamp_millis()}),
        );
        meta["reason"] = self.failure.as_ref().map(|(reason, _)| *reason).into();
        meta["checkedAt"] = time_of(&meta["time"]);
        if let Some(key) = &self.key {
            let role = self.role.as_deref();
            KeyMeta::of(key, role, access.signed_in.time()).add_to(&mut meta);
        }
        object.insert("works".to_owned(), self.works.into());
        object.insert("meta".to_owned(), meta);
        let pretty = access.context.output.format() == Format::Json;
        json_text(&Value::Object(object), pretty) + "\n"
    }
}

fn check_failed(message: &str, error: &ManagerError) -> Error {
    let cause: Error = error.clone().into();
    let failure =
        Error::new(ErrorKind::CheckFailed, format!("{message}: {error}")).http(cause.http_status());
    match cause.next_step() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
