//! `verify-key`: does this secret work, whose is it, and until when.
//!
//! The secret is tried as `mint/proof.rs` does it, which never sends one again that was refused. That it does not work is an answer
//! (exit 13), and so are the facts about it: stdout carries them either way, and stderr says what "no" means.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::auth::key_check::{Tried, try_key};
use crate::auth::sign_in;
use crate::config::values::span;
use crate::config::{SecretSource, Source, Sourced};
use crate::context::Context;
use crate::context::Outcome;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::keys::document::meta;
use crate::keys::state::{State, key_facts, proves_nothing, role_name};
use crate::manager::{ApiKey, ManagerError, SignedIn};
use crate::terminal::output::{Format, json_text, pairs};

/// Say whether a secret works, whose it is, and until when.
#[derive(clap::Args)]
#[command(
    after_help = "Exit code 13 is a no: the secret does not work, or cannot be shown to work, or ends too soon. \
                  stdout says the same then, and stderr why."
)]
pub(crate) struct Args {
    /// The file that holds the secret; "-" is stdin. Without it, the key of --api-key-file, SWP_API_KEY_FILE or SWP_API_KEY
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Also say no to a key that ends within this time, or of which the end cannot be seen
    #[arg(long, value_name = "DURATION")]
    fail_within: Option<String>,
}

/// What became of the trial.
struct Found {
    /// None: nothing shows either.
    works: Option<bool>,
    /// The key, where it may look at itself.
    key: Option<Box<ApiKey>>,
    /// The name of its role, where it may look at roles.
    role: Option<String>,
    /// Why it is no.
    no: Option<Error>,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    context.output.format().require_document()?;
    let within = args
        .fail_within
        .as_deref()
        .map(|text| span(&Source::Flag("--fail-within"), text))
        .transpose()?;
    let key = which(args, context)?;
    let credentials = sign_in::api_key(context, &key).await?;
    let signed_in = sign_in::connect(context).await?.with(credentials);
    let look = async {
        let mut found = Found::by(&signed_in, &key.source).await?;
        if let (Some(within), None) = (within, &found.no) {
            found.no = found.ends(within, &signed_in);
        }
        Ok(found)
    };
    let found = context.signals.cancel(look).await?;
    context.output.data(&found.document(&signed_in, context)?)?;
    match found.no {
        None => Ok(Outcome::Done),
        Some(no) => Err(no),
    }
}

/// Rank: `--key-file`, `--api-key-file`, SWP_API_KEY_FILE, SWP_API_KEY. A password is no secret of this kind.
fn which(args: &Args, context: &Context) -> Result<Sourced<SecretSource>, Error> {
    let given = context.settings.api_key.clone();
    let Some(path) = &args.key_file else {
        return given.ok_or_else(|| {
            Error::usage(
                "no key is given",
                "name the file that holds its secret in `--key-file`, pipe it into `--key-file -`, or set SWP_API_KEY",
            )
        });
    };
    if given.is_some_and(|given| given.source == Source::Flag("--api-key-file")) {
        return Err(Error::usage(
            "`--key-file` and `--api-key-file` were both given",
            "give one of them: the key that is verified signs the requests itself",
        ));
    }
    Ok(Sourced {
        value: if path.as_os_str() == "-" {
            SecretSource::Stdin
        } else {
            SecretSource::File(path.clone())
        },
        source: Source::Flag("--key-file"),
    })
}

impl Found {
    /// Tries the secret.
    ///
    /// # Errors
    /// Where the manager could not be asked, which says nothing about the secret.
    async fn by(signed_in: &SignedIn, source: &Source) -> Result<Self, Error> {
        let (works, no) = match try_key(signed_in).await {
            Tried::Works(key) => {
                let role = role_name(signed_in, key.as_deref().and_then(ApiKey::role_id)).await;
                return Ok(Self {
                    works: Some(true),
                    key,
                    role,
                    no: None,
                });
            }
            Tried::Refused(error) => (
                Some(false),
                says_no(
                    &format!("the secret that {source} names does not work"),
                    &error,
                ),
            ),
            Tried::Unproven(error) if proves_nothing(&error) => {
                let said = format!("nothing shows that the secret that {source} names works");
                (None, says_no(&said, &error))
            }
            Tried::Unproven(error) => return Err(error.into()),
        };
        Ok(Self {
            works,
            key: None,
            role: None,
            no: Some(no),
        })
    }

    /// Why it is no that the key ends as it does. An end that cannot be seen may be near.
    fn ends(&self, within: std::time::Duration, signed_in: &SignedIn) -> Option<Error> {
        let Some(key) = &self.key else {
            return Some(
                Error::new(
                    ErrorKind::CheckFailed,
                    "the key works, but may not look at itself, so when it ends cannot be seen",
                )
                .hint("`--fail-within` needs a role that may view API keys"),
            );
        };
        let end = key.expiry_date()?;
        let within_ms = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        if end.saturating_sub(signed_in.time().timestamp_millis()) > within_ms {
            return None;
        }
        let words = State::of(key, signed_in.time()).words(signed_in.time());
        Some(
            Error::new(
                ErrorKind::CheckFailed,
                format!(
                    "the key `{}` (ID {}): {words}, on {}; `--fail-within` is {}",
                    key.name().unwrap_or_default(),
                    key.id,
                    format_time(end),
                    humantime::format_duration(within)
                ),
            )
            .hint("make another secret before that")
            .key(key.id),
        )
    }

    fn document(&self, signed_in: &SignedIn, context: &Context) -> Result<String, Error> {
        let address = context.settings.address()?.to_string();
        let mut object = self.key.as_ref().map_or_else(Map::new, |key| key.fields());
        if context.output.format() == Format::Text {
            let works = match self.works {
                Some(true) => "yes",
                Some(false) => "no",
                None => "not proven",
            };
            let mut lines = vec![["Works", works].map(str::to_owned)];
            lines.extend(key_facts(
                self.key.as_deref(),
                self.role.as_deref(),
                signed_in,
            ));
            lines.push(["Manager".to_owned(), address]);
            return Ok(pairs(lines.into_iter()));
        }
        let mut meta = meta(
            context,
            json!({"works": self.works, "time": signed_in.time().timestamp_millis()}),
        )?;
        if let Some(key) = &self.key {
            meta["state"] = State::of(key, signed_in.time()).word().into();
        }
        if let Some(role) = &self.role {
            meta["role"] = role.as_str().into();
        }
        object.insert("meta".to_owned(), meta);
        let pretty = context.output.format() == Format::Json;
        Ok(json_text(&Value::Object(object), pretty) + "\n")
    }
}

fn says_no(said: &str, error: &ManagerError) -> Error {
    let plain: Error = error.clone().into();
    let no =
        Error::new(ErrorKind::CheckFailed, format!("{said}: {error}")).http(plain.http_status());
    match plain.next_step() {
        Some(hint) => no.hint(hint),
        None => no,
    }
}
