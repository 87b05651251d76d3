//! `exec`: a key that lives as long as one command.
//!
//! The key is made with an end, handed to the command, and deleted when that is over, whatever came of it. The record of the
//! transaction stays until then, so that a run that is killed in between leaves a name behind; `recover` deletes such a key. Failing
//! all that, the key ends by itself.

use tokio::process::Command;

use crate::auth::sign_in;
use crate::auth::sign_in::AuthMethod;
use crate::config::values::duration;
use crate::config::{SecretSource, Source};
use crate::context::Context;
use crate::context::Outcome;
use crate::delivery::{ChildChannel, ChildSecret, variable_name};
use crate::error::{Error, ErrorKind};
use crate::expiry::{Expiry, format_time};
use crate::journal::Record;
use crate::keys::document::warn_expiry_differs;
use crate::keys::naming::{check_name, default_name, is_free};
use crate::keys::role_check;
use crate::keys::roles::{self, RoleRef};
use crate::manager::{NewApiKey, SignedIn};
use crate::mint::{self, Delivered, PreparedSinks, RunRecord, Transaction, mark, run_operation};
use crate::process::child;
use crate::process::descriptors;
use crate::process::pending::PendingWork;
use crate::random;

/// Run a command with a key that lives as long as it does.
///
/// The command gets the secret in its environment, and none of this program's own. stdin, stdout and stderr are the command's, and so is
/// the exit code: 128 and the signal's number where a signal ended it, 127 where there is no such program, 126 where it cannot be run. A
/// key that could not be deleted afterwards is exit code 11, whatever the command's was; the message names both.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which-role").required(true))]
pub(crate) struct Args {
    /// The role of the key, by its exact name
    #[arg(long, value_name = "NAME", group = "which-role")]
    role: Option<String>,

    /// The role of the key, by its ID; with --allow-full-access, it is not even looked at
    #[arg(long, value_name = "ID", group = "which-role", value_parser = clap::value_parser!(i64).range(1..))]
    role_id: Option<i64>,

    /// A role with every right is meant: do not warn of it
    #[arg(long)]
    allow_full_access: bool,

    /// When the key ends if it cannot be deleted
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    ttl: String,

    /// The variable that the command finds the secret in
    #[arg(long, value_name = "NAME", default_value = "SWP_API_KEY", value_parser = variable_name)]
    env: String,

    /// Instead of in a variable, the command finds the secret at this descriptor, and can read it once
    #[cfg(unix)]
    #[arg(long, value_name = "N", conflicts_with = "env", value_parser = clap::value_parser!(i32).range(3..=1023))]
    fd: Option<i32>,

    /// The pipe that has this number.
    #[cfg(unix)]
    #[arg(skip)]
    pipe: std::cell::Cell<Option<crate::delivery::Pipe>>,

    /// The name of the key [default: role, time and eight random digits]
    #[arg(long)]
    name: Option<String>,

    /// The command and its arguments; no shell is in between
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

/// What is to be run, and for how long its key may live.
struct Job<'a> {
    args: &'a Args,
    program: &'a str,
    arguments: &'a [String],
    path: std::path::PathBuf,
    ttl: Expiry,
    operation: String,
}

/// A key that is there for the command.
struct TemporaryKey {
    delivered: Delivered,
    name: String,
    recorded: RunRecord,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    let job = Job::new(args)?;
    let (given, sink) = ChildSecret::prepare(args.given(), job.program);
    descriptors::require(descriptors::FOR_DELIVERY)?;
    let prepared = PreparedSinks::new(vec![sink]);
    let tenant = context.settings.tenant.as_ref();
    let named = [
        ("--name", args.name.as_deref()),
        ("--role", args.role.as_deref()),
        ("--tenant", tenant.map(|tenant| tenant.value.as_str())),
    ];
    mint::refuse_too_long(&named, &prepared.places())?;
    // The session may end before the command does.
    context.hold();
    let way = AuthMethod::select(context)?;
    let code = context
        .signed_in(async |signed_in| {
            let lent = job.lend(prepared, signed_in, context).await?;
            let ended = job.run(given, context).await;
            job.roll_back(lent, ended, &way, signed_in, context).await
        })
        .await?;
    Ok(Outcome::Child(code))
}

impl Args {
    /// Takes the number of the descriptor, before anything else of this program does.
    ///
    /// # Errors
    /// Of usage, where the caller has something there.
    pub(crate) fn reserve(&self) -> Result<(), Error> {
        #[cfg(unix)]
        if let Some(number) = self.fd {
            self.pipe.set(Some(crate::delivery::Pipe::at(number)?));
        }
        Ok(())
    }

    fn given(&self) -> ChildChannel {
        #[cfg(unix)]
        if let Some(pipe) = self.pipe.take() {
            return ChildChannel::Pipe(pipe);
        }
        ChildChannel::Variable(self.env.clone())
    }
}

impl<'a> Job<'a> {
    fn new(args: &'a Args) -> Result<Self, Error> {
        let Some((program, arguments)) = args.command.split_first() else {
            return Err(Error::usage("there is no command", "give one after `--`"));
        };
        check_name(args.name.as_deref())?;
        let ttl = duration(&Source::Flag("--ttl"), &args.ttl)?;
        Ok(Self {
            args,
            program,
            arguments,
            // Found, or not, before a key is made for it.
            path: child::find(program)?,
            ttl: Expiry::After(ttl),
            operation: random::hex(4),
        })
    }

