//! `exec`: runs a command with a temporary key.
//!
//! The command receives the secret of the key. The key is deleted after the command has exited, regardless of the exit code. If this process is
//! killed, `recover` can find and delete the key, because the journal record of the run is deleted only after the key. The key also has an expiry, in
//! case it is never deleted.

use tokio::process::Command;

use crate::auth::connect::sign_out;
use crate::auth::login_input::LoginInput;
use crate::auth::method::AuthMethod;
use crate::auth::session;
use crate::auth::session::Access;
use crate::auth::sign_in::sign_in_again;
use crate::config::Settings;
use crate::config::values::short_span;
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
use crate::manager::NewApiKey;
use crate::mint::{self, Delivered, PreparedSinks, RunRecord, Transaction, mark};
use crate::process::child;
use crate::process::descriptors;
use crate::process::pending::{PendingGuard, PendingWork};
use crate::random;
use crate::target::Target;
use crate::terminal::status_line;

/// Run a command with a temporary key that is deleted afterwards.
///
/// The command's environment contains the secret of the key, but not the secrets that swp-keys itself uses. The command inherits stdin,
/// stdout and stderr. The exit code is the command's: 128 + N if signal N ended it, 127 if the program does not exist, 126 if it cannot be
/// run. If the key cannot be deleted afterwards, the exit code is 11, and the error message contains the command's exit code.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which-role").required(true))]
pub(crate) struct Args {
    /// Role of the key, by its exact name
    #[arg(long, value_name = "NAME", group = "which-role")]
    role: Option<String>,

    /// ID of the key's role (if --allow-full-access is set, the role is not looked up)
    #[arg(long, value_name = "ID", group = "which-role", value_parser = clap::value_parser!(i64).range(1..))]
    role_id: Option<i64>,

    /// Do not warn if the role grants every right
    #[arg(long)]
    allow_full_access: bool,

    /// Lifetime of the key, in case it cannot be deleted; 1mo is a calendar month
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    ttl: String,

    /// Environment variable in which the command receives the secret
    #[arg(long, value_name = "NAME", default_value = "SWP_API_KEY", value_parser = variable_name)]
    env: String,

    /// Pass the secret through a pipe on this file descriptor instead of a variable (the pipe can be read once)
    #[cfg(unix)]
    #[arg(long, value_name = "N", conflicts_with = "env", value_parser = clap::value_parser!(i32).range(3..=1023))]
    fd: Option<i32>,

    /// The pipe for `--fd N`. The read end of the pipe has the descriptor number N.
    #[cfg(unix)]
    #[arg(skip)]
    pipe: std::cell::Cell<Option<crate::delivery::Pipe>>,

    /// Name of the key [default: the role, the time and eight random digits]
    #[arg(long)]
    name: Option<String>,

    /// The command and its arguments, run without a shell
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

/// The command to run, and the data for its temporary key.
struct ExecPlan<'a> {
    args: &'a Args,
    program: &'a str,
    arguments: &'a [String],
    path: std::path::PathBuf,
    ttl: Expiry,
    operation: String,
}

/// The sign-in method, and the user name and password that the user typed. With them, the run can sign in again if the session expires before the key
/// is deleted.
struct RepeatableSignIn {
    method: AuthMethod,
    input: LoginInput,
}

/// The key that was created for the command.
struct TemporaryKey {
    delivered: Delivered,
    name: String,
    recorded: RunRecord,
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    let plan = ExecPlan::new(args)?;
    let (secret, sink) = ChildSecret::prepare(args.channel(), plan.program);
    descriptors::require(descriptors::FOR_DELIVERY)?;
    let prepared = PreparedSinks::new(vec![sink]);
    let target = Target::find(settings, context).await?;
    let named = [
        ("--name", args.name.as_deref()),
        ("--role", args.role.as_deref()),
        ("--tenant", target.tenant_name()),
    ];
    mint::refuse_too_long(&named, &prepared.places())?;
    // The user name and password that the user types are kept in memory. The run may need them for a second sign-in, because the session may expire
    // before the command exits.
    let login = RepeatableSignIn {
        method: AuthMethod::select(&target, context)?,
        input: LoginInput::kept(),
    };
    let code = session::signed_in_with(
        &login.method,
        &login.input,
        &target,
        context,
        async |access| {
            let key = plan.create_key(prepared, access).await?;
            let ended = plan.run(secret, context).await;
            plan.delete_key(key, ended, &login, access).await
        },
    )
    .await?;
    Ok(Outcome::Child(code))
}

