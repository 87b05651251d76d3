//! `trust`: the manager's certificate: show it, pin its key, forget it.
//!
//! A bare handshake is all that a manager sees of this: no secret is read here, so none can be sent.

use serde_json::{Value, json};

use crate::auth::first_use;
use crate::config::values::like;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::{Error, ErrorKind};
use crate::manager::{Address, Pin, ServerCertificate, key_fingerprint_command};
use crate::terminal::output;
use crate::terminal::output::{Format, json_text, safe};
use crate::terminal::prompt::Prompt;
use crate::trust::pin_store::{KnownManager, PinStore};

/// Look at the manager's certificate, pin its key, and forget it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Show the certificate, whether it is trusted, and what decides that; only a handshake is made
    Show(Host),
    /// Keep the manager's key in trusted.toml: the one of --tls-pin, or the one it shows, once you say so
    Add(Host),
    /// Forget the pins that are kept of a manager
    Remove(Host),
    /// List the pins that are kept
    List,
}

#[derive(clap::Args)]
struct Host {
    /// HOST, HOST:PORT or a URL [default: the manager of --url]
    host: Option<String>,
}

impl Host {
    fn address(&self, context: &Context) -> Result<Address, Error> {
        let address = match &self.host {
            None => context.settings.address()?.clone(),
            Some(host) => Address::parse(host).map_err(|reason| {
                Error::usage(format!("HOST is not usable: {reason}"), like(host))
            })?,
        };
        if address.is_encrypted() {
            Ok(address)
        } else {
            Err(Error::usage(
                "there is no certificate where http is spoken",
                "give an address with https",
            ))
        }
    }
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Outcome, Error> {
    match &args.what {
        What::Show(host) => show(&host.address(context)?, context).await?,
        What::Add(host) => add(&host.address(context)?, context).await?,
        What::Remove(host) => remove(&host.address(context)?, context).await?,
        What::List => list(context)?,
    }
    Ok(Outcome::Done)
}

async fn presented(address: &Address, context: &Context) -> Result<ServerCertificate, Error> {
    let looking = context.presented(address);
    context.signals.cancel(looking).await
}

async fn show(address: &Address, context: &Context) -> Result<(), Error> {
    let format = context.output.format();
    if format == Format::Env {
        return Err(no_env());
    }
    let decided = context.trust_at(address)?.source;
    let certificate = presented(address, context).await?;
    let place = address.host_and_port();
    if format != Format::Text {
        let object = as_json(&place, &certificate, &decided.to_string());
        return context
            .output
            .data(&(json_text(&object, format == Format::Json) + "\n"));
    }
    let trusted = match &certificate.problem {
        None => "yes".to_owned(),
        Some(problem) => format!("no, it {}", problem.description),
    };
    let text = format!(
        "{}\n\n{}\n\n  {:<8} {}\n  {:<8} {}\n\n{}\n",
        safe(&place),
        first_use::describe(&certificate),
        "trusted",
        safe(&trusted),
        "decided",
        safe(&format!("by {decided}")),
        first_use::comparison_commands(&place)
    );
    context.output.data(&text)
}

fn as_json(place: &str, certificate: &ServerCertificate, decided: &str) -> Value {
    let details = &certificate.details;
    let time = |time: Option<chrono::DateTime<chrono::Utc>>| {
        time.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
    };
    json!({
        "host": place,
        "subject": details.subject,
        "issuer": details.issuer,
        "names": details.names,
        "notBefore": time(details.not_before),
        "notAfter": time(details.not_after),
        "key": details.key,
        "pin": certificate.pin.to_string(),
        "certificateFingerprint": certificate.fingerprint.to_string(),
        "trusted": certificate.problem.is_none(),
        "decidedBy": decided,
        "flaw": certificate.problem.as_ref().map(|problem| problem.kind.code()),
        "problem": certificate.problem.as_ref().map(|problem| &problem.description),
        "hint": certificate.problem.as_ref().map(|problem| &problem.hint),
    })
}

fn no_env() -> Error {
    Error::usage(
        "`-o env` is for one value, and this is more",
        "use text or json",
    )
}

/// A pin that is given is kept as it is, so that it can be there before the manager is. One that is only shown wants a person's word.
async fn add(address: &Address, context: &Context) -> Result<(), Error> {
    if context.output.format() == Format::Env {
        return Err(no_env());
    }
    let place = address.host_and_port();
    let settings = &context.settings;
    let given = settings.tls_pins.as_ref();
    let pins = match given.filter(|pins| settings.is_about(&pins.source, address)) {
        Some(pins) => {
            let add = |trusted: &mut PinStore| trusted.add(&place, &pins.value);
            PinStore::change(&context.signals, add).await?;
            pins.value.iter().map(Pin::to_string).collect::<Vec<_>>()
        }
        None => {
            let Some(certificate) = shown(address, &place, context).await? else {
                context
                    .output
                    .note(&format!("the key of {place} is kept already"));
                return print_kept(&place, context);
            };
            let pin = certificate.pin;
            first_use::store_first(&place, pin, &context.signals)
                .await?
                .map_err(|kept| first_use::other_key(&place, &kept, &certificate))?;
            vec![pin.to_string()]
        }
    };
    context.output.note(&format!(
        "{place} is known by {} from now on",
        pins.join(", ")
    ));
    print_kept(&place, context)
}

/// The key that the manager shows, confirmed; `None` where it is kept already.
async fn shown(
    address: &Address,
    place: &str,
    context: &Context,
) -> Result<Option<ServerCertificate>, Error> {
    let kept = PinStore::read()?.managers.remove(place);
    let certificate = presented(address, context).await?;
    if let Some(kept) = kept {
        if kept.pins.contains(&certificate.pin) {
            return Ok(None);
        }
        return Err(first_use::other_key(place, &kept, &certificate));
    }
    if let Some(problem) = certificate
        .problem
        .as_ref()
        .filter(|problem| !problem.can_be_pinned)
    {
        let message = format!(
            "the certificate of {place} {}; its key is not pinned",
            problem.description
        );
        return Err(Error::new(ErrorKind::Trust, message).hint(&problem.hint));
    }
    if context.settings.tls_accept_new {
        return Ok(Some(certificate));
    }
    if context.prompt() == Prompt::Unavailable {
        let message =
            format!("the key of {place} was not compared by anybody, and there is nobody to ask");
        return Err(Error::new(ErrorKind::Trust, message).hint(format!(
            "where the manager itself prints the same with `{}`, run `swp-keys trust add {place} --tls-pin {}`",
            key_fingerprint_command(place),
            certificate.pin
        )));
    }
    let problem = match &certificate.problem {
        Some(problem) => problem.description.as_str(),
        None if context.settings.insecure.is_some() => "was not checked",
        None => "is trusted already",
    };
    first_use::confirm(context, place, &certificate, problem).await?;
    Ok(Some(certificate))
}

fn print_kept(place: &str, context: &Context) -> Result<(), Error> {
    let format = context.output.format();
    if format == Format::Text {
        return Ok(());
    }
    let kept = PinStore::read()?.managers.remove(place);
    let object = kept.map(|kept| entry(place, &kept));
    context
        .output
        .data(&(json_text(&object, format == Format::Json) + "\n"))
}

fn entry(place: &str, kept: &KnownManager) -> Value {
    let pins: Vec<_> = kept.pins.iter().map(Pin::to_string).collect();
    json!({"host": place, "pins": pins, "added": kept.added})
}

async fn remove(address: &Address, context: &Context) -> Result<(), Error> {
    let place = address.host_and_port();
    let unknown = || {
        Error::new(ErrorKind::NotFound, format!("no pin is kept for {place}"))
            .hint("`swp-keys trust list` lists them")
    };
    // A file that is not there is not made for this.
    if !PinStore::read()?.managers.contains_key(&place) {
        return Err(unknown());
    }
    let forget = |trusted: &mut PinStore| trusted.managers.remove(&place);
    let removed = PinStore::change(&context.signals, forget).await?;
    removed.ok_or_else(unknown)?;
    context
        .output
        .note(&format!("the key of {place} is forgotten"));
    Ok(())
}

fn list(context: &Context) -> Result<(), Error> {
    let format = context.output.format();
    format.require_list()?;
    let trusted = PinStore::read()?;
    let entries = trusted.managers.iter();
    let document = match format {
        Format::Text | Format::Env => output::table(
            ["HOST", "PIN", "ADDED"],
            entries.flat_map(|(place, kept)| {
                let rows = kept.pins.iter();
                rows.map(|pin| [place.clone(), pin.to_string(), kept.added.clone()])
            }),
        ),
        Format::Json => {
            let managers: Vec<_> = entries.map(|(place, kept)| entry(place, kept)).collect();
            let path = PinStore::path().map(|path| path.display().to_string());
            json_text(&json!({"managers": managers, "meta": {"file": path}}), true) + "\n"
        }
        Format::Jsonl => entries
            .map(|(place, kept)| json_text(&entry(place, kept), false) + "\n")
            .collect(),
    };
    context.output.data(&document)
}