    /// Makes the key, and puts its secret where the command will find it.
    async fn lend(
        &self,
        prepared: PreparedSinks,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<TemporaryKey, Error> {
        let key = self.key(signed_in, context).await?;
        let before = is_free(self.args.name.as_deref(), signed_in, context).await?;
        let record = self.record(&key, before, &prepared, signed_in, context)?;
        let mint = Transaction::new(context, signed_in, prepared, &serde_json::Value::Null);
        let (delivered, recorded) = mint.create_open(&key, record).await?;
        warn_expiry_differs(&key, &delivered, context);
        Ok(TemporaryKey {
            delivered,
            name: key.key_name,
            recorded,
        })
    }

    async fn key(&self, signed_in: &SignedIn, context: &Context) -> Result<NewApiKey, Error> {
        let args = self.args;
        let asked = RoleRef::given(args.role.as_deref(), args.role_id);
        let asked = asked.unwrap_or(RoleRef::Name(""));
        let read_rights = !args.allow_full_access;
        let role = roles::requested(asked, read_rights, signed_in, context).await?;
        if let Some(summary) = &role.summary {
            role_check::check(summary, args.allow_full_access, context)?;
        }
        let role_id = role.id;
        let role_name = role.summary.as_ref().map(|role| role.name.as_str());
        Ok(NewApiKey {
            key_name: (args.name.clone()).unwrap_or_else(|| {
                default_name(role_id, role_name, chrono::Utc::now(), &self.operation)
            }),
            description: Some(mark(&self.operation)),
            role_id,
            locale: None,
            time_zone: None,
            expiry_date: self.ttl.milliseconds(signed_in.time()),
        })
    }

    fn record(
        &self,
        key: &NewApiKey,
        before: Option<Vec<i64>>,
        prepared: &PreparedSinks,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<Record, Error> {
        let operation = run_operation(&self.operation, prepared.places(), signed_in, context)?;
        Ok(Record {
            unique: self.args.name.is_some() && before.is_some(),
            existing_ids: before.unwrap_or_default(),
            ..Record::temporary(operation, &key.key_name, key.role_id)
        })
    }

    /// Runs the command to its end. A signal that came before it was there keeps it from being run.
    async fn run(&self, given: ChildSecret, context: &Context) -> Result<u8, Error> {
        if let Some(signal) = context.signals.received() {
            return Err(Error::interrupted(signal));
        }
        let failed = |error: std::io::Error| {
            child::cannot_run(self.program, true, &format!("cannot be run: {error}"))
        };
        let mut command = Command::new(&self.path);
        command.args(self.arguments);
        let pipe = given.put_on(&mut command).map_err(failed)?;
        let running = child::start(&mut command, &context.signals).map_err(failed)?;
        // The copies of the secret that are ours.
        drop((command, pipe));
        log::info!("`{}` runs", self.program);
        let ended = running.end().await;
        ended.map_err(|error| Error::unexpected(format!("`{}` is lost: {error}", self.program)))
    }

    /// Deletes the key. Where that fails, nothing the command came to may hide it.
    async fn roll_back(
        &self,
        lent: TemporaryKey,
        ended: Result<u8, Error>,
        way: &AuthMethod,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<u8, Error> {
        let kept = lent.recorded.is_written();
        let pending = context.pending.add(PendingWork::secret(
            format!(
                "the key `{}` may be there still, {}",
                lent.name,
                until(&lent)
            ),
            Some(lent.delivered.id),
            mint::pending_hint(kept),
        ));
        let deleted = delete(&lent, way, signed_in, context).await;
        drop(pending);
        let Err(why) = deleted else {
            lent.recorded.settle(context).done().await;
            return ended;
        };
        let came_to = match &ended {
            Ok(code) => format!("`{}` exited with {code}", self.program),
            Err(error) => error.to_string(),
        };
        let id = lent.delivered.id;
        let message = format!(
            "{came_to}; the key `{}` (ID {id}) could not be deleted, and is there {}: {why}",
            lent.name,
            until(&lent)
        );
        let error = Error::new(ErrorKind::Attention, message)
            .http(why.http_status())
            .key(id);
        Err(error.hint(if kept {
            format!("run `swp-keys recover`, which deletes it, or `swp-keys delete-key {id}`")
        } else {
            format!("`swp-keys delete-key {id}` deletes it")
        }))
    }
}

fn until(lent: &TemporaryKey) -> String {
    match lent.delivered.expiry_date {
        Some(end) => format!("until {}", format_time(end)),
        None => "without an end".to_owned(),
    }
}

/// Deletes the key, with a new session where the first has ended meanwhile.
async fn delete(
    lent: &TemporaryKey,
    way: &AuthMethod,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    let (delivered, record) = (&lent.delivered, lent.recorded.record());
    let error = match mint::delete_delivered(context, signed_in, record, delivered).await {
        Err(error) if matches!(error.kind(), ErrorKind::SignIn | ErrorKind::Forbidden) => error,
        result => return result,
    };
    if !matches!(way, AuthMethod::Password) && way.replaceable(context).is_none() {
        return Err(error);
    }
    let code = context.settings.mfa.as_ref().map(|code| &code.value);
    if matches!(code, Some(SecretSource::Value(_) | SecretSource::Stdin)) {
        let message = format!(
            "{error}; a code of the second factor is good for one sign-in, so there was no second one"
        );
        return Err(Error::new(error.kind(), message).http(error.http_status()));
    }
    log::info!("{error}; signing in again to delete the key");
    let again = sign_in::again(context, way).await.map_err(|again| {
        let why = match again.kind() {
            // What it says of the question is about this sign-in alone.
            ErrorKind::Usage | ErrorKind::Interrupted(_) => {
                "there was no second sign-in".to_owned()
            }
            _ => format!("signing in again: {again}"),
        };
        Error::new(error.kind(), format!("{error}; {why}")).http(again.http_status())
    })?;
    let result = mint::delete_delivered(context, &again, record, delivered).await;
    context.sign_out(&again).await;
    result
}