impl Args {
    /// Reserves the descriptor of `--fd`. Must be called before this process opens any other descriptor.
    ///
    /// # Errors
    /// Returns a usage error if the descriptor is already open.
    pub(crate) fn reserve(&self) -> Result<(), Error> {
        #[cfg(unix)]
        if let Some(number) = self.fd {
            self.pipe.set(Some(crate::delivery::Pipe::at(number)?));
        }
        Ok(())
    }

    /// Returns the channel through which the command gets the secret: the pipe of `--fd`, or an environment variable.
    fn channel(&self) -> ChildChannel {
        #[cfg(unix)]
        if let Some(pipe) = self.pipe.take() {
            return ChildChannel::Pipe(pipe);
        }
        ChildChannel::Variable(self.env.clone())
    }
}

impl<'a> ExecPlan<'a> {
    fn new(args: &'a Args) -> Result<Self, Error> {
        let Some((program, arguments)) = args.command.split_first() else {
            return Err(Error::usage(
                "the command is missing",
                "write the command after `--`",
            ));
        };
        check_name(args.name.as_deref())?;
        let ttl = short_span(&Source::Flag("--ttl"), &args.ttl)?;
        Ok(Self {
            args,
            program,
            arguments,
            // The program is searched for before the key is created, so that no key is created if the program does not exist.
            path: child::find(program)?,
            ttl: Expiry::After(ttl),
            operation: random::hex(4),
        })
    }

    /// Creates the key and writes its secret to the pipe or variable from which the command reads it.
    async fn create_key(
        &self,
        prepared: PreparedSinks,
        access: Access<'_>,
    ) -> Result<TemporaryKey, Error> {
        let key = self.key(access).await?;
        let before = is_free(self.args.name.as_deref(), access).await?;
        let record = self.record(&key, before, &prepared, access);
        let mint = Transaction::new(access, prepared, |_| serde_json::Value::Null);
        let (delivered, recorded) = mint.create_open(&key, record).await?;
        warn_expiry_differs(&key, &delivered, access.context);
        Ok(TemporaryKey {
            delivered,
            name: key.key_name,
            recorded,
        })
    }

    async fn key(&self, access: Access<'_>) -> Result<NewApiKey, Error> {
        let args = self.args;
        let requested = RoleRef::given(args.role.as_deref(), args.role_id);
        let requested = requested.unwrap_or(RoleRef::Name(""));
        let read_rights = !args.allow_full_access;
        let role = roles::requested(requested, read_rights, access).await?;
        if let Some(summary) = &role.summary {
            role_check::check(summary, args.allow_full_access, access.context)?;
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
            expiry_date: self.ttl.milliseconds(access.signed_in.time()),
        })
    }

    fn record(
        &self,
        key: &NewApiKey,
        before: Option<Vec<i64>>,
        prepared: &PreparedSinks,
        access: Access<'_>,
    ) -> Record {
        let operation = access.operation(&self.operation, prepared.places());
        Record {
            unique: self.args.name.is_some() && before.is_some(),
            existing_ids: before.unwrap_or_default(),
            ..Record::temporary(operation, &key.key_name, key.role_id)
        }
    }

    /// Runs the command and returns its exit code.
    ///
    /// # Errors
    /// Returns an error if a signal arrived before the command was started, or if the command cannot be run.
    async fn run(&self, secret: ChildSecret, context: &Context) -> Result<u8, Error> {
        if let Some(signal) = context.signals.received() {
            return Err(Error::interrupted(signal));
        }
        let failed = |error: std::io::Error| {
            child::cannot_run(self.program, true, &format!("cannot be run: {error}"))
        };
        let mut command = Command::new(&self.path);
        command.args(self.arguments);
        let pipe = secret.put_on(&mut command).map_err(failed)?;
        let running = child::start(&mut command, &context.signals).map_err(failed)?;
        // Dropping `command` and `pipe` removes their copies of the secret from memory.
        drop((command, pipe));
        status_line::end();
        log::info!("started `{}`", self.program);
        let ended = running.end().await;
        ended.map_err(|error| {
            Error::unexpected(format!(
                "could not get the exit status of `{}`: {error}",
                self.program
            ))
        })
    }

    /// Deletes the key, and returns the exit code of the command.
    ///
    /// # Errors
    /// Returns an error if the key cannot be deleted, even if the command succeeded.
    async fn delete_key(
        &self,
        key: TemporaryKey,
        ended: Result<u8, Error>,
        login: &RepeatableSignIn,
        access: Access<'_>,
    ) -> Result<u8, Error> {
        let recorded = key.recorded.is_written();
        let pending = access.context.pending.add(PendingWork::secret(
            format!(
                "the key `{}` may still exist (valid {})",
                key.name,
                until(&key)
            ),
            Some(key.delivered.id),
            mint::pending_hint(recorded),
        ));
        let deleted = delete(&key, login, pending, access).await;
        let Err(why) = deleted else {
            key.recorded.settle(access.context);
            if access.context.signals.received().is_some() {
                let (name, id) = (&key.name, key.delivered.id);
                let note = format!("deleted the temporary key `{name}` (ID {id})");
                access.context.output.note(&note);
            }
            return ended;
        };
        let outcome = match &ended {
            Ok(code) => format!("`{}` exited with {code}", self.program),
            Err(error) => error.to_string(),
        };
        let id = key.delivered.id;
        let message = format!(
            "{outcome}; could not delete the key `{}` (ID {id}, valid {}): {why}",
            key.name,
            until(&key)
        );
        let error = Error::new(ErrorKind::Attention, message)
            .http(why.http_status())
            .key(id);
        Err(error.hint(if recorded {
            format!("run `swp-keys recover` or `swp-keys delete-key {id}` to delete the key")
        } else {
            format!("run `swp-keys delete-key {id}` to delete the key")
        }))
    }
}

