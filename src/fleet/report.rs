//! Prints a plan, and determines the exit code.

use serde_json::{Value, json};

use super::flags::FleetFlags;
use super::look::Looked;
use super::plan::{
    Applied, ManagerPlan, Plan, PlannedAction, PlannedKey, counts, key_documents, next_steps,
    number, results_summary, summary, text, wrapped,
};
use crate::error::{Error, ErrorKind};
use crate::terminal::output::{Format, Output, safe};

/// The plans for all managers of a fleet.
pub(crate) struct FleetReport<'a> {
    pub(super) fleet: &'a str,
    /// Each manager with its plan. `None` if the manager could not be read.
    pub(super) managers: Vec<(&'a Looked<'a>, Option<Plan<'a>>)>,
    /// True if the plans contain the results of a run.
    pub(super) has_results: bool,
}

impl<'a> FleetReport<'a> {
    /// Makes the plans.
    pub(crate) fn of(fleet: &'a str, looked: &'a [Looked<'a>], flags: &FleetFlags) -> Self {
        let managers = looked.iter().map(|one| (one, one.plan(fleet, flags)));
        Self {
            fleet,
            managers: managers.collect(),
            has_results: false,
        }
    }

    /// Returns the number of the plan.
    pub(crate) fn number(&self) -> String {
        number(self.fleet, &self.plans())
    }

    /// Returns the plans of the managers that could be read.
    pub(super) fn plans(&self) -> Vec<ManagerPlan<'_>> {
        let plans = self.managers.iter().filter_map(|(looked, plan)| {
            Some(ManagerPlan {
                manager: looked.manager.as_deref()?,
                tenant: looked.tenant.as_deref(),
                plan: plan.as_ref()?,
            })
        });
        plans.collect()
    }

    /// Prints the plan to stdout. If `all` is true, the text lists keys that are as declared.
    ///
    /// # Errors
    /// Returns an error if writing to stdout fails.
    pub(crate) fn print(&self, all: bool, output: &Output) -> Result<(), Error> {
        self.print_with(&self.number(), all, output)
    }

    /// Prints the plan like [`Self::print`], with this number.
    ///
    /// # Errors
    /// Returns an error if writing to stdout fails.
    pub(super) fn print_with(&self, number: &str, all: bool, output: &Output) -> Result<(), Error> {
        match output.format() {
            Format::Text | Format::Env | Format::Tsv => output.data(&self.text(number, all)),
            Format::Json => output.json(&self.document(number), true),
            Format::Jsonl => output.json_lines(&self.keys()).map(|_| ()),
        }
    }

    /// Returns true if a run would change something.
    pub(crate) fn changes_something(&self) -> bool {
        self.any(|key| key.action.is_change())
    }

    /// Returns true if a secret would stop working: because its key is deleted or locked, or because its key gets a new secret. A retired key no
    /// longer works, so its deletion does not count.
    pub(crate) fn stops_a_secret(&self) -> bool {
        self.any(|key| match key.action {
            PlannedAction::Delete => key.is_pruned || key.declared.is_some(),
            PlannedAction::Rekey => true,
            _ => (key.changes.iter()).any(|one| one.field == "active" && one.to == false),
        })
    }

