//! Reads the values of fields. A reason never repeats the value.

use std::time::Duration;

use chrono::{DateTime, Utc};
use toml::de::DeValue;

use super::model::{Adopt, OnMissing, TargetName, TenantName};
use crate::expiry::{Expiry, time_zone};
use crate::mint::is_fleet_name;
use crate::process::external_command::ExternalCommand;

/// The result of reading a value: the value, or the reason why it is invalid.
pub(super) type ReadValue<T> = Result<T, String>;

const STRING: &str = "expected a quoted string";
const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
/// The maximum of `deliver-timeout`.
const LONGEST_DELIVERY: Duration = Duration::from_secs(120);

/// Returns the text of a string that is not empty.
pub(super) fn text(value: &DeValue<'_>) -> ReadValue<String> {
    let text = any_text(value)?;
    match text.trim().is_empty() {
        true => Err("it is empty".to_owned()),
        false => Ok(text),
    }
}

/// Returns the text of a string, which may be empty.
pub(super) fn any_text(value: &DeValue<'_>) -> ReadValue<String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err(STRING.to_owned()),
    }
}

/// Returns the texts of a string or of a list of strings.
pub(super) fn texts(value: &DeValue<'_>) -> ReadValue<Vec<String>> {
    match value {
        DeValue::Array(items) if items.is_empty() => Err("the list is empty".to_owned()),
        DeValue::Array(items) => items.iter().map(|item| text(item.get_ref())).collect(),
        DeValue::String(_) => Ok(vec![text(value)?]),
        _ => Err("expected a quoted string or a list of quoted strings".to_owned()),
    }
}

/// Returns a command, which is split into words but not run.
pub(super) fn command(value: &DeValue<'_>) -> ReadValue<String> {
    let text = text(value)?;
    check_command(&text).map(|()| text)
}

/// Returns one or several commands.
pub(super) fn commands(value: &DeValue<'_>) -> ReadValue<Vec<String>> {
    let commands = texts(value)?;
    commands.iter().try_for_each(|text| check_command(text))?;
    Ok(commands)
}

fn check_command(text: &str) -> ReadValue<()> {
    match ExternalCommand::parse(text) {
        Ok(_) => Ok(()),
        Err(problem) => Err(format!("it {problem}")),
    }
}

pub(super) fn switch(value: &DeValue<'_>) -> ReadValue<bool> {
    match value {
        DeValue::Boolean(value) => Ok(*value),
        _ => Err("expected true or false".to_owned()),
    }
}

/// Returns an ID, which is a number from 1.
pub(super) fn id(value: &DeValue<'_>) -> ReadValue<i64> {
    const EXPECTED: &str = "expected a number of at least 1";
    match value {
        DeValue::Integer(number) if number.radix() == 10 => {
            let number = number.as_str().replace(['_', '+'], "").parse();
            number.ok().filter(|id| *id >= 1).ok_or(EXPECTED.to_owned())
        }
        _ => Err(EXPECTED.to_owned()),
    }
}

/// Returns the name of a fleet.
pub(super) fn fleet(value: &DeValue<'_>) -> ReadValue<String> {
    let name = any_text(value)?;
    match is_fleet_name(&name) {
        true => Ok(name),
        false => {
            Err("expected 1 to 24 characters of a-z, 0-9 and -, starting with a letter".to_owned())
        }
    }
}

/// Returns the managers of `on`.
pub(super) fn targets(value: &DeValue<'_>) -> ReadValue<Vec<TargetName>> {
    let targets: Vec<TargetName> = texts(value)?
        .iter()
        .map(|text| target(text))
        .collect::<ReadValue<_>>()?;
    let repeated = |(index, target)| targets[..index].contains(target);
    match targets.iter().enumerate().any(repeated) {
        true => Err("it names a manager or tenant twice".to_owned()),
        false => Ok(targets),
    }
}

fn target(text: &str) -> ReadValue<TargetName> {
    let (profile, tenant) = match text.split_once('/') {
        None => (text, None),
        Some((profile, "*")) => (profile, Some(TenantName::EveryActive)),
        Some((profile, tenant)) => (profile, Some(TenantName::Named(tenant.to_owned()))),
    };
    let is_empty = matches!(&tenant, Some(TenantName::Named(name)) if name.is_empty());
    if profile.is_empty() || is_empty {
        return Err("expected PROFILE or PROFILE/TENANT".to_owned());
    }
    Ok(TargetName {
        profile: profile.to_owned(),
        tenant,
    })
}

