//! Runs `create-key`. If no role is set, the run is guided: it asks for the role and the expiry.

use super::args::Args;
use super::guided;
use super::plan::CreatePlan;
use super::profile_offer::ProfileOffer;
use crate::auth::login_input::LoginInput;
use crate::auth::method::AuthMethod;
use crate::auth::session;
use crate::auth::session::{Access, operation_of_session};
use crate::config::Settings;
use crate::context::{Context, Outcome};
use crate::error::{Error, ErrorKind};
use crate::mint::{self, PreparedSinks};
use crate::target::Target;

/// Creates a key. If no role is set, asks for the role and the expiry.
///
/// # Errors
/// Returns the first error. The documentation of `mint` lists the state after each failure.
pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    let is_guided = !args.names_role();
    if is_guided && !context.prompt().is_available() {
        return Err(Args::missing_role());
    }
    // The flags are checked before the sign-in and before the first question, so that an invalid flag is reported early. A guided run creates a new
    // plan after the questions.
    let plan = CreatePlan::new(args)?;
    let prepared = PreparedSinks::ready(&args.sinks, context).await?;
    let offer = ProfileOffer::of(&settings).filter(|_| is_guided);
    let target = Target::find_reachable(settings, context).await?;
    refuse_too_long(args, &target, &prepared)?;
    let input = LoginInput::default();
    let method = AuthMethod::select(&target, context)?;
    let saved = match &method {
        AuthMethod::Saved(saved) => Some(saved),
        _ => None,
    };
    if let Some(saved) = saved.filter(|_| is_guided) {
        let note = format!("using {} that `swp-keys login` saved", saved.secret);
        context.output.note(&note);
    }
    // The record is written during the sign-in, because waiting for the disk later would make `create` 10 % slower.
    let mut started = None;
    if session::signs_in_at_once(&method, &target, context) {
        let places = prepared.places();
        started = plan.start_record(context, |id| operation_of_session(&target, id, places))?;
    }
    let created = session::signed_in_with(&method, &input, &target, context, async |access| {
        if !is_guided {
            return plan.carry_out(access, prepared, started).await;
        }
        // The plan is created after the last answer, so that its start time does not include the time that the user needed for the answers.
        let args = guided::complete(args, access).await?;
        refuse_too_long(&args, &target, &prepared)?;
        let created = CreatePlan::new(&args)?
            .carry_out(access, prepared, None)
            .await;
        created.map_err(|error| explain_ended_session(error, access))
    })
    .await;
    // After a failed sign-in, the removal of the record may still be running.
    session::finish_flushes(context).await;
    let Some(report) = created? else {
        return Ok(Outcome::Done);
    };
    report.print(context);
    // The question about a profile comes last. An interruption loses nothing, because the secret is delivered and the session has ended.
    if let Some(offer) = offer {
        let username = saved.and_then(|saved| saved.username());
        let username = input.username().or(username.map(str::to_owned));
        let has_saved = saved.is_some();
        offer.make(&target, username, has_saved, context).await;
    }
    Ok(Outcome::Done)
}

/// Adds a hint if the manager rejected the session of this run. The session may have ended while the user answered the questions. The rejected
/// request created no key.
fn explain_ended_session(error: Error, access: Access<'_>) -> Error {
    if error.kind() != ErrorKind::SignIn || access.signed_in.session().is_none() {
        return error;
    }
    error.hint(
        "run the command again; the manager may have ended the session while the command waited for an answer",
    )
}

fn refuse_too_long(args: &Args, target: &Target, prepared: &PreparedSinks) -> Result<(), Error> {
    let named = [
        ("--name", args.name.as_deref()),
        ("--role", args.role.as_deref()),
        ("--tenant", target.tenant_name()),
    ];
    mint::refuse_too_long(&named, &prepared.places())
}
