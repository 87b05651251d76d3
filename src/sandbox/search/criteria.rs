//! Parses a criterion of a search, and checks whether an object meets it.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::field::{Field, Searchable};
use crate::sandbox::http::call::{boolean, integer64, number, text, wrong_type};
use crate::sandbox::http::response::Refusal;
use crate::sandbox::options::unknowns::Unknowns;
use crate::sandbox::state::name_index::fold;

/// A parsed criterion of a search: a field, and all tests that its value must pass.
#[derive(Debug)]
pub(crate) struct Criterion {
    field: String,
    tests: Vec<Test>,
}

#[derive(Debug)]
enum Test {
    Text {
        negated: bool,
        value: String,
        wildcards: bool,
        ignore_case: bool,
    },
    Choice {
        negated: bool,
        value: String,
    },
    Number(Comparison, f64),
    Id(Comparison, i64),
    Version(Comparison, String),
    Boolean(bool),
    Null(bool),
    Date {
        first: Option<Bound>,
        last: Option<Bound>,
    },
}

#[derive(Clone, Copy, Debug)]
struct Bound {
    value: i64,
    inclusive: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
    NotEqual,
}

impl Criterion {
    /// Parses a criterion of a search for objects of one kind.
    pub(crate) fn read<T: Searchable>(
        criterion: &Value,
        unknowns: &Unknowns,
    ) -> Result<Criterion, Refusal> {
        let Value::Object(given) = criterion else {
            return Err(wrong_type("searchCriteria", "an array of objects"));
        };
        let field = text(given, "fieldName")?;
        let tests = read_tests(given, unknowns)?;
        let only_ids = !tests.is_empty() && tests.iter().all(|test| matches!(test, Test::Id(..)));
        // If the criterion has a test other than `idTest`, `fieldName` is required.
        let field = match field {
            Some(field) => field,
            None if only_ids || tests.is_empty() => "ID".to_owned(),
            None => return Err(Refusal::invalid("A search criterion requires a fieldName.")),
        };
        let Some(kind) = T::kind(&field) else {
            return match unknowns.unknown_field {
                Some(status) => Err(Refusal::new(
                    status,
                    format!("There is no searchable field {field}."),
                )),
                None => Ok(Criterion {
                    field,
                    tests: Vec::new(),
                }),
            };
        };
        match tests.iter().find(|test| !test.suits(kind)) {
            Some(_) => Err(Refusal::invalid(format!(
                "The field {field} cannot be searched with this test."
            ))),
            None => Ok(Criterion { field, tests }),
        }
    }

    /// Returns true if an object passes every test of the criterion.
    pub(crate) fn matches<T: Searchable>(&self, object: &T) -> bool {
        self.tests.iter().all(|test| match test {
            Test::Id(comparison, id) => comparison.holds(object.id().cmp(id)),
            other => other.passes(object.value(&self.field)),
        })
    }

    /// Returns the value that `field` must have. Upper and lower case count as equal. `None` if this criterion does not require a value of
    /// `field`.
    pub(crate) fn exactly(&self, field: &str) -> Option<&str> {
        self.tests.iter().find_map(|test| match test {
            Test::Text {
                negated: false,
                value,
                wildcards,
                ..
            } if self.field == field && !(*wildcards && value.contains(['%', '_'])) => {
                Some(value.as_str())
            }
            _ => None,
        })
    }

    /// Returns the ID in the `greater-than` test for IDs. Every matching object has a greater ID. `None` if this criterion has no
    /// `greater-than` test for IDs.
    pub(crate) fn after(&self) -> Option<i64> {
        self.tests.iter().find_map(|test| match test {
            Test::Id(Comparison::Greater, id) => Some(*id),
            _ => None,
        })
    }
}

