//! `delete-key`: deletes keys, and verifies that each key no longer exists. All keys are looked up before the first key is deleted.

use crate::auth::session;
use crate::auth::session::Access;
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::{Error, ErrorKind};
use crate::keys::batch::{Batch, BatchWords, KeyResult, nothing_changed};
use crate::keys::deletion::{self, IF_MISSING};
use crate::keys::lookup;
use crate::keys::lookup::KeyRef;
use crate::keys::own_key::Signer;
use crate::keys::roles::RoleNames;
use crate::keys::state;
use crate::keys::state::describe;
use crate::manager::ApiKey;
use crate::target::Target;
use crate::terminal::output::{MAX_LINE, safe};
use crate::text::shorten;

/// Delete keys and verify that they are gone.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The keys: IDs (N or id:N) or unique names (TEXT or name:TEXT)
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,

    /// What to do if a key does not exist
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    if_missing: IfMissing,

    /// The former name of `--if-missing ok`
    #[arg(long, hide = true, conflicts_with = "if_missing")]
    ignore_missing: bool,

    /// Show which keys would be deleted, but delete none
    #[arg(long)]
    dry_run: bool,

    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,

    /// Delete the keys even if this run authenticates with one of them (that key is deleted last)
    #[arg(long)]
    force: bool,
}

/// What `delete-key` does with a key that does not exist.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum IfMissing {
    /// Delete nothing, and exit with code 3
    Fail,
    /// Treat it as deleted
    Ok,
}

impl Args {
    /// Returns true if a key that does not exist counts as deleted.
    fn accepts_missing(&self) -> bool {
        self.ignore_missing || self.if_missing == IfMissing::Ok
    }
}

/// The result in the output for a key that did not exist.
const ALREADY_GONE: &str = "was gone already";

const WORDS: BatchWords = BatchWords {
    verb: "delete",
    done: "deleted",
};

/// The result of looking up a KEY argument.
enum KeyArgument {
    Found(Box<ApiKey>),
    /// No key has this ID.
    MissingId(i64),
    /// No key has this name.
    MissingName(String),
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    context.output.format().require_list()?;
    for key in &args.keys {
        KeyRef::read(key)?;
    }
    if !args.yes && !args.dry_run && !context.prompt().is_available() {
        return Err(Error::usage(
            format!(
                "could not confirm the deletion: {}",
                context.prompt().obstacle()
            ),
            "use `--yes` to delete without a prompt",
        ));
    }
    let target = Target::find(settings, context).await?;
    let batch = session::signed_in(&target, context, async |access| {
        let arguments = look_up_all(args, access).await?;
        delete_all(arguments, args, access).await
    })
    .await?;
    batch.finish(&target, context)?;
    Ok(Outcome::Done)
}

/// Looks up all KEY arguments. A key that several arguments select is returned once.
///
/// # Errors
/// Returns the error of the first argument that cannot be looked up. After an error, no key is deleted.
async fn look_up_all(args: &Args, access: Access<'_>) -> Result<Vec<KeyArgument>, Error> {
    let mut arguments: Vec<KeyArgument> = Vec::new();
    for text in &args.keys {
        let argument = look_up(text, args.accepts_missing(), access).await;
        let argument = argument.map_err(|error| nothing_changed(&error, WORDS.done))?;
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
    accepts_missing: bool,
    access: Access<'_>,
) -> Result<KeyArgument, Error> {
    let found = lookup::resolve(text, access).await;
    let error = match (found, KeyRef::read(text)?) {
        (Ok(key), _) => return Ok(KeyArgument::Found(Box::new(key))),
        (Err(error), _) if error.kind() != ErrorKind::NotFound => return Err(error),
        // Without `--if-missing ok`, an ID that no key has is an error, because the ID may be mistyped.
        (Err(error), KeyRef::Id(id)) => {
            let check = async { Ok(access.signed_in.key_exists(id).await?) };
            if access.context.signals.cancel(check).await? {
                return Err(error);
            }
            if accepts_missing {
                return Ok(KeyArgument::MissingId(id));
            }
            lookup::no_key(id, None)
        }
        (Err(_), KeyRef::Name(name)) if accepts_missing => {
            return Ok(KeyArgument::MissingName(name.to_owned()));
        }
        (Err(error), KeyRef::Name(_)) => error,
    };
    Err(error)
}

async fn delete_all(
    arguments: Vec<KeyArgument>,
    args: &Args,
    access: Access<'_>,
) -> Result<Batch, Error> {
    let flags = [
        (args.yes, " --yes"),
        (args.force, " --force"),
        (args.accepts_missing(), IF_MISSING),
    ];
    let flags = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| *flag);
    let mut batch = Batch::new(WORDS, flags.collect());
    let (mut keys, mut missing) = (Vec::new(), Vec::new());
    for (place, argument) in arguments.into_iter().enumerate() {
        let (id, name) = match argument {
            KeyArgument::Found(key) => {
                keys.push(*key);
                continue;
            }
            KeyArgument::MissingId(id) => (Some(id), None),
            KeyArgument::MissingName(name) => (None, Some(name)),
        };
        missing.push((place, KeyResult::missing(id, name, ALREADY_GONE)));
    }
    if !keys.is_empty() {
        delete_found(keys, &mut batch, args, access).await?;
    }
    // The results have the order of the arguments.
    for (place, result) in missing {
        batch.insert(place, result);
    }
    Ok(batch)
}

