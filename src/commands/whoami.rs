//! `whoami`: shows the user or API key, the manager, and the source of each setting. No part of a secret is shown.

use serde_json::{Map, Value, json};

use crate::auth::key_check::{Tried, try_key};
use crate::auth::sign_in;
use crate::auth::sign_in::AuthMethod;
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::keys::document::meta;
use crate::keys::state::{key_facts, proves_nothing, role_name, role_with_id};
use crate::manager::{Administrator, ApiKey, Cause, ManagerError, SignedIn};
use crate::terminal::output::{Format, json_text, pairs, table};

/// Say who this is, on which manager, and where each setting came from.
#[derive(clap::Args)]
#[command(
    after_help = "It signs in as every command does, so the whole way is tried. With -v it also says what decided whom to trust."
)]
pub(crate) struct Args {}

/// The identity of the run, as far as its permissions allow to read it.
struct Identity {
    /// How the run signed in, as text.
    sign_in_method: &'static str,
    /// The user name, unless an API key signs the requests.
    username: Option<String>,
    administrator: Option<Administrator>,
    key: Option<Box<ApiKey>>,
    role_id: Option<i64>,
    role: Option<String>,
}

const WITH_A_PASSWORD: &str = "with a password";

pub(crate) async fn run(_args: &Args, context: &Context) -> Result<Outcome, Error> {
    context.output.format().require_document()?;
    let method = AuthMethod::select(context)?;
    let (signed_in, username) = match &method {
        AuthMethod::Password => {
            let (signed_in, username) = sign_in::with_password(context, &|| ()).await?;
            (signed_in, Some(username))
        }
        AuthMethod::Saved(saved) => (
            sign_in::by(context, &method, &|| ()).await?,
            saved.username().map(str::to_owned),
        ),
        AuthMethod::ApiKey(_) => (sign_in::by(context, &method, &|| ()).await?, None),
    };
    context.say_unfinished();
    let (signed_in, identity) = sign_in::renewing(context, &method, signed_in, async |signed_in| {
        let reading = read_identity(signed_in, &method, username, context);
        context.signals.cancel(reading).await
    })
    .await;
    let renewed = signed_in.is_renewed();
    if renewed || matches!(method, AuthMethod::Password) {
        context.sign_out(&signed_in).await;
    }
    let mut identity = identity?;
    if renewed {
        identity.sign_in_method = WITH_A_PASSWORD;
    }
    context
        .output
        .data(&identity.document(&signed_in, context)?)?;
    Ok(Outcome::Done)
}

/// Reads who signs the requests.
async fn read_identity(
    signed_in: &SignedIn,
    method: &AuthMethod,
    username: Option<String>,
    context: &Context,
) -> Result<Identity, Error> {
    let mut identity = Identity {
        sign_in_method: match method {
            AuthMethod::Password => WITH_A_PASSWORD,
            AuthMethod::Saved(saved) if saved.username().is_none() => {
                "with the API key that `login` kept"
            }
            AuthMethod::Saved(_) => "with the session that `login` kept",
            AuthMethod::ApiKey(_) => "with an API key",
        },
        username,
        administrator: None,
        key: None,
        role_id: None,
        role: None,
    };
    match &identity.username {
        None => {
            identity.key = key(signed_in, context).await?;
            identity.role_id = identity.key.as_deref().and_then(ApiKey::role_id);
        }
        Some(username) => {
            identity.administrator = administrator(signed_in, username).await?;
            identity.role_id = identity
                .administrator
                .as_ref()
                .and_then(Administrator::role_id);
        }
    }
    identity.role = role_name(signed_in, identity.role_id).await;
    Ok(identity)
}

/// Returns the key that signs the requests, or `None` if it may not read itself.
async fn key(signed_in: &SignedIn, context: &Context) -> Result<Option<Box<ApiKey>>, Error> {
    match try_key(signed_in).await {
        Tried::Works(key) => {
            if key.is_none() {
                context
                    .output
                    .note("the API key works, but it may not view API keys: its name, role and expiry are unknown");
            }
            Ok(key)
        }
        Tried::Unproven(error) if proves_nothing(&error) => {
            context.output.warn(&format!(
                "it is unknown whether the API key works: {error}; run `swp-keys verify-key` for details"
            ));
            Ok(None)
        }
        Tried::Refused(error) | Tried::Unproven(error) => Err(error.into()),
    }
}

