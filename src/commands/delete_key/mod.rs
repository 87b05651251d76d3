//! `delete-key`: deletes keys and verifies each deletion. All keys are looked up before the first is deleted.

mod report;
mod run;

<<<<<<< HEAD
pub(crate) use run::{Args, run};
=======
use crate::context::Context;
use crate::context::Outcome;
use crate::error::{Error, ErrorKind};
use crate::keys::lookup;
use crate::keys::lookup::KeyRef;
use crate::keys::own_key::Signer;
use crate::keys::state;
use crate::keys::state::describe;
use crate::manager::{ApiKey, SignedIn};
use crate::mint::poll::Poll;
use crate::mint::{self, REFUSAL_WAIT};
use crate::process::pending::PendingWork;
use crate::terminal::prompt::Prompt;
use report::{DeleteResult, finish, interrupted};

/// Delete keys and verify that they are gone.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The keys: IDs (N or id:N) or unique names (TEXT or name:TEXT); an ID that no longer exists counts as deleted
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,

    /// Count a name that no key has as deleted
    #[arg(long)]
    ignore_missing: bool,

    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,

    /// Delete even the key that signs this run; it is deleted last
    #[arg(long)]
    force: bool,
}

/// What a KEY argument refers to.
enum KeyArgument {
    Found(Box<ApiKey>),
    /// No key has this ID.
    MissingId(i64),
    /// No key has this name.
    MissingName(String),
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    context.output.format().require_list()?;
    for key in &args.keys {
        KeyRef::read(key)?;
    }
    if !args.yes && context.prompt() == Prompt::Unavailable {
        return Err(Error::usage(
            "could not confirm the deletion: there is no terminal to prompt on",
            "use `--yes` to delete without a prompt",
        ));
    }
    let results = context
        .signed_in(async |signed_in| {
            let arguments = look_up_all(args, signed_in, context).await?;
            delete_all(arguments, args, signed_in, context).await
        })
        .await?;
    finish(results, context)?;
    Ok(Outcome::Done)
}

