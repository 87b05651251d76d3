//! `whoami`: shows the user or API key, the manager, and the source of each setting. No part of a secret is shown.

use serde_json::{Map, Value, json};

use crate::auth::connect::sign_out;
use crate::auth::key_check::{Tried, try_key};
use crate::auth::login_input::LoginInput;
use crate::auth::method::AuthMethod;
use crate::auth::session::Access;
use crate::auth::session::warn_unfinished;
use crate::auth::sign_in::{sign_in_with_name, with_renewal};
use crate::config::{ResolvedSetting, Settings, settings_table};
use crate::context::Context;
use crate::context::Outcome;
use crate::error::Error;
use crate::keys::administrator::administrator;
use crate::keys::document::meta;
use crate::keys::key_meta::KeyMeta;
use crate::keys::state::{key_facts, note_hidden_key, proves_nothing, role_name, role_with_id};
use crate::manager::{Administrator, ApiKey, SignedIn};
use crate::target::Target;
use crate::terminal::output::{Format, json_text};

/// Show the signed-in identity, the manager, and where each setting came from.
#[derive(clap::Args)]
#[command(
    after_help = "The command signs in like every other command, so it tests the connection, the certificate and the credential. With -v, it also reports how the certificate was verified."
)]
pub(crate) struct Args {}

/// The user or the API key that authenticates this run. A field is `None` if this run has no permission to read it.
struct Identity {
    /// The sign-in method of the run, as text.
    sign_in_method: &'static str,
    /// The user name, or `None` if an API key authenticates the requests.
    username: Option<String>,
    administrator: Option<Administrator>,
    key: Option<Box<ApiKey>>,
    role_id: Option<i64>,
    role: Option<String>,
}

/// The settings to show in addition to the identity, and whether `-v` is set.
struct Shown {
    verbose: bool,
    settings: Vec<ResolvedSetting>,
}

const WITH_A_PASSWORD: &str = "with a password";

pub(crate) async fn run(
    _args: &Args,
    mut settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    context.output.format().require_document()?;
    let shown = Shown {
        verbose: settings.verbose,
        settings: std::mem::take(&mut settings.resolved),
    };
    let target = Target::find(settings, context).await?;
    let method = AuthMethod::select(&target, context)?;
    let input = LoginInput::default();
    let (signed_in, username) = sign_in_with_name(&method, &target, &input, context).await?;
    warn_unfinished(&target, context, None);
    let work = async |signed_in: &SignedIn| {
        let access = Access {
            signed_in,
            target: &target,
            context,
        };
        let reading = read_identity(access, &method, username);
        context.signals.cancel(reading).await
    };
    let (signed_in, identity) = with_renewal(&method, signed_in, &target, context, work).await;
    let renewed = signed_in.is_renewed();
    if renewed || matches!(method, AuthMethod::Password) {
        sign_out(&target, &signed_in, context).await;
    }
    let mut identity = identity?;
    if renewed {
        identity.sign_in_method = WITH_A_PASSWORD;
    }
    let access = Access {
        signed_in: &signed_in,
        target: &target,
        context,
    };
    context.output.data(&identity.document(&shown, access)?)?;
    Ok(Outcome::Done)
}

/// Reads the user or API key that authenticates this run.
async fn read_identity(
    access: Access<'_>,
    method: &AuthMethod,
    username: Option<String>,
) -> Result<Identity, Error> {
    let mut identity = Identity {
        sign_in_method: match method {
            AuthMethod::Password => WITH_A_PASSWORD,
            AuthMethod::Saved(saved) if saved.username().is_none() => {
                "with the API key that `login` saved"
            }
            AuthMethod::Saved(_) => "with the session that `login` saved",
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
            identity.key = key(access).await?;
            identity.role_id = identity.key.as_deref().and_then(ApiKey::role_id);
        }
        Some(username) => {
            identity.administrator = administrator(access.signed_in, username).await?;
            identity.role_id = identity
                .administrator
                .as_ref()
                .and_then(Administrator::role_id);
        }
    }
    identity.role = role_name(access.signed_in, identity.role_id).await;
    Ok(identity)
}

/// Returns the API key that authenticates the requests, or `None` if the key has no permission to view itself.
async fn key(access: Access<'_>) -> Result<Option<Box<ApiKey>>, Error> {
    match try_key(access.signed_in).await {
        Tried::Works(key) => {
            if key.is_none() {
                note_hidden_key(access.context);
            }
            Ok(key)
        }
        Tried::Unproven(error) if proves_nothing(&error) => {
            access.context.output.warn(&format!(
                "it is unknown whether the API key works: {error}; run `swp-keys verify-key` for details"
            ));
            Ok(None)
        }
        Tried::Refused(error) | Tried::Unproven(error) => Err(error.into()),
    }
}

impl Identity {
    fn document(&self, shown: &Shown, access: Access<'_>) -> Result<String, Error> {
        match access.context.output.format() {
            Format::Text | Format::Env | Format::Tsv => self.text(shown, access),
            Format::Json => Ok(json_text(&self.json(shown, access)?, true) + "\n"),
            Format::Jsonl => Ok(json_text(&self.json(shown, access)?, false) + "\n"),
        }
    }

    fn text(&self, shown: &Shown, access: Access<'_>) -> Result<String, Error> {
        let mut lines = Vec::new();
        let mut line = |name: &str, value: String| lines.push([name.to_owned(), value]);
        if let Some(username) = &self.username {
            line("User", username.clone());
            let role = self
                .role_id
                .map(|id| role_with_id(self.role.as_deref(), id));
            line("Role", role.unwrap_or_else(unknown));
            let tenant = access.target.tenant_name().map(str::to_owned);
            line("Tenant", tenant.unwrap_or_else(|| "primary".to_owned()));
        } else if self.key.is_none() {
            line("Key", unknown());
        }
        lines.extend(key_facts(self.key.as_deref(), self.role.as_deref(), access));
        let mut line = |name: &str, value: String| lines.push([name.to_owned(), value]);
        line("Signed in", self.sign_in_method.to_owned());
        line("Manager", access.target.address.to_string());
        line(
            "Version",
            access.signed_in.version().unwrap_or_else(unknown),
        );
        if shown.verbose {
            line("Trust", access.target.trust()?.source.to_string());
        }
        let rows = shown.settings.iter();
        let rows: Vec<_> = rows
            .filter_map(|setting| Some((setting, setting.value.clone()?)))
            .collect();
        let output = &access.context.output;
        Ok(output.pairs(&lines) + "\n" + &settings_table(&rows, output))
    }

    fn json(&self, shown: &Shown, access: Access<'_>) -> Result<Value, Error> {
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
        let resolved = shown
            .settings
            .iter()
            .filter(|setting| setting.value.is_some())
            .map(|setting| json!({"name": setting.name, "value": setting.value, "source": setting.by()}));
        let fields = json!({
            "managerVersion": access.signed_in.version(),
            "tenant": access.target.tenant_name(),
            "signedIn": self.sign_in_method,
            "role": self.role,
            "settings": resolved.collect::<Vec<_>>(),
        });
        let mut meta = meta(access.target, fields);
        if let Some(key) = &self.key {
            KeyMeta::of(key, self.role.as_deref(), access.signed_in.time()).add_to(&mut meta);
        }
        if shown.verbose {
            meta["trust"] = access.target.trust()?.source.to_string().into();
        }
        object.insert("meta".to_owned(), meta);
        Ok(Value::Object(object))
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}
