//! An object of the manager's, kept as the text that it came as.
//!
//! Values are built of it only where one is printed: a hostile answer of a few MiB (`[[[0]]],[[[0]]],`) would fill a hundred times
//! as much memory with them. So nothing is built of what is not needed, and an object or a list has an end.

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Number;
use serde_json::value::RawValue;

/// What begins the reason of everything that is refused for its size; `answer.rs` tells it from the other reasons.
pub(super) const TOO_LARGE: &str = "larger than";
/// A search asks for 5000 objects at the most, and a manager may have its own mind about that.
const MOST_AT_ONCE: usize = 20_000;

/// The JSON text of an object, which was read to its last number once and holds nothing that cannot be printed.
#[derive(Clone)]
pub(crate) struct Object(Box<str>);

impl Object {
    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// Passes it on piece by piece, so that a list is printed without being built.
impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_transcode::transcode(&mut serde_json::Deserializer::from_str(&self.0), serializer)
    }
}

/// Writes an object field by field, up to a size.
pub(super) struct ObjectBuilder {
    text: String,
    most: usize,
}

impl ObjectBuilder {
    pub(super) fn up_to(most: usize) -> Self {
        Self {
            text: "{".to_owned(),
            most,
        }
    }

    pub(super) fn add<E: serde::de::Error>(
        &mut self,
        name: &str,
        value: &RawValue,
    ) -> Result<(), E> {
        // What this program adds beside the manager's fields is its own.
        if name == "meta" {
            return Ok(());
        }
        if self.text.len() + name.len() + value.get().len() > self.most {
            return Err(E::custom(format!("{TOO_LARGE} {} KiB", self.most / 1024)));
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

    /// Reads it to the end: an escape that stands for no character, a number that there is not, and nesting without end are seen
    /// here and not while it is printed.
    pub(super) fn finish<E: serde::de::Error>(mut self) -> Result<Object, E> {
        self.text.push('}');
        let object = Object(self.text.into_boxed_str());
        serde_json::to_writer(std::io::sink(), &object)
            .map_err(|_| E::custom("it cannot be read to its end"))?;
        Ok(object)
    }

    /// The same with another field in front of all.
    pub(super) fn finish_after<E: serde::de::Error>(
        self,
        name: &str,
        value: &RawValue,
    ) -> Result<Object, E> {
        let mut whole = Self::up_to(self.most);
        whole.add(name, value)?;
        if let Some(rest) = self.text.strip_prefix('{').filter(|rest| !rest.is_empty()) {
            whole.text.push(',');
            whole.text.push_str(rest);
        }
        whole.finish()
    }
}

/// A field that is needed, and its text.
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
    /// Puts the value in its place. One that comes twice has no value: two readers might take two.
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

/// A value that may as well be of another kind: it is not needed.
#[derive(Default)]
pub(super) struct Lenient<T>(pub(super) Option<T>);

impl<'de, T: for<'any> Deserialize<'any>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(text.get()).ok()))
    }
}

/// A whole number that is not needed. JSON has one kind of number, so `1.79E12` is as whole as `1790000000000`.
#[derive(Default)]
pub(super) struct LenientInteger(pub(super) Option<i64>);

impl<'de> Deserialize<'de> for LenientInteger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?;
        let number = serde_json::from_str(text.get()).ok();
        Ok(Self(number.as_ref().and_then(whole)))
    }
}

/// Up to 2^53, a floating-point number stands for one integer alone.
fn whole(number: &Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = || {
        let float = number.as_f64()?;
        let exact = float.fract() == 0.0 && float.abs() <= EXACT;
        // Without a fraction, it is printed as an integer.
        exact.then(|| format!("{float:.0}").parse().ok())?
    };
    number.as_i64().or_else(float)
}

/// Reads an ID; see [`ObjectId`].
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    ObjectId::deserialize(deserializer).map(|ObjectId(id)| id)
}

/// The ID of an object. The contract's are positive.
pub(super) struct ObjectId(pub(super) i64);

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            id @ 1.. => Ok(Self(id)),
            _ => Err(D::Error::custom("an ID is positive")),
        }
    }
}

/// A list that has an end.
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
            if list.len() == MOST_AT_ONCE {
                return Err(A::Error::custom(format!(
                    "{TOO_LARGE} {MOST_AT_ONCE} objects"
                )));
            }
            list.push(item);
        }
        Ok(BoundedList(list))
    }
}

/// An object of which nothing is needed but that it is one.
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
    fn a_whole_number_is_one_however_it_is_written() {
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