    fn any(&self, is_it: impl Fn(&PlannedKey<'_>) -> bool) -> bool {
        let plans = self.managers.iter().filter_map(|(_, plan)| plan.as_ref());
        plans.flat_map(|plan| &plan.keys).any(is_it)
    }

    /// Returns the text of the plan.
    pub(crate) fn text(&self, number: &str, all: bool) -> String {
        let mut lines = match self.managers.as_slice() {
            [(one, _)] if one.name.is_none() => format!(
                "fleet {} on {}\n",
                safe(self.fleet),
                safe(one.manager.as_deref().unwrap_or_default())
            ),
            [_] => format!("fleet {} on 1 manager\n", safe(self.fleet)),
            several => format!("fleet {} on {} managers\n", safe(self.fleet), several.len()),
        };
        for (looked, plan) in &self.managers {
            if let Some(name) = looked.name {
                let manager = looked.manager.as_deref().unwrap_or("unknown address");
                lines += &format!("{}  {}\n", safe(&name.profile), safe(manager));
            }
            match (plan, &looked.found) {
                (Some(plan), _) => lines += &text(plan, all),
                (None, Err(error)) => {
                    let exit = error.kind().exit_code();
                    let reason = format!("not known: {error} (exit {exit})");
                    lines += &wrapped("  ", "    ", &reason);
                }
                (None, Ok(_)) => {}
            }
        }
        let summary = match self.has_results {
            true => results_summary,
            false => summary,
        };
        lines += &next_steps(&self.plans());
        lines + &summary(number, &self.plans(), self.not_known())
    }

    /// Returns the number of declared keys on managers that could not be read.
    fn not_known(&self) -> usize {
        let unread = self.managers.iter().filter(|(_, plan)| plan.is_none());
        unread.map(|(looked, _)| looked.declared.len()).sum()
    }

    fn keys(&self) -> Vec<Value> {
        let mut keys = Vec::new();
        for (looked, plan) in &self.managers {
            let target = json!({
                "manager": looked.manager,
                "tenant": looked.tenant,
                "profile": looked.profile,
            });
            if let (Some(plan), Ok(found)) = (plan, &looked.found) {
                keys.extend(key_documents(plan, &target, found.inventory.now));
            }
        }
        keys
    }

    /// Returns true if the run changed a key, or without results, if a run would change a key.
    fn changed(&self) -> bool {
        let plans = self.plans();
        let mut keys = plans.iter().flat_map(|one| &one.plan.keys);
        keys.any(|key| match (self.has_results, &key.result) {
            (true, result) => matches!(result, Some(Applied::Done { .. })),
            (false, _) => key.action.is_change() && !key.has_problem(),
        })
    }

    fn document(&self, number: &str) -> Value {
        let manager = match self.managers.as_slice() {
            [(one, _)] => one.manager.as_deref(),
            _ => None,
        };
        let not_known: Vec<Value> = (self.managers.iter())
            .filter_map(|(looked, _)| {
                let error = looked.found.as_ref().err()?;
                let (code, exit) = (error.kind().code(), error.kind().exit_code());
                Some(json!({
                    "profile": looked.profile,
                    "manager": looked.manager,
                    "error": {"code": code, "exit": exit, "message": error.to_string()},
                }))
            })
            .collect();
        let plans = self.managers.iter().filter_map(|(_, plan)| plan.as_ref());
        let notes: Vec<&String> = plans.flat_map(|plan| &plan.notes).collect();
        json!({
            "apiKeys": self.keys(),
            "meta": {
                "manager": manager,
                "fleet": self.fleet,
                "plan": number,
                "changed": self.changed(),
                "counts": counts(&self.plans(), self.not_known()),
                "notes": notes,
                "notKnown": not_known,
            },
        })
    }

    /// Returns the result of the run.
    ///
    /// # Errors
    /// Returns an error if a key has a problem or a manager could not be read, or with `--exit-code` if a key is not as declared.
    pub(crate) fn result(&self, exit_code: bool) -> Result<(), Error> {
        let plans = self.plans();
        let unread = self.managers.len() - plans.len();
        let problems: usize = plans.iter().map(|one| one.plan.problems()).sum();
        let mut parts = Vec::new();
        match problems {
            0 => {}
            1 => parts.push("1 key has a problem".to_owned()),
            count => parts.push(format!("{count} keys have problems")),
        }
        match unread {
            0 => {}
            1 => parts.push("1 manager could not be read".to_owned()),
            count => parts.push(format!("{count} managers could not be read")),
        }
        if !parts.is_empty() {
            let hint = "fix the problems in the plan";
            return Err(Error::new(ErrorKind::Partial, parts.join(", and ")).hint(hint));
        }
        match exit_code && plans.iter().any(|one| one.plan.differs()) {
            true => Err(Error::new(
                ErrorKind::CheckFailed,
                "the keys on the manager are not as declared",
            )),
            false => Ok(()),
        }
    }
}
