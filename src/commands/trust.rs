//! `trust`: shows the manager's certificate, and pins and unpins the public key of the certificate.
//!
//! These commands connect to the manager only for a TLS handshake. They read no password, API key or session.

use std::time::Duration;

use serde_json::{Value, json};

use crate::auth::{certificate_text, first_use};
use crate::config::Settings;
use crate::config::values::like;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::{Error, ErrorKind};
use crate::manager::{
    Address, ConnectionOptions, Manager, Pin, ServerCertificate, key_fingerprint_command,
};
use crate::target::Target;
use crate::terminal::output::{Cell, Column, Format, Table, json_text, safe};
use crate::trust::pin_store::{KnownManager, PinStore};

/// Show, pin and unpin the manager's TLS certificate.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: TrustAction,
}

impl Args {
    /// Returns true if the command prints a table.
    pub(crate) fn prints_table(&self) -> bool {
        matches!(self.action, TrustAction::List)
    }
}

#[derive(clap::Subcommand)]
enum TrustAction {
    /// Show the manager's certificate, whether it is trusted, and why (makes a TLS handshake only)
    Show(Host),
    /// Pin the manager's public key in trusted.toml: the key in --tls-pin or, after confirmation, the key that the manager presents
    Add(Host),
    /// Remove the pins of a manager from trusted.toml
    Remove(Host),
    /// List the pins in trusted.toml
    List,
}

#[derive(clap::Args)]
struct Host {
    /// The manager: HOST, HOST:PORT or a URL [default: the manager of --url]
    host: Option<String>,
}

impl Host {
    async fn target(&self, settings: Settings, context: &Context) -> Result<Target, Error> {
        let target = match &self.host {
            None => Target::find(settings, context).await?,
            Some(host) => {
                let address = Address::parse(host).map_err(|reason| {
                    Error::usage(format!("invalid value for HOST: {reason}"), like(host))
                })?;
                Target::at(address, settings)
            }
        };
        if target.address.is_encrypted() {
            Ok(target)
        } else {
            Err(Error::usage(
                "the address uses http, so it has no TLS certificate",
                "use an https address",
            ))
        }
    }
}

pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    match &args.action {
        TrustAction::Show(host) => show(&host.target(settings, context).await?, context).await?,
        TrustAction::Add(host) => add(&host.target(settings, context).await?, context).await?,
        TrustAction::Remove(host) => {
            remove(&host.target(settings, context).await?, context).await?
        }
        TrustAction::List => list(context)?,
    }
    Ok(Outcome::Done)
}

async fn read_certificate(target: &Target, context: &Context) -> Result<ServerCertificate, Error> {
    let handshake = target.probe(context);
    context.signals.cancel(handshake).await
}

async fn show(target: &Target, context: &Context) -> Result<(), Error> {
    let format = context.output.format();
    if format == Format::Env {
        return Err(no_env());
    }
    let source = target.trust()?.source;
    let certificate = read_certificate(target, context).await?;
    let host = target.address.host_and_port();
    if format != Format::Text {
        let object = as_json(&host, &certificate, &source.to_string());
        return context
            .output
            .data(&(json_text(&object, format == Format::Json) + "\n"));
    }
    let trusted = match &certificate.problem {
        None => "yes".to_owned(),
        Some(problem) => format!("no, it {}", problem.description),
    };
    let text = format!(
        "{}\n\n{}\n\n{}\n{}\n\n{}\n",
        safe(&host),
        certificate_text::describe(&certificate),
        certificate_text::line("trusted", &trusted),
        certificate_text::line("decided", &format!("by {source}")),
        certificate_text::comparison_commands(&host)
    );
    context.output.data(&text)
}

fn as_json(host: &str, certificate: &ServerCertificate, source: &str) -> Value {
    let details = &certificate.details;
    let time = |time: Option<chrono::DateTime<chrono::Utc>>| {
        time.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
    };
    json!({
        "host": host,
        "subject": details.subject,
        "issuer": details.issuer,
        "names": details.names,
        "notBefore": time(details.not_before),
        "notAfter": time(details.not_after),
        "key": details.key,
        "pin": certificate.pin.to_string(),
        "certificateFingerprint": certificate.fingerprint.to_string(),
        "trusted": certificate.problem.is_none(),
        "decidedBy": source,
        "flaw": certificate.problem.as_ref().map(|problem| problem.kind.code()),
        "problem": certificate.problem.as_ref().map(|problem| &problem.description),
        "hint": certificate.problem.as_ref().map(|problem| &problem.hint),
    })
}