/// Returns `expires` as text. A date needs the time zone of the key, so [`expiry`] parses it.
pub(super) fn expires(value: &DeValue<'_>) -> ReadValue<String> {
    let text = match value {
        DeValue::Datetime(time) => time.to_string(),
        other => text(other)?,
    };
    expiry(&text, None).map(|_| text)
}

/// Returns the expiry. A time in the past is valid here, because that depends on when the manifest is read.
pub(super) fn expiry(text: &str, zone: Option<&str>) -> ReadValue<Expiry> {
    Expiry::parse(text, zone, DateTime::<Utc>::UNIX_EPOCH)
        .map_err(|_| "expected a duration such as \"90d\", a date, a time, or \"never\"".to_owned())
}

/// Returns the age of a rotation, or `None` for `false`.
pub(super) fn rotation(value: &DeValue<'_>) -> ReadValue<Option<(Expiry, String)>> {
    const EXPECTED: &str = "expected a duration of at least an hour, such as \"60d\", or false";
    match value {
        DeValue::Boolean(false) => Ok(None),
        DeValue::String(text) => match duration_of_key(text) {
            Some(Expiry::After(age)) if age < HOUR => Err(EXPECTED.to_owned()),
            Some(age) => Ok(Some((age, text.to_string()))),
            None => Err(EXPECTED.to_owned()),
        },
        _ => Err(EXPECTED.to_owned()),
    }
}

fn duration_of_key(text: &str) -> Option<Expiry> {
    let expiry = expiry(text, None).ok()?;
    expiry.is_relative().then_some(expiry)
}

/// Returns the overlap of a rotation.
pub(super) fn overlap(value: &DeValue<'_>) -> ReadValue<Duration> {
    const EXPECTED: &str = "expected a duration of at least a minute, such as \"24h\"";
    let DeValue::String(text) = value else {
        return Err(EXPECTED.to_owned());
    };
    match duration_of_key(text) {
        Some(Expiry::After(overlap)) if overlap >= MINUTE => Ok(overlap),
        _ => Err(EXPECTED.to_owned()),
    }
}

/// Returns the maximum duration of a delivery.
pub(super) fn deliver_timeout(value: &DeValue<'_>) -> ReadValue<Duration> {
    const EXPECTED: &str = "expected a duration of at most 2 minutes, such as \"60s\"";
    let DeValue::String(text) = value else {
        return Err(EXPECTED.to_owned());
    };
    match humantime::parse_duration(text) {
        Ok(limit) if !limit.is_zero() && limit <= LONGEST_DELIVERY => Ok(limit),
        _ => Err(EXPECTED.to_owned()),
    }
}

/// Checks how long the key of a bridge works.
pub(super) fn bridge_life(value: &DeValue<'_>) -> ReadValue<()> {
    const EXPECTED: &str = "expected a duration from 5 minutes to 6 hours, such as \"15m\"";
    let DeValue::String(text) = value else {
        return Err(EXPECTED.to_owned());
    };
    match humantime::parse_duration(text) {
        Ok(life) if (5 * MINUTE..=6 * HOUR).contains(&life) => Ok(()),
        _ => Err(EXPECTED.to_owned()),
    }
}

pub(super) fn locale(value: &DeValue<'_>) -> ReadValue<String> {
    match value {
        DeValue::String(text) if ["en-US", "ja-JP"].contains(&text.as_ref()) => {
            Ok(text.to_string())
        }
        _ => Err("expected one of: en-US, ja-JP".to_owned()),
    }
}

pub(super) fn zone(value: &DeValue<'_>) -> ReadValue<String> {
    match value {
        DeValue::String(text) if time_zone(text).is_some() => Ok(text.to_string()),
        _ => Err("expected an IANA name such as \"Europe/Berlin\"".to_owned()),
    }
}

pub(super) fn on_missing(value: &DeValue<'_>) -> ReadValue<OnMissing> {
    let word = match value {
        DeValue::String(text) => text.as_ref(),
        _ => "",
    };
    match word {
        "report" => Ok(OnMissing::Report),
        "rotate" => Ok(OnMissing::Rotate),
        "rekey" => Ok(OnMissing::Rekey),
        _ => Err("expected one of: report, rotate, rekey".to_owned()),
    }
}

pub(super) fn adopt(value: &DeValue<'_>) -> ReadValue<Adopt> {
    match value {
        DeValue::Boolean(false) => Ok(Adopt::No),
        DeValue::Boolean(true) => Ok(Adopt::Unowned),
        DeValue::String(name) if is_fleet_name(name) => Ok(Adopt::FromFleet(name.to_string())),
        _ => Err("expected true, false or the name of a fleet".to_owned()),
    }
}
