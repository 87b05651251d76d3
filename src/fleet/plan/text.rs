//! The plan as text in 80 columns.

use unicode_width::UnicodeWidthStr as _;

use super::model::{Applied, Plan, PlannedAction, PlannedKey};
use super::number::ManagerPlan;
use crate::expiry::time_left;
use crate::fleet::manifest::OnMissing;
use crate::fleet::presence::SecretState;
use crate::terminal::output::safe;

/// The width of the text, in columns.
const WIDTH: usize = 80;
/// The width of the column with the names, at most. After a longer name, the text begins on the next line.
const NAME_WIDTH: usize = 20;
/// What the user can do if a secret is missing. The safest step is the first one.
const MISSING_SECRETS: [&str; 3] = [
    "If a secret is missing, copy its file from the machine that has it.",
    "If the destinations are on another machine, use `--no-look`.",
    "If a secret is lost, set `on-missing`. The value `rekey` stops the old secret everywhere.",
];
/// The number of left-overs that are listed one by one.
const LISTED: usize = 10;

/// Returns the plan for one manager as text. If `all` is true, keys that are as declared are listed too.
pub(crate) fn text(plan: &Plan<'_>, all: bool) -> String {
    let left_over = plan.count(PlannedAction::LeftOver);
    let is_shown = |key: &&PlannedKey<'_>| match key.action {
        PlannedAction::None => all || key.has_problem() || !key.notes.is_empty(),
        PlannedAction::LeftOver => all || left_over <= LISTED,
        _ => true,
    };
    let shown: Vec<&PlannedKey<'_>> = plan.keys.iter().filter(is_shown).collect();
    let names = shown.iter().map(|key| safe(key.name()).width());
    let width = names.max().unwrap_or_default().min(NAME_WIDTH);
    let mut lines = Vec::new();
    for key in shown {
        add_entry(&mut lines, key, width);
    }
    if left_over > LISTED && !all {
        let hint = match plan.prunes {
            true => "`-v` shows why they are not deleted",
            false => "`--prune` deletes them",
        };
        let what = format!("? {left_over} keys of this fleet are not in the file; {hint}");
        add_wrapped(&mut lines, "  ", "    ", &what);
    }
    match plan.count(PlannedAction::None) {
        0 => {}
        1 => lines.push("  1 key is as declared".to_owned()),
        same => lines.push(format!("  {same} keys are as declared")),
    }
    for note in &plan.notes {
        add_wrapped(&mut lines, "  ", "  ", note);
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Returns the last lines of the text: the number of the plan, and what it does. `not_known` is the number of declared keys on managers that
/// could not be read.
pub(crate) fn summary(number: &str, plans: &[ManagerPlan<'_>], not_known: usize) -> String {
    let mut parts = Vec::new();
    for action in PlannedAction::ALL {
        let word = match action {
            PlannedAction::None => continue,
            PlannedAction::LeftOver => "not in the file",
            other => other.word(),
        };
        let count: usize = plans.iter().map(|one| one.plan.count(action)).sum();
        let is_plural = action == PlannedAction::Problem && count > 1;
        if count > 0 {
            parts.push(format!(
                "{count} {word}{}",
                if is_plural { "s" } else { "" }
            ));
        }
    }
    if not_known > 0 {
        parts.push(format!("{not_known} not known"));
    }
    let what = match parts.is_empty() {
        true => "nothing to do".to_owned(),
        false => parts.join(", "),
    };
    last_lines(number, &what)
}

/// Returns the last lines of the text after a run: the number of the plan, and how many keys have each result.
pub(crate) fn results_summary(number: &str, plans: &[ManagerPlan<'_>], not_known: usize) -> String {
    let keys = || plans.iter().flat_map(|manager| &manager.plan.keys);
    let with = |word: &str| {
        let results = keys().filter_map(|key| key.result.as_ref());
        results.filter(|result| result.word() == word).count()
    };
    let planned = |action| -> usize { plans.iter().map(|one| one.plan.count(action)).sum() };
    let problems = planned(PlannedAction::Problem);
    let parts = [
        (with("done"), "done"),
        (with("failed"), "failed"),
        (with("not-tried"), "not tried"),
        (problems, if problems == 1 { "problem" } else { "problems" }),
        (planned(PlannedAction::LeftOver), "not in the file"),
        (not_known, "not known"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    match parts.is_empty() {
        true => last_lines(number, "nothing to do"),
        false => last_lines(number, &parts.join(", ")),
    }
}

/// Returns the next steps if a secret is missing and `on-missing` does not say what to do, or an empty text.
pub(crate) fn next_steps(plans: &[ManagerPlan<'_>]) -> String {
    let only_reported = |key: &PlannedKey<'_>| {
        let on_missing = key.declared.map(|declared| declared.on_missing);
        let is_missing = key.secret.iter().any(SecretState::is_missing);
        key.has_problem() && is_missing && on_missing == Some(OnMissing::Report)
    };
    let mut keys = plans.iter().flat_map(|one| &one.plan.keys);
    match keys.any(only_reported) {
        true => wrapped("  ", "  ", &MISSING_SECRETS.join(" ")),
        false => String::new(),
    }
}

/// Returns a text in lines of at most 80 columns. `first` begins the first line, and `indent` begins the other lines.
pub(crate) fn wrapped(first: &str, indent: &str, text: &str) -> String {
    let mut lines = Vec::new();
    add_wrapped(&mut lines, first, indent, text);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn last_lines(number: &str, what: &str) -> String {
    wrapped("", "  ", &format!("plan {number}: {what}"))
}

fn add_entry(lines: &mut Vec<String>, key: &PlannedKey<'_>, width: usize) {
    let sign = match key.result {
        Some(Applied::Failed(_)) => PlannedAction::Problem.sign(),
        _ => key.shown_action().sign(),
    };
    let name = safe(key.name());
    let padding = " ".repeat(width.saturating_sub(name.width()));
    let mut first = format!("  {sign} {name}{padding}  ");
    let indent = " ".repeat(width + 6);
    if name.width() > width {
        lines.push(first.trim_end().to_owned());
        first.clone_from(&indent);
    }
    for part in parts(key) {
        add_wrapped(lines, &first, &indent, &part);
        first.clone_from(&indent);
    }
}

/// Returns the parts of an entry, each of which begins on a line of its own.
fn parts(key: &PlannedKey<'_>) -> Vec<String> {
    let word = match key.action {
        PlannedAction::None => "as declared",
        PlannedAction::LeftOver => "left over",
        other => other.word(),
    };
    if let Some(result) = result_text(key, word) {
        let more = key.problems.iter().chain(&key.notes).cloned();
        return std::iter::once(result).chain(more).collect();
    }
    let mut parts = Vec::new();
    let changes = key.changes.iter().map(|change| {
        let [from, to] = &change.shown;
        match change.field {
            // The values say what they are.
            "active" => format!("{from} -> {to}"),
            field => format!("{} {from} -> {to}", label(field)),
        }
    });
    match (key.action, key.reason.is_empty()) {
        (PlannedAction::None, _) if key.has_problem() => {}
        (PlannedAction::None, _) => parts.push(word.to_owned()),
        (PlannedAction::Problem | PlannedAction::LeftOver, _) => parts.push(key.reason.clone()),
        (_, false) => parts.push(format!("{word}: {}", key.reason)),
        (_, true) => {}
    }
    for change in changes {
        match parts.is_empty() {
            true => parts.push(format!("{word}: {change}")),
            false => parts.push(change),
        }
    }
    let delivers = matches!(
        key.action,
        PlannedAction::Create
            | PlannedAction::Rotate
            | PlannedAction::Rekey
            | PlannedAction::Finish
    );
    if let (true, Some(declared)) = (delivers, key.declared) {
        if key.action == PlannedAction::Rotate {
            let overlap = i64::try_from(declared.overlap.as_millis()).unwrap_or(i64::MAX);
            let overlap = time_left(overlap);
            let overlap = overlap.strip_prefix("in ").unwrap_or(&overlap);
            if key.key.is_some_and(|old| old.active() != Some(false)) {
                parts.push(format!("the old key works for {overlap}"));
            }
        }
        let places = declared.places.iter();
        parts.extend(places.map(|place| format!("secret to {}", place.label())));
    }
    parts.extend(key.problems.iter().cloned());
    parts.extend(key.notes.iter().cloned());
    parts
}

/// Returns what a run did with the key. `word` is the action.
fn result_text(key: &PlannedKey<'_>, word: &str) -> Option<String> {
    Some(match key.result.as_ref()? {
        Applied::Done { id, .. } => format!("{word}: done (ID {id})"),
        Applied::Failed(error) => match error.next_step() {
            Some(hint) => format!("{word}: {error}; {hint}"),
            None => format!("{word}: {error}"),
        },
        Applied::NotTried => format!("{word}: not tried"),
        Applied::Left => return None,
    })
}

fn label(field: &str) -> &str {
    match field {
        "keyName" => "name",
        "roleID" => "role",
        "timeZone" => "time zone",
        "expiryDate" => "expires",
        other => other,
    }
}

/// Adds a text, broken between words. A text in backticks is not broken, so that it can be copied.
fn add_wrapped(lines: &mut Vec<String>, first: &str, indent: &str, text: &str) {
    let text = safe(text);
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in words(&text) {
        if !is_empty && line.width() + 1 + word.width() > WIDTH {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
}

/// Splits a text at the spaces outside of backticks.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |character| {
        is_quoted ^= character == '`';
        character == ' ' && !is_quoted
    })
}
