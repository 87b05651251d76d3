//! The search endpoint of `/api/administrators` (`docs/manager-api.md`, "Other reads"). The sandbox has exactly one administrator.

use serde_json::{Map, Value, json};

use super::authentication::Caller;
use crate::sandbox::http::call::Call;
use crate::sandbox::http::response::{Answer, Refusal};
use crate::sandbox::options::choices::AnswerFields;
use crate::sandbox::search::field::{Field, Searchable};
use crate::sandbox::search::filter::Filter;
use crate::sandbox::state::manager::Manager;

/// The administrator's ID.
const ID: i64 = 1;

/// The fields of the sandbox's only administrator in a response.
struct Administrator(Map<String, Value>);

impl Searchable for Administrator {
    const NAME: &'static str = "username";

    fn id(&self) -> i64 {
        ID
    }

    fn kind(field: &str) -> Option<Field> {
        match field {
            "username" | "fullName" | "description" => Some(Field::Text),
            "roleID" => Some(Field::Number),
            "active" => Some(Field::Boolean),
            "ID" => Some(Field::Id),
            _ => None,
        }
    }

    fn value(&self, field: &str) -> Option<Value> {
        self.0.get(field).cloned()
    }
}

impl Manager {
    pub(crate) fn search_administrators(
        &self,
        caller: Caller,
        call: &Call,
    ) -> Result<Answer, Refusal> {
        self.need(
            caller,
            "administratorRights",
            "canViewAdministrators",
            "Not authorized to view administrators",
        )?;
        let filter = Filter::read::<Administrator>(&call.object(false)?, &self.settings.unknowns)?;
        let one = self.administrator();
        let found = filter.find([&one].into_iter());
        let shown: Vec<Value> = found
            .into_iter()
            .map(|found| Value::Object(found.0.clone()))
            .collect();
        Ok(Answer::json(&json!({"administrators": shown})))
    }

    fn administrator(&self) -> Administrator {
        let settings = &self.settings;
        let mfa = match settings.mfa_code {
            Some(_) => "local-totp",
            None => "none",
        };
        let document = json!({
            "username": settings.username,
            "roleID": settings.administrator_role,
            "active": !self.account.locked,
            "mfaType": mfa,
            "ID": ID,
        });
        let Value::Object(mut fields) = document else {
            return Administrator(Map::new());
        };
        match settings.unknowns.answer_fields {
            AnswerFields::Usual => {}
            AnswerFields::Future => {
                fields.insert("somethingNew".to_owned(), json!([1, null, "two"]));
            }
            AnswerFields::Sparse => {
                fields.retain(|name, _| name == "ID" || name == "username");
            }
        }
        Administrator(fields)
    }
}