/// Returns the expiry of the key as a part of a sentence, such as `until 2027-01-31T00:00:00Z`.
fn until(key: &TemporaryKey) -> String {
    match key.delivered.expiry_date {
        Some(expiry) => format!("until {}", format_time(expiry)),
        None => "without an expiry".to_owned(),
    }
}

/// Deletes the key. If the session has expired, signs in again and repeats the deletion.
///
/// # Errors
/// Returns an error if the key cannot be deleted. If the second sign-in is impossible or fails, returns the error of the first deletion.
async fn delete(
    key: &TemporaryKey,
    login: &RepeatableSignIn,
    pending: PendingGuard<'_>,
    access: Access<'_>,
) -> Result<(), Error> {
    let (delivered, record) = (&key.delivered, key.recorded.record());
    let error = match mint::delete_delivered(access, record, delivered).await {
        Err(error) if matches!(error.kind(), ErrorKind::SignIn | ErrorKind::Forbidden) => error,
        result => return result,
    };
    let RepeatableSignIn { method, input } = login;
    if !matches!(method, AuthMethod::Password) && method.renewable_user(access.target).is_none() {
        return Err(error);
    }
    let code = access.target.mfa.as_ref().map(|code| &code.value);
    if matches!(code, Some(SecretSource::Value(_) | SecretSource::Stdin)) {
        let message = format!("{error}; could not sign in again: the MFA code was already used");
        return Err(Error::new(error.kind(), message).http(error.http_status()));
    }
    log::info!("{error}; signing in again to delete the key");
    let again = sign_in_again(method, access.target, input, access.context)
        .await
        .map_err(|again| {
            let why = match again.kind() {
                // There is no terminal for the second sign-in, or a signal arrived. The message omits this detail, because the main problem is that
                // the session has expired.
                ErrorKind::Usage | ErrorKind::Interrupted(_) => {
                    "could not sign in again".to_owned()
                }
                _ => format!("could not sign in again: {again}"),
            };
            Error::new(error.kind(), format!("{error}; {why}")).http(again.http_status())
        })?;
    let signed_in_again = Access {
        signed_in: &again,
        ..access
    };
    let result = mint::delete_delivered(signed_in_again, record, delivered).await;
    // The key was deleted. `pending` contains the message that the key may still exist. The message is removed before the sign-out, because a second
    // signal during the sign-out prints every pending message.
    drop(pending);
    sign_out(access.target, &again, access.context).await;
    result
}
