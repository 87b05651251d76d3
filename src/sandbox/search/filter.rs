//! Parses the filter of a search request, and finds the matching objects.

use serde_json::{Map, Value};

use super::criteria::Criterion;
use super::field::Searchable;
use crate::sandbox::http::call::{boolean, integer32, wrong_type};
use crate::sandbox::http::response::Refusal;
use crate::sandbox::options::unknowns::Unknowns;

/// The maximum number of results if the filter does not set a maximum.
const DEFAULT_MAX_ITEMS: usize = 5000;

/// A parsed SearchFilter.
#[derive(Debug)]
pub(crate) struct Filter {
    max_items: usize,
    by_id: bool,
    criteria: Vec<Criterion>,
}

impl Filter {
    /// Parses a filter for objects of one kind. Unknown fields are ignored, as on a real manager. For example, a real manager ignored the
    /// misspelled field `max_items`, and returned all objects.
    pub(crate) fn read<T: Searchable>(
        body: &Map<String, Value>,
        unknowns: &Unknowns,
    ) -> Result<Filter, Refusal> {
        let by_id = boolean(body, "sortByObjectID")?.unwrap_or(false);
        let max_items = match integer32(body, "maxItems")? {
            // In numeric fields, the manager treats 0 as null (`docs/manager-api.md`, "Key fields").
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

    /// Returns the largest ID that a criterion compares with `greater-than`: 9 for the criteria `ID > 5` and `ID > 9`. Returns `None` if there is no
    /// such criterion.
    pub(crate) fn after(&self) -> Option<i64> {
        self.criteria.iter().filter_map(Criterion::after).max()
    }

    /// Returns the name that every matching object must have. Upper and lower case count as equal. `None` if no criterion requires a name.
    pub(crate) fn name<T: Searchable>(&self) -> Option<&str> {
        self.criteria
            .iter()
            .find_map(|criterion| criterion.exactly(T::NAME))
    }

    /// Returns the objects that match all criteria, up to the maximum number. `objects` must be ordered by ID.
    pub(crate) fn find<'a, T: Searchable>(
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
        // The order of the results of an unsorted search is not documented. So the results are shuffled, to reveal an error in a client
        // that relies on an order.
        found.sort_by_cached_key(|object| scramble(object.id()));
        found.truncate(self.max_items);
        found
    }
}

fn scramble(id: i64) -> i64 {
    // The results are shuffled by sorting them by a multiplicative hash of the ID. The factor is 2^32 divided by the golden ratio (Knuth,
    // The Art of Computer Programming, volume 3, section 6.4).
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the hash uses only the low 32 bits of the ID"
    )]
    let low = id as u32;
    low.wrapping_mul(2_654_435_769).into()
}
