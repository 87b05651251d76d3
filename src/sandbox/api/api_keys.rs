//! The endpoints under `/api/apikeys` (`docs/manager-api.md`, "Key operations").

use serde_json::{Map, Value, json};

use super::authentication::Caller;
use super::key_fields::Change;
use crate::sandbox::http::call::Call;
use crate::sandbox::http::response::{Answer, Refusal};
use crate::sandbox::options::choices::AnswerFields;
use crate::sandbox::search::filter::Filter;
use crate::sandbox::state::keys::ApiKey;
use crate::sandbox::state::manager::Manager;
use crate::sandbox::state::secrets;

const GROUP: &str = "apikeyRights";
const NOT_PERMITTED: &str =
    "Not authorized to modify API keys or the requested modification is not permitted";

impl Manager {
    pub(crate) fn list_keys(&self, caller: Caller) -> Result<Answer, Refusal> {
        self.need_view_keys(caller)?;
        Ok(self.answer_keys(self.keys.iter()))
    }

    pub(crate) fn search_keys(&self, caller: Caller, call: &Call) -> Result<Answer, Refusal> {
        self.need_view_keys(caller)?;
        let filter = Filter::read::<ApiKey>(&call.object(false)?, &self.settings.unknowns)?;
        let lag = self.settings.unknowns.search_lag.milliseconds();
        let shown_until = self.clock.now() - lag;
        let shows = |key: &&ApiKey| lag == 0 || key.created <= shown_until;
        let found = match (filter.name::<ApiKey>(), filter.after()) {
            (Some(name), _) => filter.find(self.keys.named(name).filter(shows)),
            (None, Some(id)) => filter.find(self.keys.after(id).filter(shows)),
            (None, None) => filter.find(self.keys.iter().filter(shows)),
        };
        Ok(self.answer_keys(found.into_iter()))
    }

    pub(crate) fn describe_key(&self, caller: Caller, id: i64) -> Result<Answer, Refusal> {
        self.need_view_keys(caller)?;
        Ok(self.answer_key(self.existing_key(id)?, Shown::Plain))
    }

    pub(crate) fn create_key(&mut self, caller: Caller, call: &Call) -> Result<Answer, Refusal> {
        self.need(
            caller,
            GROUP,
            "canCreateNewApiKeys",
            "Not authorized to create API keys",
        )?;
        let change = self.validate(caller, Change::read(&call.object(true)?)?, None)?;
        let role_id = self.role_for_new_key(&change)?;
        let id = self.keys.next_id();
        let secret = secrets::secret_key(self.settings.secret_shape, id);
        let mut key = ApiKey::fresh(id, role_id, self.clock.now(), secret);
        change.apply(&mut key);
        let answer = self.answer_key(&key, Shown::WithSecret);
        self.keys.insert(key);
        Ok(answer)
    }

    pub(crate) fn modify_key(
        &mut self,
        caller: Caller,
        id: i64,
        call: &Call,
    ) -> Result<Answer, Refusal> {
        self.need(caller, GROUP, "canEditApiKeyProperties", NOT_PERMITTED)?;
        let change = Change::read(&call.object(true)?)?;
        self.existing_key(id)?;
        let change = self.validate(caller, change, Some(id))?;
        self.keys.edit(id, |key| change.apply(key));
        Ok(self.answer_key(self.existing_key(id)?, Shown::Plain))
    }

    pub(crate) fn delete_key(&mut self, caller: Caller, id: i64) -> Result<Answer, Refusal> {
        self.need(
            caller,
            GROUP,
            "canDeleteApiKeys",
            "Not authorized to delete API keys",
        )?;
        match self.keys.remove(id) {
            Some(_) => Ok(Answer::empty(200)),
            None => self.answer_missing_deletion("API key"),
        }
    }

    pub(crate) fn replace_secret(&mut self, caller: Caller, id: i64) -> Result<Answer, Refusal> {
        self.need(
            caller,
            GROUP,
            "canEditApiKeyProperties",
            "Not authorized to generate API secret keys",
        )?;
        self.existing_key(id)?;
        self.regenerate(id)
    }