fn no_env() -> Error {
    Error::usage(
        "this command prints several values, so `-o env` cannot be used",
        "use text, json or jsonl",
    )
}

/// Pins the public key of a manager's certificate.
///
/// With `--tls-pin`, the pin is stored even if the manager cannot be reached, so the manager need not exist yet. Without `--tls-pin`, the user must
/// confirm the public key that the manager presents.
async fn add(target: &Target, context: &Context) -> Result<(), Error> {
    if context.output.format() == Format::Env {
        return Err(no_env());
    }
    let host = target.address.host_and_port();
    let before = PinStore::read()?.managers.remove(&host);
    let pins = match target.trust_policy.pins_for(&target.address) {
        Some(pins) => {
            let pins = compared_pins(pins.value.clone(), target, context).await?;
            let add = |store: &mut PinStore| store.add(&host, &pins);
            PinStore::change(&context.signals, add).await?;
            pins.iter().map(Pin::to_string).collect::<Vec<_>>()
        }
        None => {
            let Some(certificate) = confirmed_certificate(target, &host, context).await? else {
                context
                    .output
                    .note(&format!("the key of {host} is already pinned"));
                let known = PinStore::read()?.managers.remove(&host);
                return print_entry(&host, known.as_ref(), false, context);
            };
            let pin = certificate.pin;
            first_use::store_first(&host, pin, &context.signals)
                .await?
                .map_err(|known| first_use::other_key(&host, &known, &certificate))?;
            vec![pin.to_string()]
        }
    };
    let known = PinStore::read()?.managers.remove(&host);
    let count = known.as_ref().map_or(0, |known| known.pins.len());
    let others = match count > pins.len() {
        true => format!("; {count} keys are now pinned, and each of them is trusted"),
        false => String::new(),
    };
    (context.output).note(&format!("pinned {} for {host}{others}", pins.join(", ")));
    let changed = known != before;
    print_entry(&host, known.as_ref(), changed, context)
}

/// The maximum time to connect to the manager if the user has passed the pins.
const COMPARISON_TIME: Duration = Duration::from_secs(3);

/// Compares the pins that the user passed with the manager's certificate, if the manager can be reached. If a pin is the fingerprint of the whole
/// certificate, returns the pin of the certificate's public key instead.
async fn compared_pins(
    mut pins: Vec<Pin>,
    target: &Target,
    context: &Context,
) -> Result<Vec<Pin>, Error> {
    let options = ConnectionOptions {
        retries: 0,
        timeout: COMPARISON_TIME,
        connect_timeout: COMPARISON_TIME,
        ..target.connection(context)?
    };
    let handshake = async { Ok(Manager::probe(&options).await) };
    let Ok(certificate) = context.signals.cancel(handshake).await? else {
        return Ok(pins);
    };
    let host = target.address.host_and_port();
    for pin in &mut pins {
        if pin.equals_certificate(&certificate.fingerprint) {
            *pin = certificate.pin;
            context.output.note(&format!(
                "the pin is the fingerprint of the certificate of {host}; the fingerprint of its public key is pinned instead"
            ));
        }
    }
    if !pins.contains(&certificate.pin) {
        let message = format!("the key that {host} presents now does not match the new pin");
        context.output.warn(&message);
    }
    Ok(pins)
}

