//! The search that roles and API keys share: what a filter is, and which objects it finds (manager-api.md, section 5.1).

pub(crate) mod criteria;
use serde_json::{Map, Value};

use super::http::call::{boolean, integer32, wrong_type};
use super::http::response::Refusal;
use super::options::unknowns::Unknowns;
use criteria::Criterion;

/// So many objects are answered where the filter names no number.
const DEFAULT_MAX_ITEMS: usize = 5000;

/// What a field can be tested for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Text,
    Choice,
    Number,
    Boolean,
    Date,
    Id,
}

/// Something that is searched.
pub(super) trait Searchable {
    /// The field that its name is in.
    const NAME: &'static str;
    /// Its ID.
    fn id(&self) -> i64;
    /// What this field is, if it can be searched. Names are case-sensitive.
    fn kind(field: &str) -> Option<Field>;
    /// The value of this field; `None` is null.
    fn value(&self, field: &str) -> Option<Value>;
}

/// A SearchFilter, read.
#[derive(Debug)]
pub(super) struct Filter {
    max_items: usize,
    by_id: bool,
    criteria: Vec<Criterion>,
}

impl Filter {
    /// Reads a filter for objects of one kind. Names that it does not know are passed over, as the manager does: a client that
    /// spelled `max_items` got everything.
    pub(super) fn read<T: Searchable>(
        body: &Map<String, Value>,
        unknowns: &Unknowns,
    ) -> Result<Filter, Refusal> {
        let by_id = boolean(body, "sortByObjectID")?.unwrap_or(false);
        let max_items = match integer32(body, "maxItems")? {
            // 0 stands for null in numbers (section 6.1). Less than that is nothing that can be asked for.
            None | Some(0) => DEFAULT_MAX_ITEMS,
            Some(count) => usize::try_from(count)
                .map_err(|_| Refusal::invalid("The value of maxItems must not be negative."))?,
        };
        let criteria = match body.get("searchCriteria") {
            None => Vec::new(),
            Some(Value::Array(criteria)) => criteria
                .iter()
                .map(|criterion| Criterion::read::<T>(criterion, unknowns))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(wrong_type("searchCriteria", "an array")),
        };
        let criteria = if unknowns.ignore_search {
            Vec::new()
        } else {
            criteria
        };
        Ok(Filter {
            max_items,
            by_id,
            criteria,
        })
    }

    /// The ID above which all matches lie, where a criterion says so.
    pub(super) fn after(&self) -> Option<i64> {
        self.criteria.iter().filter_map(Criterion::after).max()
    }

    /// The one name that all matches have, in some case, where a criterion says so.
    pub(super) fn name<T: Searchable>(&self) -> Option<&str> {
        self.criteria
            .iter()
            .find_map(|criterion| criterion.exactly(T::NAME))
    }

    /// The objects that match all criteria, in order, and not too many. The objects come by ID.
    pub(super) fn find<'a, T: Searchable>(
        &self,
        objects: impl Iterator<Item = &'a T>,
    ) -> Vec<&'a T> {
        let matching = objects.filter(|object| {
            self.criteria
                .iter()
                .all(|criterion| criterion.matches(*object))
        });
        if self.by_id {
            return matching.take(self.max_items).collect();
        }
        let mut found: Vec<&T> = matching.collect();
        // What the manager sorts by where it is not asked to sort is not documented. An order that never follows the IDs for long
        // finds clients that rely on one.
        found.sort_by_key(|object| scrambled(object.id()));
        found.truncate(self.max_items);
        found
    }
}

fn scrambled(id: i64) -> u32 {
    // Multiplicative hashing with 2^32 divided by the golden ratio (Knuth, The Art of Computer Programming, volume 3, 6.4).
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "only the low bits matter"
    )]
    let low = id as u32;
    low.wrapping_mul(2_654_435_769)
}