    pub(crate) fn describe_current(&self, caller: Caller) -> Result<Answer, Refusal> {
        if self.settings.unknowns.current_without_view.is_some() {
            self.need_view_keys(caller)?;
        }
        Ok(self.answer_key(self.current(caller)?, Shown::Current))
    }

    /// Changes the API key that authenticated the request. An API key can change only four of its own fields.
    pub(crate) fn modify_current(
        &mut self,
        caller: Caller,
        call: &Call,
    ) -> Result<Answer, Refusal> {
        self.need_view_keys(caller)?;
        let id = self.current(caller)?.id;
        let change = Change::read(&call.object(true)?)?;
        if change.exceeds_own_key() {
            return Err(Refusal::forbidden(NOT_PERMITTED));
        }
        let change = self.validate(caller, change, Some(id))?;
        self.keys.edit(id, |key| change.apply(key));
        Ok(self.answer_key(self.existing_key(id)?, Shown::Current))
    }

    pub(crate) fn replace_current_secret(&mut self, caller: Caller) -> Result<Answer, Refusal> {
        self.need_view_keys(caller)?;
        let id = self.current(caller)?.id;
        self.regenerate(id)
    }

    /// Replaces the secret of an API key. The old secret stops working immediately.
    fn regenerate(&mut self, id: i64) -> Result<Answer, Refusal> {
        let secret = secrets::secret_key(self.settings.secret_shape, id);
        self.keys.edit(id, |key| key.secret = secret);
        Ok(self.answer_key(self.existing_key(id)?, Shown::WithSecret))
    }

    fn need_view_keys(&self, caller: Caller) -> Result<(), Refusal> {
        self.need(
            caller,
            GROUP,
            "canViewApiKeys",
            "Not authorized to view API keys",
        )
    }

    fn existing_key(&self, id: i64) -> Result<&ApiKey, Refusal> {
        self.keys
            .get(id)
            .ok_or_else(|| Refusal::new(404, "The API key does not exist"))
    }

    /// Returns the API key that authenticated the request. If a session authenticated the request, returns an error response.
    fn current(&self, caller: Caller) -> Result<&ApiKey, Refusal> {
        match caller {
            Caller::Key(id) => self.existing_key(id),
            Caller::Administrator => Err(Refusal::forbidden(
                "The request was not authenticated with an API key.",
            )),
        }
    }

    fn answer_keys<'a>(&self, keys: impl Iterator<Item = &'a ApiKey>) -> Answer {
        let keys: Vec<Value> = keys
            .map(|key| Value::Object(self.shown_key(key, Shown::Plain)))
            .collect();
        Answer::json(&json!({"apiKeys": keys}))
    }

    fn answer_key(&self, key: &ApiKey, shown: Shown) -> Answer {
        Answer::json(&Value::Object(self.shown_key(key, shown)))
    }

    /// Returns the fields of an API key as a response contains them.
    fn shown_key(&self, key: &ApiKey, shown: Shown) -> Map<String, Value> {
        let mut fields = key.fields();
        if shown == Shown::WithSecret {
            fields.insert("secretKey".to_owned(), json!(key.secret));
        }
        fields.insert("serviceAccount".to_owned(), json!(false));
        if shown == Shown::Current {
            let urn = self
                .roles
                .get(key.role_id)
                .map(|role| role.document()["urn"].clone());
            fields.extend(urn.map(|urn| ("roleURN".to_owned(), urn)));
            fields.insert("tenantID".to_owned(), json!(0));
            fields.insert("tenantGUID".to_owned(), json!(self.tenant_guid));
        }
        fields.insert("ID".to_owned(), json!(key.id));
        self.apply_answer_fields(&mut fields);
        fields
    }

    fn apply_answer_fields(&self, fields: &mut Map<String, Value>) {
        match self.settings.unknowns.answer_fields {
            AnswerFields::Usual => {}
            AnswerFields::Future => {
                fields.insert("somethingNew".to_owned(), json!({"list": [1, null, "two"]}));
            }
            AnswerFields::Sparse => {
                fields.retain(|name, _| ["ID", "keyName", "secretKey"].contains(&name.as_str()))
            }
        }
    }
}

/// Which fields of an API key a response contains.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Plain,
    WithSecret,
    Current,
}