/// Looks all KEY arguments up, and returns each key once.
///
/// # Errors
/// Returns the error of the first argument that cannot be looked up. Nothing was deleted then.
async fn look_up_all(
    args: &Args,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Vec<KeyArgument>, Error> {
    let mut arguments: Vec<KeyArgument> = Vec::new();
    for text in &args.keys {
        let argument = match look_up(text, args.ignore_missing, signed_in, context).await {
            Ok(argument) => argument,
            Err(error) => {
                let message = format!("{error}; nothing was deleted");
                let hint = error.next_step().unwrap_or_default().to_owned();
                let error = Error::new(error.kind(), message).http(error.http_status());
                return Err(if hint.is_empty() {
                    error
                } else {
                    error.hint(hint)
                });
            }
        };
        let duplicate = arguments.iter().any(|other| match (other, &argument) {
            (KeyArgument::Found(one), KeyArgument::Found(two)) => one.id == two.id,
            (KeyArgument::MissingId(one), KeyArgument::MissingId(two)) => one == two,
            (KeyArgument::MissingName(one), KeyArgument::MissingName(two)) => one == two,
            _ => false,
        });
        if !duplicate {
            arguments.push(argument);
        }
    }
    Ok(arguments)
}

async fn look_up(
    text: &str,
    ignore_missing: bool,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<KeyArgument, Error> {
    let found = lookup::resolve(text, signed_in, context).await;
    let error = match (found, KeyRef::read(text)?) {
        (Ok(key), _) => return Ok(KeyArgument::Found(Box::new(key))),
        (Err(error), _) if error.kind() != ErrorKind::NotFound => return Err(error),
        // The manager does not reuse IDs, so this key is gone for good. A name may be misspelled.
        (Err(error), KeyRef::Id(id)) => {
            let check = async { Ok(signed_in.key_exists(id).await?) };
            if !context.signals.cancel(check).await? {
                return Ok(KeyArgument::MissingId(id));
            }
            error
        }
        (Err(_), KeyRef::Name(name)) if ignore_missing => {
            return Ok(KeyArgument::MissingName(name.to_owned()));
        }
        (Err(error), KeyRef::Name(_)) => error,
    };
    Err(error)
}

async fn delete_all(
    arguments: Vec<KeyArgument>,
    args: &Args,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Vec<DeleteResult>, Error> {
    let mut results = Vec::new();
    let mut keys = Vec::new();
    for argument in arguments {
        match argument {
            KeyArgument::Found(key) => keys.push(*key),
            KeyArgument::MissingId(id) => results.push(DeleteResult::already_gone(Some(id), None)),
            KeyArgument::MissingName(name) => {
                results.push(DeleteResult::already_gone(None, Some(name)))
            }
        }
    }
    if keys.is_empty() {
        return Ok(results);
    }
    let signer = Signer::ask(signed_in, context).await?;
    if !args.force {
        for key in &keys {
            signer.refuse_own_key(key, "deleted")?;
        }
    }
    // The key that signs the requests is deleted last. The others could not be deleted after it.
    keys.sort_by_key(|key| signer.is(key.id));
    if !args.yes {
        confirm(&keys, context).await?;
    }
    let mut keys = keys.into_iter();
    while let Some(key) = keys.next() {
        if let Some(signal) = context.signals.received() {
            results.extend(
                [key]
                    .into_iter()
                    .chain(keys)
                    .map(|key| DeleteResult::not_tried(&key)),
            );
            return Err(interrupted(signal, &results));
        }
        let result = delete(&key, signer, &results, signed_in, context).await;
        let stop = (result.as_ref()).is_err_and(|error| would_fail_again(error.kind()));
        results.push(DeleteResult::of(&key, result));
        if stop {
            results.extend(keys.map(|key| DeleteResult::not_tried(&key)));
            break;
        }
    }
    Ok(results)
}

/// Returns whether the next deletion would fail for the same reason. A refused secret that is sent again could lock its key.
fn would_fail_again(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::SignIn | ErrorKind::Trust | ErrorKind::Unreachable | ErrorKind::RateLimited
    )
}

async fn confirm(keys: &[ApiKey], context: &Context) -> Result<(), Error> {
    let usage = |key: &ApiKey| match key.last_sign_in() {
        Some(_) => format!("last used {}", state::time_or(key.last_sign_in(), "")),
        None => "never used".to_owned(),
    };
    let question = match keys {
        [key] => {
            let name = crate::terminal::output::safe(&describe(key));
            format!("Delete {name}, {}?", usage(key))
        }
        several => {
            for key in several {
                context.output.insist(&format!(
                    "will be deleted: {}, {}",
                    describe(key),
                    usage(key)
                ));
            }
            format!("Delete these {} keys?", several.len())
        }
    };
    if context
        .prompt()
        .confirm(&question, "use `--yes`", &context.signals)
        .await?
    {
        return Ok(());
    }
    Err(Error::usage(
        "the deletion was not confirmed; nothing was deleted",
        "answer `y` or `yes` to delete",
    ))
}

/// Deletes a key and verifies that it is gone. Only a second signal interrupts this.
async fn delete(
    key: &ApiKey,
    signer: Signer,
    earlier: &[DeleteResult],
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    let _pending = context.pending.add(PendingWork::change(
        format!(
            "{} may have been deleted{}",
            describe(key),
            report::deleted_so_far(earlier)
        ),
        key.id,
    ));
    let response = mint::delete(context, signed_in, key.id).await;
    let result = verify_gone(key, response, signer.is(key.id), signed_in, context).await;
    result.map_err(|error| error.key(key.id))
}

/// Checks that the key is gone, whatever the response to its deletion was.
///
/// # Errors
/// Returns an error if the key still exists, or if that is unknown.
async fn verify_gone(
    key: &ApiKey,
    response: Result<(), Error>,
    own: bool,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    let mut poll = Poll::new(context.settings.settle_timeout.min(REFUSAL_WAIT));
    loop {
        let exists = signed_in.key_exists(key.id).await.map_err(Error::from);
        match (exists, &response) {
            (Ok(false), _) => return Ok(()),
            // A deleted key cannot sign this request. It could sign requests before its deletion.
            (Err(why), _) if own && why.kind() == ErrorKind::SignIn => return Ok(()),
            (Err(_), Err(error)) if was_refused(error.kind()) => return Err(error.clone()),
            (Err(why), _) if !poll.wait().await => return Err(unknown(key, &response, &why)),
            (Ok(true), Err(error)) => return Err(error.clone()),
            (Ok(true), Ok(())) if !poll.wait().await => {
                return Err(Error::unexpected(format!(
                    "the manager reported success, but {} still exists",
                    describe(key)
                ))
                .hint(format!(
                    "lock it with `swp-keys lock-key {}`, and check it in the manager's console",
                    key.id
                )));
            }
            _ => {}
        }
    }
}

fn was_refused(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::SignIn | ErrorKind::Forbidden | ErrorKind::Trust
    )
}

fn unknown(key: &ApiKey, response: &Result<(), Error>, why: &Error) -> Error {
    let answer = match response {
        Ok(()) => "the manager reported success".to_owned(),
        Err(error) => error.to_string(),
    };
    let message = format!(
        "{answer}; it is unknown whether {} was deleted: {why}",
        describe(key)
    );
    Error::new(ErrorKind::Attention, message).hint(format!(
        "run `swp-keys delete-key {}` again; repeating the command is safe",
        key.id
    ))
}
>>>>>>> cfbad48 (Write the help texts and the delivery messages in plain English)