/// Returns the tests of a search criterion, such as `numericTest` with its `numericValue`. Returns an error if a test has no value.
fn read_tests(given: &Map<String, Value>, unknowns: &Unknowns) -> Result<Vec<Test>, Refusal> {
    let mut tests = Vec::new();
    let wildcards = boolean(given, "stringWildcards")?.unwrap_or(true);
    if let Some((negated, value)) = read_equality(given, "stringTest", "stringValue")? {
        tests.push(Test::Text {
            negated,
            value,
            wildcards,
            ignore_case: unknowns.ignore_case,
        });
    }
    if let Some((negated, value)) = read_equality(given, "choiceTest", "choiceValue")? {
        tests.push(Test::Choice { negated, value });
    }
    if let Some((comparison, value)) =
        read_comparison(given, "numericTest", "numericValue", number)?
    {
        tests.push(Test::Number(comparison, value));
    }
    if let Some((comparison, value)) = read_comparison(given, "idTest", "idValue", integer64)? {
        tests.push(Test::Id(comparison, value));
    }
    if let Some((comparison, value)) = read_comparison(given, "versionTest", "versionValue", text)?
    {
        tests.push(Test::Version(comparison, value));
    }
    tests.extend(boolean(given, "booleanTest")?.map(Test::Boolean));
    tests.extend(boolean(given, "nullTest")?.map(Test::Null));
    tests.extend(read_dates(given)?);
    Ok(tests)
}

fn read_equality(
    given: &Map<String, Value>,
    test: &str,
    value: &str,
) -> Result<Option<(bool, String)>, Refusal> {
    let named = text(given, test)?;
    let negated = match named.as_deref() {
        None | Some("equal") => false,
        Some("not-equal") => true,
        Some(_) => return Err(wrong_type(test, "equal or not-equal")),
    };
    match text(given, value)? {
        Some(value) => Ok(Some((negated, value))),
        None if named.is_some() => Err(missing(test, value)),
        None => Ok(None),
    }
}

type Read<T> = fn(&Map<String, Value>, &str) -> Result<Option<T>, Refusal>;

fn read_comparison<T>(
    given: &Map<String, Value>,
    test: &str,
    value: &str,
    read: Read<T>,
) -> Result<Option<(Comparison, T)>, Refusal> {
    let named = text(given, test)?;
    let comparison = match &named {
        None => Comparison::Equal,
        Some(name) => Comparison::named(name)
            .ok_or_else(|| wrong_type(test, "one of the six comparison operators"))?,
    };
    match read(given, value)? {
        Some(value) => Ok(Some((comparison, value))),
        None if named.is_some() => Err(missing(test, value)),
        None => Ok(None),
    }
}

fn missing(test: &str, value: &str) -> Refusal {
    Refusal::invalid(format!("A {test} requires a {value}."))
}

fn read_dates(given: &Map<String, Value>) -> Result<Option<Test>, Refusal> {
    let bound = |value: &str, inclusive: &str| -> Result<Option<Bound>, Refusal> {
        let inclusive = boolean(given, inclusive)?.unwrap_or(true);
        Ok(integer64(given, value)?.map(|value| Bound { value, inclusive }))
    };
    let first = bound("firstDateValue", "firstDateInclusive")?;
    let last = bound("lastDateValue", "lastDateInclusive")?;
    Ok((first.is_some() || last.is_some()).then_some(Test::Date { first, last }))
}

impl Test {
    /// Returns true if this test can be applied to a field of the type `kind`.
    fn suits(&self, kind: Field) -> bool {
        match self {
            Test::Text { .. } | Test::Version(..) => kind == Field::Text,
            Test::Choice { .. } => kind == Field::Choice,
            Test::Number(..) => matches!(kind, Field::Number | Field::Id),
            Test::Boolean(_) => kind == Field::Boolean,
            Test::Date { .. } => kind == Field::Date,
            Test::Id(..) | Test::Null(_) => true,
        }
    }

    /// Returns true if a value passes this test. As in SQL, the value null passes only a test for null.
    fn passes(&self, value: Option<Value>) -> bool {
        if let Test::Null(null) = self {
            return value.is_none() == *null;
        }
        let Some(value) = value else { return false };
        match (self, &value) {
            (
                Test::Text {
                    negated,
                    value,
                    wildcards,
                    ignore_case,
                },
                Value::String(text),
            ) => text_matches(text, value, *wildcards, *ignore_case) != *negated,
            (Test::Choice { negated, value }, Value::String(text)) => (text == value) != *negated,
            (Test::Version(comparison, value), Value::String(text)) => {
                comparison.holds(version_order(text, value))
            }
            (Test::Boolean(wanted), Value::Bool(value)) => value == wanted,
            (Test::Number(comparison, wanted), Value::Number(value)) => value
                .as_f64()
                .and_then(|value| value.partial_cmp(wanted))
                .is_some_and(|order| comparison.holds(order)),
            (Test::Date { first, last }, Value::Number(value)) => value
                .as_i64()
                .is_some_and(|time| within(time, *first, *last)),
            _ => false,
        }
    }
}

