//! `delete-key`: all keys are found before the first is deleted; after each deletion the manager is asked whether the key is gone.

mod report;

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
use report::{Fate, interrupted, summed_up};

/// Delete keys for good, and look whether they are gone.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The keys: IDs (N or id:N), or names that one key each has (TEXT or name:TEXT); an ID that is gone already counts as deleted
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,

    /// Count a name that no key bears as deleted
    #[arg(long)]
    ignore_missing: bool,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    /// Delete even the key that signs this run; it goes last
    #[arg(long)]
    force: bool,
}

/// What K means.
enum Target {
    Key(Box<ApiKey>),
    /// There is none with this ID.
    NoId(i64),
    /// None bears this name.
    NoName(String),
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    context.output.format().require_list()?;
    for key in &args.keys {
        KeyRef::read(key)?;
    }
    if !args.yes && context.prompt() == Prompt::Unavailable {
        return Err(Error::usage(
            "deleting keys is to be confirmed, and there is nobody to ask",
            "say `--yes`; nothing was deleted",
        ));
    }
    let fates = context
        .signed_in(async |signed_in| {
            let targets = targets(args, signed_in, context).await?;
            delete_all(targets, args, signed_in, context).await
        })
        .await?;
    summed_up(fates, context)?;
    Ok(Outcome::Done)
}

