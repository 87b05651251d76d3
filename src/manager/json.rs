//! JSON from the manager, stored as text.
//!
//! The parsed values of a hostile response (`[[[0]]],[[[0]]],`) need a hundred times as much memory as the response itself. So only the fields that
//! are used are stored as values, and objects and lists have size limits.

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Number;
use serde_json::value::RawValue;

/// The beginning of every error message about an exceeded size limit. `http/response.rs` recognises these errors by this text.
pub(super) const TOO_LARGE: &str = "larger than";
/// The maximum length of a list in a response. A search requests at most 5000 objects. The limit is higher, because a manager may send more objects
/// than requested.
const MAX_ITEMS: usize = 20_000;

/// The JSON text of an object. The text has been parsed once, so it is valid JSON.
#[derive(Clone)]
pub(crate) struct Object(Box<str>);

impl Object {
    /// Returns the text.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// Copies the text to the serializer, without building parsed values in memory.
impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_transcode::transcode(&mut serde_json::Deserializer::from_str(&self.0), serializer)
    }
}

/// Builds the text of an object field by field, up to a size limit.
pub(super) struct ObjectBuilder {
    text: String,
    limit: usize,
}

impl ObjectBuilder {
    pub(super) fn with_limit(limit: usize) -> Self {
        Self {
            text: "{".to_owned(),
            limit,
        }
    }

    pub(super) fn add<E: serde::de::Error>(
        &mut self,
        name: &str,
        value: &RawValue,
    ) -> Result<(), E> {
        // This program adds its own `meta` field to its output, so a `meta` field from the manager is dropped.
        if name == "meta" {
            return Ok(());
        }
        if self.text.len() + name.len() + value.get().len() > self.limit {
            return Err(E::custom(format!("{TOO_LARGE} {} KiB", self.limit / 1024)));
        }
        if self.text.len() > 1 {
            self.text.push(',');
        }
        self.text
            .push_str(&serde_json::to_string(name).map_err(E::custom)?);
        self.text.push(':');
        self.text.push_str(value.get());
        Ok(())
    }

    /// Finishes the object. The complete text is parsed, so that an invalid escape, an invalid number or excessive nesting is detected now instead of
    /// when the object is printed.
    pub(super) fn finish<E: serde::de::Error>(mut self) -> Result<Object, E> {
        self.text.push('}');
        let object = Object(self.text.into_boxed_str());
        serde_json::to_writer(std::io::sink(), &object).map_err(|_| E::custom("invalid JSON"))?;
        Ok(object)
    }

    /// Inserts a field before all other fields, and finishes the object.
    pub(super) fn finish_after<E: serde::de::Error>(
        self,
        name: &str,
        value: &RawValue,
    ) -> Result<Object, E> {
        let mut whole = Self::with_limit(self.limit);
        whole.add(name, value)?;
        if let Some(rest) = self.text.strip_prefix('{').filter(|rest| !rest.is_empty()) {
            whole.text.push(',');
            whole.text.push_str(rest);
        }
        whole.finish()
    }
}

/// A required field: its parsed value and its JSON text.
pub(super) struct RequiredField<'a, T> {
    value: T,
    text: &'a RawValue,
}

impl<'de, T: for<'any> Deserialize<'any>> Deserialize<'de> for RequiredField<'de, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?;
        let value = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        Ok(Self { value, text })
    }
}

impl<'a, T> RequiredField<'a, T> {
    /// Stores the parsed value in `place`, and returns the field's JSON text. If `place` already contains a value, the object contains the field
    /// twice. That is an error, because parsers disagree about which of the two values applies.
    pub(super) fn into<E: serde::de::Error>(
        self,
        place: &mut Option<T>,
        name: &'static str,
    ) -> Result<&'a RawValue, E> {
        if place.replace(self.value).is_some() {
            return Err(E::duplicate_field(name));
        }
        Ok(self.text)
    }
}

/// An optional value. A value of an unexpected type is read as `None` instead of causing an error.
#[derive(Default)]
pub(super) struct Lenient<T>(pub(super) Option<T>);

impl<'de, T: for<'any> Deserialize<'any>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(text.get()).ok()))
    }
}

/// An integer. `None` if the value is not an integer. JSON has only one type of number, so `1.79E12` is a valid way to write the integer
/// `1790000000000`.
#[derive(Default)]
pub(super) struct LenientInteger(pub(super) Option<i64>);

impl<'de> Deserialize<'de> for LenientInteger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?;
        let number = serde_json::from_str(text.get()).ok();
        Ok(Self(number.as_ref().and_then(integer)))
    }
}

/// Converts a number to an integer. A floating-point number must be a whole number of at most 2^53, because an `f64` cannot represent every larger
/// integer exactly.
fn integer(number: &Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = || {
        let float = number.as_f64()?;
        let exact = float.fract() == 0.0 && float.abs() <= EXACT;
        // `{float:.0}` formats a whole number as an integer, without an exponent.
        exact.then(|| format!("{float:.0}").parse().ok())?
    };
    number.as_i64().or_else(float)
}

/// Parses an ID; see [`ObjectId`].
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    ObjectId::deserialize(deserializer).map(|ObjectId(id)| id)
}

/// The ID of an object. Every ID is positive.
pub(super) struct ObjectId(pub(super) i64);

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            id @ 1.. => Ok(Self(id)),
            _ => Err(D::Error::custom("an ID must be positive")),
        }
    }
}

/// A list with a limited length.
pub(super) struct BoundedList<T>(pub(super) Vec<T>);

impl<T> Default for BoundedList<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for BoundedList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(std::marker::PhantomData))
    }
}

struct ListVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = BoundedList<T>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<BoundedList<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            if list.len() == MAX_ITEMS {
                return Err(A::Error::custom(format!("{TOO_LARGE} {MAX_ITEMS} objects")));
            }
            list.push(item);
        }
        Ok(BoundedList(list))
    }
}

/// A JSON object with any fields. The fields are ignored.
pub(super) struct AnyObject;

impl<'de> Deserialize<'de> for AnyObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnyObjectVisitor)
    }
}

struct AnyObjectVisitor;

impl<'de> Visitor<'de> for AnyObjectVisitor {
    type Value = AnyObject;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<AnyObject, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(AnyObject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_may_be_written_with_an_exponent() {
        let read = |text| {
            serde_json::from_str::<LenientInteger>(text)
                .ok()
                .and_then(|read| read.0)
        };
        for text in ["1790000000000", "1790000000000.0", "1.79E12", "1.79e+12"] {
            assert_eq!(read(text), Some(1_790_000_000_000), "{text}");
        }
        assert_eq!(read("-0.0"), Some(0));
        assert_eq!(read("9223372036854775807"), Some(i64::MAX));
        for text in ["1.5", "1e300", "9.3e18", "\"1\"", "null", "[1]", "true"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
