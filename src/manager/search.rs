//! Searching roles and keys (manager-api.md, section 5.1), page by page.

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SignedIn;
use super::error::ManagerError;
use super::retry::Repeat;
use super::transport::Request;

/// The body of a search.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SearchFilter<'a> {
    max_items: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    search_criteria: Vec<Criterion<'a>>,
    #[serde(rename = "sortByObjectID")]
    sort_by_object_id: bool,
}

/// What an object must fulfil; several criteria must all hold.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Criterion<'a> {
    #[serde(rename_all = "camelCase")]
    Text {
        field_name: &'a str,
        string_test: &'a str,
        string_value: &'a str,
        /// Wildcards are on by default, even for `equal`: without this, `Dev_Read` finds `DevXRead` too.
        string_wildcards: bool,
    },
    #[serde(rename_all = "camelCase")]
    After { id_test: &'a str, id_value: i64 },
}

impl<'a> Criterion<'a> {
    /// The field is exactly this text.
    pub(super) fn equals(field_name: &'a str, string_value: &'a str) -> Self {
        Self::Text {
            field_name,
            string_test: "equal",
            string_value,
            string_wildcards: false,
        }
    }

    /// The field matches this pattern, in which `%` stands for any text and `_` for one character.
    pub(super) fn like(field_name: &'a str, string_value: &'a str) -> Self {
        Self::Text {
            field_name,
            string_test: "equal",
            string_value,
            string_wildcards: true,
        }
    }
}

/// No manager has so many roles or keys of one search; one that says so would fill the memory.
const MOST: usize = 200_000;

/// What can be searched.
pub(super) trait Searchable: DeserializeOwned {
    /// The path of the search.
    const PATH: &'static str;
    /// How many to ask for at once; fewer than 16 MiB of them.
    const PAGE: u32;
    /// What a search is for, in words.
    const WHAT: &'static str;
    /// The body of the answer.
    type Page: DeserializeOwned + IntoIterator<Item = Self>;

    fn id(&self) -> i64;
}

impl SignedIn {
    /// Everything that fulfils `criterion`, or everything, in the order of IDs.
    ///
    /// # Errors
    /// Also where pages do not come to an end: then the manager ignores what it is asked.
    pub(super) async fn search<T: Searchable>(
        &self,
        criterion: Option<Criterion<'_>>,
    ) -> Result<Vec<T>, ManagerError> {
        let mut found: Vec<T> = Vec::new();
        loop {
            let last = found.last().map(T::id);
            let after = last.map(|id_value| Criterion::After {
                id_test: "greater-than",
                id_value,
            });
            let filter = SearchFilter {
                max_items: T::PAGE,
                search_criteria: criterion.into_iter().chain(after).collect(),
                sort_by_object_id: true,
            };
            let request = Request::new(T::WHAT, Method::POST, T::PATH, Repeat::Read)
                .signed(&self.credentials)
                .json(&filter);
            let answer = self.transport.send(request).await?;
            let page: Vec<T> = answer.json::<T::Page>()?.into_iter().collect();
            let full = u32::try_from(page.len()).is_ok_and(|length| length >= T::PAGE);
            let grows = (last.into_iter().chain(page.iter().map(T::id)))
                .is_sorted_by(|one, next| one < next);
            found.extend(page);
            if !full {
                return Ok(found);
            }
            if found.len() >= MOST {
                let reason = format!("the manager lists more than {MOST} of them, which cannot be");
                return Err(answer.unreadable(reason, None));
            }
            if !grows {
                let reason =
                    "the manager's pages are not in the order of IDs, so they would not end"
                        .to_owned();
                return Err(answer.unreadable(reason, None));
            }
        }
    }
}