impl Comparison {
    fn named(name: &str) -> Option<Comparison> {
        match name {
            "less-than" => Some(Comparison::Less),
            "less-than-or-equal" => Some(Comparison::LessOrEqual),
            "equal" => Some(Comparison::Equal),
            "greater-than-or-equal" => Some(Comparison::GreaterOrEqual),
            "greater-than" => Some(Comparison::Greater),
            "not-equal" => Some(Comparison::NotEqual),
            _ => None,
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Equal => order.is_eq(),
            Comparison::GreaterOrEqual => order.is_ge(),
            Comparison::Greater => order.is_gt(),
            Comparison::NotEqual => order.is_ne(),
        }
    }
}

fn within(time: i64, first: Option<Bound>, last: Option<Bound>) -> bool {
    let after =
        first.is_none_or(|bound| time > bound.value || (bound.inclusive && time == bound.value));
    let before =
        last.is_none_or(|bound| time < bound.value || (bound.inclusive && time == bound.value));
    after && before
}

fn text_matches(text: &str, pattern: &str, wildcards: bool, ignore_case: bool) -> bool {
    let folded = |text: &str| {
        if ignore_case {
            fold(text)
        } else {
            text.to_owned()
        }
    };
    let (text, pattern) = (folded(text), folded(pattern));
    if !wildcards {
        return text == pattern;
    }
    let (text, pattern): (Vec<char>, Vec<char>) =
        (text.chars().collect(), pattern.chars().collect());
    like(&text, &pattern)
}

/// Returns true if a text matches a pattern, as LIKE does in SQL: `%` matches any text, and `_` matches any one character. At first, each
/// `%` matches an empty text. After each mismatch, the last `%` matches one more character.
fn like(text: &[char], pattern: &[char]) -> bool {
    let (mut at, mut in_pattern) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some('%') => {
                retry = Some((at, in_pattern));
                in_pattern += 1;
            }
            Some(sign) if *sign == '_' || *sign == text[at] => {
                at += 1;
                in_pattern += 1;
            }
            _ => {
                let Some((from, percent)) = retry else {
                    return false;
                };
                retry = Some((from + 1, percent));
                (at, in_pattern) = (from + 1, percent + 1);
            }
        }
    }
    pattern[in_pattern..].iter().all(|sign| *sign == '%')
}

/// Compares two versions, number by number. If a part of a version is not a number, it counts as smaller than every number.
fn version_order(left: &str, right: &str) -> Ordering {
    let parts = |version: &str| -> Vec<Option<u64>> {
        version.split('.').map(|part| part.parse().ok()).collect()
    };
    parts(left).cmp(&parts(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_and_underscore_are_wildcards_unless_disabled() {
        assert!(text_matches("DevXRead", "Dev_Read", true, false));
        assert!(!text_matches("DevXRead", "Dev_Read", false, false));
        assert!(text_matches("Full Access", "%l%c%", true, false));
        assert!(text_matches("Full Access", "Full Access%%", true, false));
        assert!(!text_matches("Full Access", "Full Acces", true, false));
        assert!(text_matches("", "%", true, false));
        assert!(!text_matches("", "_", true, false));
        assert!(text_matches("aab", "%ab", true, false));
    }

    #[test]
    fn case_is_ignored_only_if_requested() {
        assert!(text_matches("auditor", "AUDITOR", false, true));
        assert!(!text_matches("auditor", "AUDITOR", false, false));
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(version_order("20.0.9", "20.0.10"), Ordering::Less);
        assert_eq!(version_order("20.0", "20.0.1"), Ordering::Less);
        assert_eq!(version_order("12.0", "12.0"), Ordering::Equal);
    }
}
