//! API keys that a file describes: JSON objects with the manager's field names.

use anyhow::{Context, bail};
use serde_json::Value;

use super::clock::{Millis, millis};
use super::keys::ApiKey;

/// The fields of an API key in a file, for messages.
const FIELDS: &str = "ID, keyName, description, locale, timeZone, roleID, active, created, lastSignIn, unlockTime, \
    unsuccessfulSignInAttempts, expiryDate, secretKey";
const TEXT: &str = "a string";
const LOCALE: &str = "en-US or ja-JP";
const BOOLEAN: &str = "true or false";
const ID: &str = "a positive integer";
const COUNT: &str = "a number of attempts";
const SECRET: &str = "a string of visible ASCII characters";
const TIME: &str =
    "a number of milliseconds, or a time relative to the start such as \"-61d\" or \"+29d\"";

impl ApiKey {
    /// Sets the fields that a file describes. Fields that the file omits keep their values. Relative times count from `now`.
    ///
    /// # Errors
    /// Returns an error if a field is unknown or has the wrong type. The error contains no value from the file.
    pub(crate) fn set_fields(&mut self, document: &Value, now: Millis) -> anyhow::Result<()> {
        let Value::Object(fields) = document else {
            bail!("a key must be a JSON object")
        };
        for (index, (name, value)) in fields.iter().enumerate() {
            let unknown = || format!("field number {} is unknown; use {FIELDS}", index + 1);
            let expected = expected(name).with_context(unknown)?;
            self.set_field(name, value, now)
                .with_context(|| format!("`{name}`: expected {expected}"))?;
        }
        Ok(())
    }

    /// Sets one field. Returns `None` if the value has the wrong type.
    fn set_field(&mut self, name: &str, value: &Value, now: Millis) -> Option<()> {
        let text = || value.as_str().map(str::to_owned);
        let time = || time(value, now);
        match name {
            "ID" => self.id = positive(value)?,
            "keyName" => self.name = Some(text()?),
            "description" => self.description = Some(text()?),
            "locale" => self.locale = text().filter(|text| text == "en-US" || text == "ja-JP")?,
            "timeZone" => self.time_zone = text()?,
            "roleID" => self.role_id = positive(value)?,
            "active" => self.active = value.as_bool()?,
            "created" => self.created = time()?,
            "lastSignIn" => self.last_sign_in = Some(time()?),
            "unlockTime" => self.unlock_time = Some(time()?),
            "unsuccessfulSignInAttempts" => {
                self.unsuccessful_sign_in_attempts = u32::try_from(value.as_u64()?).ok()?;
            }
            // In a numeric field that clients can write, 0 means that no value is set.
            "expiryDate" => self.expiry_date = Some(time()?).filter(|time| *time != 0),
            "secretKey" => self.secret = text().filter(|text| is_secret(text))?,
            _ => return None,
        }
        Some(())
    }
}

/// Returns the values that a field accepts, for messages. `None` if the field is unknown.
fn expected(name: &str) -> Option<&'static str> {
    match name {
        "keyName" | "description" | "timeZone" => Some(TEXT),
        "locale" => Some(LOCALE),
        "active" => Some(BOOLEAN),
        "ID" | "roleID" => Some(ID),
        "unsuccessfulSignInAttempts" => Some(COUNT),
        "secretKey" => Some(SECRET),
        "created" | "lastSignIn" | "unlockTime" | "expiryDate" => Some(TIME),
        _ => None,
    }
}

fn positive(value: &Value) -> Option<i64> {
    let number = value.as_i64()?;
    (1..=i64::from(i32::MAX))
        .contains(&number)
        .then_some(number)
}

fn is_secret(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns a time. A number counts from the Unix epoch. A string such as `-61d` or `+29d` counts from `now`.
fn time(value: &Value, now: Millis) -> Option<Millis> {
    let Some(text) = value.as_str() else {
        return value.as_i64();
    };
    let distance = |text: &str| humantime::parse_duration(text).ok().map(millis);
    match text.strip_prefix('-') {
        Some(earlier) => Some(now.saturating_sub(distance(earlier)?)),
        None => Some(now.saturating_add(distance(text.strip_prefix('+')?)?)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Millis = 1_000_000_000_000;

    fn read(document: &Value) -> Result<ApiKey, String> {
        let mut key = ApiKey::fresh(7, 2, NOW, "7:secret".to_owned());
        match key.set_fields(document, NOW) {
            Ok(()) => Ok(key),
            Err(error) => Err(format!("{error:#}")),
        }
    }

    #[test]
    fn a_field_that_is_omitted_keeps_its_value() {
        let fresh = ApiKey::fresh(7, 2, NOW, "7:secret".to_owned());
        assert_eq!(read(&json!({})), Ok(fresh));
    }

    #[test]
    fn a_key_is_described_by_its_own_document() {
        let mut key = ApiKey::fresh(9, 1, NOW - 5, "7:secret".to_owned());
        key.name = Some("ci".to_owned());
        key.description = Some("nightly".to_owned());
        key.locale = "ja-JP".to_owned();
        key.active = false;
        key.last_sign_in = Some(NOW - 4);
        key.unlock_time = Some(NOW + 4);
        key.unsuccessful_sign_in_attempts = 5;
        key.expiry_date = Some(NOW + 5);
        let mut fields = key.fields();
        fields.insert("ID".to_owned(), json!(9));
        assert_eq!(read(&Value::Object(fields)), Ok(key));
    }

    #[test]
    fn a_time_is_absolute_or_relative() {
        let time = |value: Value| time(&value, NOW);
        assert_eq!(time(json!(5)), Some(5));
        assert_eq!(time(json!("-61d")), Some(NOW - 61 * 86_400_000));
        assert_eq!(time(json!("+1h 30m")), Some(NOW + 5_400_000));
        for wrong in [
            json!("61d"),
            json!("-"),
            json!("--1d"),
            json!("now"),
            json!(1.5),
            json!(null),
        ] {
            assert_eq!(time(wrong.clone()), None, "{wrong}");
        }
    }

    #[test]
    fn a_problem_names_the_field_and_no_value() {
        for (document, problem) in [
            (json!("hunter2"), "a key must be a JSON object"),
            (
                json!({"keyName": "a", "hunter2": 1}),
                "field number 2 is unknown; use ID, keyName",
            ),
            (json!({"keyName": 1}), "`keyName`: expected a string"),
            (json!({"description": null}), "`description`: expected"),
            (
                json!({"locale": "hunter2"}),
                "`locale`: expected en-US or ja-JP",
            ),
            (json!({"timeZone": 1}), "`timeZone`: expected"),
            (
                json!({"roleID": 0}),
                "`roleID`: expected a positive integer",
            ),
            (json!({"ID": 2_147_483_648_i64}), "`ID`: expected"),
            (
                json!({"active": "hunter2"}),
                "`active`: expected true or false",
            ),
            (
                json!({"created": "hunter2"}),
                "`created`: expected a number of",
            ),
            (json!({"lastSignIn": true}), "`lastSignIn`: expected"),
            (json!({"unlockTime": []}), "`unlockTime`: expected"),
            (json!({"expiryDate": "90d"}), "`expiryDate`: expected"),
            (
                json!({"unsuccessfulSignInAttempts": -1}),
                "`unsuccessfulSignInAttempts`: expected",
            ),
            (json!({"secretKey": "hunter2 "}), "`secretKey`: expected"),
        ] {
            let error = read(&document).expect_err("a problem");
            assert!(error.starts_with(problem), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
