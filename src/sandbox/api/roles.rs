//! The endpoints under `/api/roles` (`docs/manager-api.md`, "Roles").

use serde_json::{Value, json};

use super::authentication::Caller;
use crate::sandbox::http::call::Call;
use crate::sandbox::http::response::{Answer, Refusal};
use crate::sandbox::options::choices::AnswerFields;
use crate::sandbox::search::filter::Filter;
use crate::sandbox::state::manager::Manager;
use crate::sandbox::state::rights;
use crate::sandbox::state::roles::{Role, Roles};

const GROUP: &str = "administratorRoleRights";
const NOT_PERMITTED: &str =
    "Not authorized to modify administrator roles or the requested modification is not permitted";

impl Manager {
    pub(crate) fn list_roles(&self, caller: Caller) -> Result<Answer, Refusal> {
        self.need_view_roles(caller)?;
        Ok(self.answer_roles(self.roles.iter()))
    }

    pub(crate) fn search_roles(&self, caller: Caller, call: &Call) -> Result<Answer, Refusal> {
        self.need_view_roles(caller)?;
        let filter = Filter::read::<Role>(&call.object(false)?, &self.settings.unknowns)?;
        let found = match filter.name::<Role>() {
            Some(name) => filter.find(self.roles.named(name)),
            None => filter.find(self.roles.iter()),
        };
        Ok(self.answer_roles(found.into_iter()))
    }

    pub(crate) fn describe_role(&self, caller: Caller, id: i64) -> Result<Answer, Refusal> {
        self.need_view_roles(caller)?;
        Ok(Answer::json(&self.shown_role(self.existing_role(id)?)))
    }

    pub(crate) fn create_role(&mut self, caller: Caller, call: &Call) -> Result<Answer, Refusal> {
        let refusal = "Not authorized to create administrator roles";
        self.need(caller, GROUP, "canCreateNewAdministratorRoles", refusal)?;
        let role = self.roles.draft(&call.object(true)?)?;
        self.check_not_stronger(caller, &role, refusal)?;
        let answer = Answer::json(&self.shown_role(&role));
        self.roles.insert(role);
        Ok(answer)
    }

    pub(crate) fn modify_role(
        &mut self,
        caller: Caller,
        id: i64,
        call: &Call,
    ) -> Result<Answer, Refusal> {
        self.need(
            caller,
            GROUP,
            "canEditAdministratorRoleProperties",
            NOT_PERMITTED,
        )?;
        let given = call.object(true)?;
        let role = Roles::changed(self.existing_role(id)?, &given)?;
        if role.flag("immutable") {
            return Err(Refusal::forbidden(NOT_PERMITTED));
        }
        self.check_not_stronger(caller, &role, NOT_PERMITTED)?;
        let answer = Answer::json(&self.shown_role(&role));
        self.roles.insert(role);
        Ok(answer)
    }

    /// Deletes a role. If the role is immutable or in use, returns an error response.
    pub(crate) fn delete_role(&mut self, caller: Caller, id: i64) -> Result<Answer, Refusal> {
        let refusal = "Not authorized to delete administrator roles";
        self.need(caller, GROUP, "canDeleteAdministratorRoles", refusal)?;
        let Some(role) = self.roles.get(id) else {
            return self.answer_missing_deletion("administrator role");
        };
        if role.flag("immutable")
            || id == self.settings.administrator_role
            || self.keys.uses_role(id)
        {
            return Err(Refusal::forbidden(refusal));
        }
        self.roles.remove(id);
        Ok(Answer::empty(200))
    }

    /// Returns the response to a request that deletes an object that does not exist.
    pub(crate) fn answer_missing_deletion(&self, what: &str) -> Result<Answer, Refusal> {
        match self.settings.unknowns.delete_missing {
            None => Ok(Answer::empty(200)),
            Some(status) => Err(Refusal::new(status, format!("The {what} does not exist"))),
        }
    }

    fn need_view_roles(&self, caller: Caller) -> Result<(), Refusal> {
        self.need(
            caller,
            GROUP,
            "canViewAdministratorRoles",
            "Not authorized to view administrator roles",
        )
    }

    fn existing_role(&self, id: i64) -> Result<&Role, Refusal> {
        self.roles
            .get(id)
            .ok_or_else(|| Refusal::new(404, "The administrator role does not exist"))
    }

    /// Returns an error response if the role has more rights than the role of the sender of the request (`docs/manager-api.md`, "Roles").
    fn check_not_stronger(
        &self,
        caller: Caller,
        role: &Role,
        refusal: &str,
    ) -> Result<(), Refusal> {
        match self.role_of(caller) {
            Some(own) if rights::within(role.rights(), own.rights()) => Ok(()),
            _ => Err(Refusal::forbidden(refusal)),
        }
    }

    fn answer_roles<'a>(&self, roles: impl Iterator<Item = &'a Role>) -> Answer {
        let roles: Vec<Value> = roles.map(|role| self.shown_role(role)).collect();
        Answer::json(&json!({"roles": roles}))
    }

    fn shown_role(&self, role: &Role) -> Value {
        let mut document = role.document();
        match (self.settings.unknowns.answer_fields, &mut document) {
            (AnswerFields::Future, document) => {
                document["hidden"] = json!(false);
                document["predefined"] = role.document()["immutable"].clone();
                document["somethingNew"] = json!({"list": [1, null, "two"]});
            }
            (AnswerFields::Sparse, Value::Object(fields)) => {
                fields.retain(|name, _| name == "ID" || name == "name")
            }
            _ => {}
        }
        document
    }
}
