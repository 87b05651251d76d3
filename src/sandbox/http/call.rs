//! A request to the simulated manager, and functions that return its headers, cookies, parameters and fields.

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use serde_json::{Map, Value};

use super::response::Refusal;

/// A complete request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// Returns the value of a header. `None` if the header is absent or not valid text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the value of a cookie. Some clients wrongly send back a cookie's attributes, such as `Path`. This function ignores the
    /// attributes (`docs/manager-api.md`, "Sign-in").
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let headers = self.headers.get_all("cookie").into_iter();
        let pairs = headers
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'));
        let mut cookies = pairs.filter_map(|pair| pair.trim().split_once('='));
        cookies
            .find(|(cookie, _)| *cookie == name)
            .map(|(_, value)| value)
    }

    /// Returns the value of a query parameter after percent-decoding.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let query = self.query.as_deref()?.as_bytes();
        let mut pairs = url::form_urlencoded::parse(query);
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// Returns the body as a JSON object. If `required` is false, an empty body counts as an empty object.
    pub(crate) fn object(&self, required: bool) -> Result<Map<String, Value>, Refusal> {
        if self.body.is_empty() && !required {
            return Ok(Map::new());
        }
        self.check_content_type()?;
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Refusal::invalid("The request body must be a JSON object.")),
            Err(error) => Err(Refusal::invalid(format!(
                "The request body is not valid JSON: {error}"
            ))),
        }
    }

    fn check_content_type(&self) -> Result<(), Refusal> {
        let media = self
            .header("content-type")
            .and_then(|value| value.split(';').next())
            .unwrap_or("")
            .trim();
        if media.eq_ignore_ascii_case("application/json") {
            return Ok(());
        }
        Err(Refusal::content_type())
    }
}

/// Returns the value of a string field. `None` if the field is absent.
pub(crate) fn text(object: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong_type(name, "a string")),
    }
}

/// Returns the value of a boolean field. `None` if the field is absent. A boolean in quotes (`"true"`) is an error (`docs/manager-api.md`,
/// "Key fields").
pub(crate) fn boolean(object: &Map<String, Value>, name: &str) -> Result<Option<bool>, Refusal> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(wrong_type(name, "a boolean")),
    }
}

/// Returns the value of a 64-bit integer field. `None` if the field is absent. 2.0 is accepted as an integer, because JSON has only one
/// number type.
pub(crate) fn integer64(object: &Map<String, Value>, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(value) = object.get(name) else {
        return Ok(None);
    };
    match whole(value) {
        Some(number) => Ok(Some(number)),
        None => Err(wrong_type(name, "a 64-bit integer")),
    }
}

/// Returns the value of a 32-bit integer field. `None` if the field is absent.
pub(crate) fn integer32(object: &Map<String, Value>, name: &str) -> Result<Option<i64>, Refusal> {
    match integer64(object, name) {
        Ok(Some(number)) if i32::try_from(number).is_err() => {
            Err(wrong_type(name, "a 32-bit integer"))
        }
        Err(_) => Err(wrong_type(name, "a 32-bit integer")),
        other => other,
    }
}

/// Returns the value of a number field. `None` if the field is absent.
pub(crate) fn number(object: &Map<String, Value>, name: &str) -> Result<Option<f64>, Refusal> {
    let Some(value) = object.get(name) else {
        return Ok(None);
    };
    value
        .as_f64()
        .map(Some)
        .ok_or_else(|| wrong_type(name, "a number"))
}

fn whole(value: &Value) -> Option<i64> {
    // A floating-point number is accepted as an integer only up to 2^53. Above this limit, an `f64` cannot represent every integer exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = |value: &Value| {
        value
            .as_f64()
            .filter(|number| number.fract() == 0.0 && number.abs() <= EXACT)
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an integer from -2^53 to 2^53"
    )]
    value
        .as_i64()
        .or_else(|| float(value).map(|number| number as i64))
}

pub(crate) fn wrong_type(name: &str, what: &str) -> Refusal {
    Refusal::invalid(format!("The value of {name} must be {what}."))
}