/// What all the Ks mean, each key once; the first that means nothing ends the run before anything is done.
async fn targets(
    args: &Args,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Vec<Target>, Error> {
    let mut targets: Vec<Target> = Vec::new();
    for text in &args.keys {
        let target = match target(text, args.ignore_missing, signed_in, context).await {
            Ok(target) => target,
            Err(error) => {
                let message = format!("{error}; nothing was deleted");
                let hint = error.next_step().unwrap_or_default().to_owned();
                let told = Error::new(error.kind(), message).http(error.http_status());
                return Err(if hint.is_empty() {
                    told
                } else {
                    told.hint(hint)
                });
            }
        };
        let twice = targets.iter().any(|other| match (other, &target) {
            (Target::Key(one), Target::Key(two)) => one.id == two.id,
            (Target::NoId(one), Target::NoId(two)) => one == two,
            (Target::NoName(one), Target::NoName(two)) => one == two,
            _ => false,
        });
        if !twice {
            targets.push(target);
        }
    }
    Ok(targets)
}

async fn target(
    text: &str,
    ignore_missing: bool,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Target, Error> {
    let found = lookup::resolve(text, signed_in, context).await;
    let error = match (found, KeyRef::read(text)?) {
        (Ok(key), _) => return Ok(Target::Key(Box::new(key))),
        (Err(error), _) if error.kind() != ErrorKind::NotFound => return Err(error),
        // IDs are not used twice, so this one is gone for good; a name may be mistyped.
        (Err(error), KeyRef::Id(id)) => {
            let looking = async { Ok(signed_in.key_exists(id).await?) };
            if !context.signals.cancel(looking).await? {
                return Ok(Target::NoId(id));
            }
            error
        }
        (Err(_), KeyRef::Name(name)) if ignore_missing => {
            return Ok(Target::NoName(name.to_owned()));
        }
        (Err(error), KeyRef::Name(_)) => error,
    };
    Err(error)
}

async fn delete_all(
    targets: Vec<Target>,
    args: &Args,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Vec<Fate>, Error> {
    let mut fates = Vec::new();
    let mut keys = Vec::new();
    for target in targets {
        match target {
            Target::Key(key) => keys.push(*key),
            Target::NoId(id) => fates.push(Fate::was_gone(Some(id), None)),
            Target::NoName(name) => fates.push(Fate::was_gone(None, Some(name))),
        }
    }
    if keys.is_empty() {
        return Ok(fates);
    }
    let signer = Signer::ask(signed_in, context).await?;
    if !args.force {
        for key in &keys {
            signer.refuse_own_key(key, "deleted")?;
        }
    }
    // The key that signs the calls is gone last, or the others would not go at all.
    keys.sort_by_key(|key| signer.is(key.id));
    if !args.yes {
        confirm(&keys, context).await?;
    }
    let mut keys = keys.into_iter();
    while let Some(key) = keys.next() {
        if let Some(signal) = context.signals.received() {
            fates.extend(
                [key]
                    .into_iter()
                    .chain(keys)
                    .map(|key| Fate::not_tried(&key)),
            );
            return Err(interrupted(signal, &fates));
        }
        let result = delete(&key, signer, &fates, signed_in, context).await;
        let hopeless = (result.as_ref()).is_err_and(|error| would_fail_again(error.kind()));
        fates.push(Fate::of(&key, result));
        if hopeless {
            fates.extend(keys.map(|key| Fate::not_tried(&key)));
            break;
        }
    }
    Ok(fates)
}

/// What stood in the way of one key stands in the way of the next: a refused secret that is used again would be locked in the end.
fn would_fail_again(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::SignIn | ErrorKind::Trust | ErrorKind::Unreachable | ErrorKind::RateLimited
    )
}

async fn confirm(keys: &[ApiKey], context: &Context) -> Result<(), Error> {
    let used = |key: &ApiKey| match key.last_sign_in() {
        Some(_) => format!("last used {}", state::time_or(key.last_sign_in(), "")),
        None => "never used".to_owned(),
    };
    let question = match keys {
        [key] => {
            let name = crate::terminal::output::safe(&describe(key));
            format!("Delete {name}, {}?", used(key))
        }
        several => {
            for key in several {
                context
                    .output
                    .insist(&format!("to be deleted: {}, {}", describe(key), used(key)));
            }
            format!("Delete these {} keys?", several.len())
        }
    };
    if context
        .prompt()
        .confirm(&question, "say `--yes`", &context.signals)
        .await?
    {
        return Ok(());
    }
    Err(Error::usage(
        "nothing was deleted",
        "only `y` or `yes` deletes",
    ))
}

/// Deletes a key, and is not left before it is known whether it is gone, unless a second signal insists.
async fn delete(
    key: &ApiKey,
    signer: Signer,
    before: &[Fate],
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    let _pending = context.pending.add(PendingWork::change(
        format!("{} may be deleted{}", describe(key), report::done(before)),
        key.id,
    ));
    let asked = mint::delete(context, signed_in, key.id).await;
    let result = check(key, asked, signer.is(key.id), signed_in, context).await;
    result.map_err(|error| error.key(key.id))
}

/// Whether the key is gone, whatever was answered to its deletion.
async fn check(
    key: &ApiKey,
    asked: Result<(), Error>,
    own: bool,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    let mut poll = Poll::new(context.settings.settle_timeout.min(REFUSAL_WAIT));
    loop {
        let there = signed_in.key_exists(key.id).await.map_err(Error::from);
        match (there, &asked) {
            (Ok(false), _) => return Ok(()),
            // A key that is gone cannot ask whether it is; it found itself a moment ago.
            (Err(why), _) if own && why.kind() == ErrorKind::SignIn => return Ok(()),
            (Err(_), Err(error)) if was_refused(error.kind()) => return Err(error.clone()),
            (Err(why), _) if !poll.wait().await => return Err(unknown(key, &asked, &why)),
            (Ok(true), Err(error)) => return Err(error.clone()),
            (Ok(true), Ok(())) if !poll.wait().await => {
                return Err(Error::unexpected(format!(
                    "the manager answered with success, and {} is there still",
                    describe(key)
                ))
                .hint("look at it in the manager's console; lock it meanwhile with `swp-keys lock-key`"));
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

fn unknown(key: &ApiKey, asked: &Result<(), Error>, why: &Error) -> Error {
    let answer = match asked {
        Ok(()) => "the manager answered with success".to_owned(),
        Err(error) => error.to_string(),
    };
    let message = format!(
        "{answer}; it is not known whether {} is gone: {why}",
        describe(key)
    );
    Error::new(ErrorKind::Attention, message).hint(format!(
        "run `swp-keys delete-key {}` again: it does no harm twice",
        key.id
    ))
}
