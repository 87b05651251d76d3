//! `unlock-key`: unlocks a key. An administrator may have locked the key, or the manager after failed sign-ins.

use crate::auth::session;
use crate::config::Settings;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::expiry::format_time;
use crate::keys::document::print_changed;
use crate::keys::lookup;
use crate::keys::state::State;
use crate::keys::state::describe;
use crate::keys::update::set_active;
use crate::target::Target;

/// Unlock a key.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The key: its ID (N or id:N) or its unique name (TEXT or name:TEXT)
    #[arg(value_name = "KEY")]
    key: String,
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    lookup::KeyRef::read(&args.key)?;
    let target = Target::new(settings)?;
    let (key, changed, state) = session::signed_in(&target, context, async |access| {
        let key = lookup::resolve(&args.key, access).await?;
        let locked = matches!(State::of(&key, access.signed_in.time()), State::Locked(_));
        if key.active() == Some(true) && !locked {
            let state = State::of(&key, access.signed_in.time());
            return Ok((key, false, state));
        }
        let key = set_active(&key, true, access).await?;
        let state = State::of(&key, access.signed_in.time());
        Ok((key, true, state))
    })
    .await?;
    let output = &context.output;
    match state {
        // It is unknown whether this request also removes a lock that the manager set after failed sign-ins.
        State::Locked(Some(until)) => output.warn(&format!(
            "{} was unlocked, but the manager still locks it until {} because of failed sign-ins",
            describe(&key),
            format_time(until)
        )),
        State::Expired => output.warn(&format!(
            "{} is not locked, but it has expired; run `swp-keys update-key {} --expires 90d` to set a new expiry",
            describe(&key),
            key.id
        )),
        _ if changed => output.note(&format!("{} was unlocked", describe(&key))),
        _ => output.note(&format!("{} is not locked", describe(&key))),
    }
    print_changed(&key, changed, &target, context)
}
