//! `unlock-key`: a key that was locked, by somebody or by wrong secrets, can sign in again.

use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::expiry::format_time;
use crate::keys::document::print_changed;
use crate::keys::lookup;
use crate::keys::state::State;
use crate::keys::state::describe;
use crate::keys::update::set_active;

/// Unlock a key.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The key: its ID (N or id:N), or a name that it alone has (TEXT or name:TEXT)
    #[arg(value_name = "KEY")]
    key: String,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    lookup::KeyRef::read(&args.key)?;
    let (key, changed, state) = context
        .signed_in(async |signed_in| {
            let key = lookup::resolve(&args.key, signed_in, context).await?;
            let locked = matches!(State::of(&key, signed_in.time()), State::Locked(_));
            if key.active() == Some(true) && !locked {
                let state = State::of(&key, signed_in.time());
                return Ok((key, false, state));
            }
            let key = set_active(&key, true, signed_in, context).await?;
            let state = State::of(&key, signed_in.time());
            Ok((key, true, state))
        })
        .await?;
    let output = &context.output;
    match state {
        // Whether unlocking ends a lock that wrong secrets brought about is unknown.
        State::Locked(Some(until)) => output.warn(&format!(
            "{} is unlocked, and because of wrong secrets still cannot sign in until {}",
            describe(&key),
            format_time(until)
        )),
        State::Expired => output.warn(&format!(
            "{} is not locked, but it has expired; `swp-keys update-key {} --expires 90d` gives it another end",
            describe(&key),
            key.id
        )),
        _ if changed => output.note(&format!("{} is unlocked", describe(&key))),
        _ => output.note(&format!("{} is not locked", describe(&key))),
    }
    print_changed(&key, changed, context)
}