/// Asks the user to confirm the public key of the manager's certificate, and returns the certificate. Returns `None` if this public key is already
/// pinned.
///
/// # Errors
/// Returns a trust error if a different public key is pinned, if the public key cannot be pinned, or if the user does not confirm it.
async fn confirmed_certificate(
    target: &Target,
    host: &str,
    context: &Context,
) -> Result<Option<ServerCertificate>, Error> {
    let known = PinStore::read()?.managers.remove(host);
    let certificate = read_certificate(target, context).await?;
    if let Some(known) = known {
        if known.pins.contains(&certificate.pin) {
            return Ok(None);
        }
        return Err(first_use::other_key(host, &known, &certificate));
    }
    if let Some(problem) = certificate
        .problem
        .as_ref()
        .filter(|problem| !problem.can_be_pinned)
    {
        let message = format!(
            "could not pin the key of {host}: its certificate {}",
            problem.description
        );
        return Err(Error::new(ErrorKind::Trust, message).hint(&problem.hint));
    }
    if target.tls_accept_new {
        return Ok(Some(certificate));
    }
    if !context.prompt().is_available() {
        let message = format!(
            "could not confirm the key of {host}: {}",
            context.prompt().obstacle()
        );
        return Err(Error::new(ErrorKind::Trust, message).hint(format!(
            "if `{}` on the manager's host prints the same fingerprint, run `swp-keys trust add {host} --tls-pin {}`",
            key_fingerprint_command(host),
            certificate.pin
        )));
    }
    let problem = match &certificate.problem {
        Some(problem) => problem.description.as_str(),
        None if target.trust_policy.is_insecure() => "was not checked",
        None => "is already trusted",
    };
    first_use::confirm(context, host, &certificate, problem).await?;
    Ok(Some(certificate))
}

/// Prints the pins of a manager as JSON. The field `changed` is true if this run changed them.
fn print_entry(
    host: &str,
    known: Option<&KnownManager>,
    changed: bool,
    context: &Context,
) -> Result<(), Error> {
    let format = context.output.format();
    if format == Format::Text {
        return Ok(());
    }
    let object = known.map(|known| {
        let mut object = entry(host, known);
        object["meta"] = json!({"file": file(), "changed": changed});
        object
    });
    context
        .output
        .data(&(json_text(&object, format == Format::Json) + "\n"))
}

/// Returns the path of trusted.toml.
fn file() -> Option<String> {
    PinStore::path().map(|path| path.display().to_string())
}

fn entry(host: &str, known: &KnownManager) -> Value {
    let pins: Vec<_> = known.pins.iter().map(Pin::to_string).collect();
    json!({"host": host, "pins": pins, "added": known.added})
}

async fn remove(target: &Target, context: &Context) -> Result<(), Error> {
    let host = target.address.host_and_port();
    let unknown = || {
        Error::new(ErrorKind::NotFound, format!("no pin found for {host}"))
            .hint("run `swp-keys trust list` to list the pins")
    };
    // `PinStore::read` comes first, because `PinStore::change` creates the file if it does not exist.
    if !PinStore::read()?.managers.contains_key(&host) {
        return Err(unknown());
    }
    let remove = |store: &mut PinStore| store.managers.remove(&host);
    let removed = PinStore::change(&context.signals, remove).await?;
    let removed = removed.ok_or_else(unknown)?;
    context.output.note(&format!("removed the pins of {host}"));
    match context.output.format().is_json() {
        true => print_entry(&host, Some(&removed), true, context),
        false => Ok(()),
    }
}

fn list(context: &Context) -> Result<(), Error> {
    let format = context.output.format();
    format.require_list()?;
    let store = PinStore::read()?;
    let entries = store.managers.iter();
    let document = match format {
        Format::Text | Format::Env | Format::Tsv => {
            let mut table = Table::new([
                Column::whole("HOST"),
                Column::whole("PIN"),
                Column::whole("ADDED").droppable(1),
            ]);
            for (host, known) in entries {
                for pin in &known.pins {
                    let cells = [host.clone(), pin.to_string(), known.added.clone()];
                    table.push(cells.map(Cell::from).into());
                }
            }
            return context.output.table(&table);
        }
        Format::Json => {
            let managers: Vec<_> = entries.map(|(host, known)| entry(host, known)).collect();
            json_text(
                &json!({"managers": managers, "meta": {"file": file()}}),
                true,
            ) + "\n"
        }
        Format::Jsonl => entries
            .map(|(host, known)| json_text(&entry(host, known), false) + "\n")
            .collect(),
    };
    context.output.data(&document)
}