/// Deletes keys that exist, after the user has confirmed it, and adds their results to `batch`.
async fn delete_found(
    mut keys: Vec<ApiKey>,
    batch: &mut Batch,
    args: &Args,
    access: Access<'_>,
) -> Result<(), Error> {
    let signer = Signer::ask(access).await?;
    if !args.force {
        for key in &keys {
            signer.refuse_own_key(key, "deleted")?;
        }
    }
    if args.dry_run {
        for key in &keys {
            batch.push(KeyResult::planned(key, "would be deleted"));
        }
        let output = &access.context.output;
        output.note("dry run: nothing was deleted");
        return Ok(());
    }
    // The key that authenticates this run is deleted last, because the manager rejects all requests of this run after that.
    signer.move_own_key_last(&mut keys);
    if !args.yes {
        confirm(&keys, access).await?;
    }
    let step = (access.context.progress).begin_items("deleting keys", Some(keys.len()));
    let mut remaining = keys.iter();
    while let Some(key) = remaining.next() {
        step.set_done(keys.len() - remaining.len() - 1);
        if let Some(signal) = access.context.signals.received() {
            batch.skip([key].into_iter().chain(remaining));
            return Err(batch.interrupted(signal));
        }
        match deletion::delete(key, signer.is(key.id), &batch.done_so_far(), access).await {
            Ok(()) => batch.push(KeyResult::changed(key, "gone")),
            Err(error) => {
                // The key may have been deleted, so the command in the hint must accept a missing key.
                if error.kind() == ErrorKind::Attention {
                    batch.add_flag(IF_MISSING);
                }
                if batch.fail(key, error) {
                    batch.skip(remaining);
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Returns the line for a key in the list that the user confirms: its name, its role and the time of its last use.
fn usage(key: &ApiKey, roles: &RoleNames) -> String {
    let role = match (roles.get(key.role_id()), key.role_id()) {
        (Some(name), _) => format!("role `{name}`"),
        (None, Some(id)) => format!("role ID {id}"),
        (None, None) => "no role".to_owned(),
    };
    let used = match key.last_sign_in() {
        Some(_) => format!("last used {}", state::time_or(key.last_sign_in(), "")),
        None => "never used".to_owned(),
    };
    let name = describe(key);
    let name = name.strip_prefix("the key ").unwrap_or(&name);
    let line = format!("{name}, {role}, {used}");
    format!("  {}", safe(&shorten(&line, MAX_LINE)))
}

/// Shows the keys, and asks the user to confirm their deletion.
async fn confirm(keys: &[ApiKey], access: Access<'_>) -> Result<(), Error> {
    let context = access.context;
    let roles = RoleNames::ask(access).await?;
    let lines: Vec<String> = keys.iter().map(|key| usage(key, &roles)).collect();
    let (subject, object) = match keys {
        [_] => ("this key", "the key".to_owned()),
        several => ("these keys", format!("these {} keys", several.len())),
    };
    let question = format!(
        "Programs that use {subject} will stop working:\n{}\nDelete {object}?",
        lines.join("\n")
    );
    if context
        .prompt()
        .confirm(&question, "use `--yes`", &context.signals)
        .await?
    {
        return Ok(());
    }
    Err(Error::usage(
        "the user did not confirm the deletion; nothing was deleted",
        "run the command again and answer `y`, or use `--yes`",
    ))
}