/// Returns the administrator with this name, or `None` if the session may not read it.
///
/// It is unknown whether every session and role may read administrators (docs/manager-api.md, "Unknowns", no. 20). After a refusal,
/// another read shows whether the session is still valid.
async fn administrator(
    signed_in: &SignedIn,
    username: &str,
) -> Result<Option<Administrator>, Error> {
    let refused = |error: &ManagerError| {
        matches!(
            error.cause(),
            Cause::Forbidden | Cause::Unauthorized | Cause::NotFound | Cause::Rejected(400..500)
        )
    };
    match signed_in.administrators_named(username).await {
        Ok(found) => Ok(found
            .into_iter()
            .find(|one| one.username.as_deref() == Some(username))),
        Err(error) if refused(&error) => {
            log::info!("{error}");
            match signed_in.check_access().await {
                Ok(()) => Ok(None),
                Err(error) if *error.cause() == Cause::Forbidden => Ok(None),
                Err(error) => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

impl Identity {
    fn document(&self, signed_in: &SignedIn, context: &Context) -> Result<String, Error> {
        match context.output.format() {
            Format::Text | Format::Env => self.text(signed_in, context),
            Format::Json => Ok(json_text(&self.json(signed_in, context)?, true) + "\n"),
            Format::Jsonl => Ok(json_text(&self.json(signed_in, context)?, false) + "\n"),
        }
    }

    fn text(&self, signed_in: &SignedIn, context: &Context) -> Result<String, Error> {
        let settings = &context.settings;
        let mut lines = Vec::new();
        let mut line = |name: &str, value: String| lines.push([name.to_owned(), value]);
        if let Some(username) = &self.username {
            line("User", username.clone());
            let role = self
                .role_id
                .map(|id| role_with_id(self.role.as_deref(), id));
            line("Role", role.unwrap_or_else(unknown));
            let tenant = settings.tenant.as_ref().map(|tenant| tenant.value.clone());
            line("Tenant", tenant.unwrap_or_else(|| "primary".to_owned()));
        } else if self.key.is_none() {
            line("Key", unknown());
        }
        lines.extend(key_facts(
            self.key.as_deref(),
            self.role.as_deref(),
            signed_in,
        ));
        let mut line = |name: &str, value: String| lines.push([name.to_owned(), value]);
        line("Signed in", self.sign_in_method.to_owned());
        line("Manager", settings.address()?.to_string());
        line("Version", signed_in.version().unwrap_or_else(unknown));
        if settings.verbose {
            line("Trust", context.trust()?.source.to_string());
        }
        let rows = settings.told.iter().filter_map(|setting| {
            let value = setting.value.clone()?;
            Some([setting.name.to_owned(), value, setting.by()])
        });
        Ok(pairs(lines.into_iter()) + "\n" + &table(["SETTING", "VALUE", "SOURCE"], rows))
    }

    fn json(&self, signed_in: &SignedIn, context: &Context) -> Result<Value, Error> {
        let settings = &context.settings;
        let mut object = self.key.as_ref().map_or_else(Map::new, |key| key.fields());
        if let Some(username) = &self.username {
            object.insert("username".to_owned(), username.as_str().into());
            if let Some(administrator) = &self.administrator {
                object.insert("ID".to_owned(), administrator.id.into());
            }
            if let Some(role_id) = self.role_id {
                object.insert("roleID".to_owned(), role_id.into());
            }
        }
        let resolved = settings
            .told
            .iter()
            .filter(|setting| setting.value.is_some())
            .map(|setting| json!({"name": setting.name, "value": setting.value, "source": setting.by()}));
        let fields = json!({
            "managerVersion": signed_in.version(),
            "tenant": settings.tenant.as_ref().map(|tenant| tenant.value.as_str()),
            "signedIn": self.sign_in_method,
            "role": self.role,
            "settings": resolved.collect::<Vec<_>>(),
        });
        let mut meta = meta(context, fields)?;
        if settings.verbose {
            meta["trust"] = context.trust()?.source.to_string().into();
        }
        object.insert("meta".to_owned(), meta);
        Ok(Value::Object(object))
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}
