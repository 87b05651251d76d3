//! `whoami`: who this is, on which manager, and where each setting came from. No secret is shown, nor any part of one.

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

/// Who it is, as far as the manager lets itself be asked.
struct Who {
    /// How the calls are signed, in words.
    way: &'static str,
    /// The administrator's name, where it is one.
    username: Option<String>,
    administrator: Option<Administrator>,
    key: Option<Box<ApiKey>>,
    role_id: Option<i64>,
    role: Option<String>,
}

const WITH_A_PASSWORD: &str = "with a password";

pub(crate) async fn run(_args: &Args, context: &Context) -> Result<Outcome, Error> {
    context.output.format().require_document()?;
    let way = AuthMethod::select(context)?;
    let (signed_in, username) = match &way {
        AuthMethod::Password => {
            let (signed_in, username) = sign_in::with_password(context, &|| ()).await?;
            (signed_in, Some(username))
        }
        AuthMethod::Saved(kept) => (
            sign_in::by(context, &way, &|| ()).await?,
            kept.username().map(str::to_owned),
        ),
        AuthMethod::ApiKey(_) => (sign_in::by(context, &way, &|| ()).await?, None),
    };
    context.say_unfinished();
    let (signed_in, looked) = sign_in::renewing(context, &way, signed_in, async |signed_in| {
        let looking = who(signed_in, &way, username, context);
        context.signals.cancel(looking).await
    })
    .await;
    let renewed = signed_in.is_renewed();
    if renewed || matches!(way, AuthMethod::Password) {
        context.sign_out(&signed_in).await;
    }
    let mut who = looked?;
    if renewed {
        who.way = WITH_A_PASSWORD;
    }
    context.output.data(&who.document(&signed_in, context)?)?;
    Ok(Outcome::Done)
}

async fn who(
    signed_in: &SignedIn,
    way: &AuthMethod,
    username: Option<String>,
    context: &Context,
) -> Result<Who, Error> {
    let mut who = Who {
        way: match way {
            AuthMethod::Password => WITH_A_PASSWORD,
            AuthMethod::Saved(kept) if kept.username().is_none() => {
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
    match &who.username {
        None => {
            who.key = key(signed_in, context).await?;
            who.role_id = who.key.as_deref().and_then(ApiKey::role_id);
        }
        Some(username) => {
            who.administrator = administrator(signed_in, username).await?;
            who.role_id = who.administrator.as_ref().and_then(Administrator::role_id);
        }
    }
    who.role = role_name(signed_in, who.role_id).await;
    Ok(who)
}

/// The key that signs the calls, where it may look at itself.
async fn key(signed_in: &SignedIn, context: &Context) -> Result<Option<Box<ApiKey>>, Error> {
    match try_key(signed_in).await {
        Tried::Works(key) => {
            if key.is_none() {
                context
                    .output
                    .note("the API key works, and may not look at itself: its name, role and end cannot be seen");
            }
            Ok(key)
        }
        Tried::Unproven(error) if proves_nothing(&error) => {
            context.output.warn(&format!(
                "nothing shows that the API key works: {error}; `swp-keys verify-key` says more"
            ));
            Ok(None)
        }
        Tried::Refused(error) | Tried::Unproven(error) => Err(error.into()),
    }
}

/// The administrator of this name. Whether a session may ask, and whether his role may, is open (docs/manager-api.md, "Unknowns",
/// no. 20); a session that is refused here is alive if it may read anything at all.
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

impl Who {
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
            line(
                "Tenant",
                tenant.unwrap_or_else(|| "the primary one".to_owned()),
            );
        } else if self.key.is_none() {
            line("Key", unknown());
        }
        lines.extend(key_facts(
            self.key.as_deref(),
            self.role.as_deref(),
            signed_in,
        ));
        let mut line = |name: &str, value: String| lines.push([name.to_owned(), value]);
        line("Signed in", self.way.to_owned());
        line("Manager", settings.address()?.to_string());
        line("Version", signed_in.version().unwrap_or_else(unknown));
        if settings.verbose {
            line("Trust", context.trust()?.source.to_string());
        }
        let rows = settings.told.iter().filter_map(|told| {
            let value = told.value.clone()?;
            Some([told.name.to_owned(), value, told.by()])
        });
        Ok(pairs(lines.into_iter()) + "\n" + &table(["SETTING", "VALUE", "SOURCE"], rows))
    }

    fn json(&self, signed_in: &SignedIn, context: &Context) -> Result<Value, Error> {
        let settings = &context.settings;
        let mut object = self.key.as_ref().map_or_else(Map::new, |key| key.fields());
        if let Some(username) = &self.username {
            object.insert("username".to_owned(), username.as_str().into());
            if let Some(found) = &self.administrator {
                object.insert("ID".to_owned(), found.id.into());
            }
            if let Some(role_id) = self.role_id {
                object.insert("roleID".to_owned(), role_id.into());
            }
        }
        let told = settings
            .told
            .iter()
            .filter(|told| told.value.is_some())
            .map(|told| json!({"name": told.name, "value": told.value, "source": told.by()}));
        let fields = json!({
            "managerVersion": signed_in.version(),
            "tenant": settings.tenant.as_ref().map(|tenant| tenant.value.as_str()),
            "signedIn": self.way,
            "role": self.role,
            "settings": told.collect::<Vec<_>>(),
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
