//! Searching roles and keys (manager-api.md, section 5.1), page by page.

use std::marker::PhantomData;

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::manager::SignedIn;
use crate::manager::error::{Cause, ManagerError};
use crate::manager::http::response::ApiResponse;
use crate::manager::http::retry::RetryPolicy;
use crate::manager::http::transport::ApiRequest;

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
pub(crate) enum Criterion<'a> {
    #[serde(rename_all = "camelCase")]
    Text {
        field_name: &'a str,
        string_test: &'a str,
        string_value: &'a str,
        /// Wildcards are on by default, even for `equal`: without this, `Dev_Read` finds `DevXRead` too.
        string_wildcards: bool,
    },
    #[serde(rename_all = "camelCase")]
    Number {
        field_name: &'a str,
        numeric_test: &'a str,
        numeric_value: i64,
    },
    /// Within these times, both ends included.
    #[serde(rename_all = "camelCase")]
    Between {
        field_name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        first_date_value: Option<i64>,
        last_date_value: i64,
    },
    #[serde(rename_all = "camelCase")]
    Id { id_test: &'a str, id_value: i64 },
}

impl<'a> Criterion<'a> {
    /// The field is exactly this text.
    pub(crate) fn equals(field_name: &'a str, string_value: &'a str) -> Self {
        Self::Text {
            field_name,
            string_test: "equal",
            string_value,
            string_wildcards: false,
        }
    }

    /// The object with this ID.
    pub(crate) fn id(id_value: i64) -> Self {
        Self::Id {
            id_test: "equal",
            id_value,
        }
    }

    /// The objects with higher IDs.
    pub(crate) fn above(id_value: i64) -> Self {
        Self::Id {
            id_test: "greater-than",
            id_value,
        }
    }

    /// The field is this number.
    pub(crate) fn number(field_name: &'a str, numeric_value: i64) -> Self {
        Self::Number {
            field_name,
            numeric_test: "equal",
            numeric_value,
        }
    }

    /// The field matches this pattern, in which `%` stands for any text and `_` for one character.
    pub(crate) fn like(field_name: &'a str, string_value: &'a str) -> Self {
        Self::Text {
            field_name,
            string_test: "equal",
            string_value,
            string_wildcards: true,
        }
    }
}

/// No manager has so many roles or keys of one name; one that says so would fill the memory.
const MOST: usize = 200_000;
/// Nor so many of anything: pages that are not kept come to an end too.
const MOST_PAGED: usize = 10_000_000;

/// As much of a search as is held at once where all of it is wanted: 2000 roles with all their rights.
pub(crate) const MOST_KEPT: usize = 16 * 1024 * 1024;

/// What can be searched.
pub(crate) trait Searchable: DeserializeOwned {
    /// The path of the search.
    const PATH: &'static str;
    /// How many to ask for at once; less than half of what an answer may have.
    const PAGE: u32;
    /// What a search is for, in words.
    const WHAT: &'static str;
    /// The body of the answer.
    type Results: DeserializeOwned + IntoIterator<Item = Self>;

    fn id(&self) -> i64;

    /// How much room it takes, about.
    fn weight(&self) -> usize;
}

/// What a search finds, page by page, in the order of IDs: no more than a page is held here.
pub(crate) struct Pages<'a, T: Searchable> {
    signed_in: &'a SignedIn,
    criteria: Vec<Criterion<'a>>,
    reached: SearchProgress,
    what: PhantomData<T>,
}

/// How far a search has come.
pub(crate) struct SearchProgress {
    /// The last ID that was seen.
    last: Option<i64>,
    /// How many were seen.
    seen: usize,
    /// More than there can be.
    pub(crate) most: usize,
    /// A page that was not full was the last.
    pub(crate) ended: bool,
}

impl SearchProgress {
    pub(crate) fn nothing() -> Self {
        Self {
            last: None,
            seen: 0,
            most: MOST_PAGED,
            ended: false,
        }
    }

    /// Reads the next page, which holds `full` objects unless it is the last.
    pub(crate) fn read<T: Searchable>(
        &mut self,
        answer: &ApiResponse,
        full: u32,
    ) -> Result<Vec<T>, ManagerError> {
        let mut page: Vec<T> = answer.json::<T::Results>()?.into_iter().collect();
        self.ended = u32::try_from(page.len()).is_ok_and(|length| length < full);
        if self.ended {
            // Nothing comes after it, so its order matters to nobody but the reader.
            page.sort_by_key(T::id);
        }
        let grows = (self.last.into_iter().chain(page.iter().map(T::id)))
            .is_sorted_by(|one, next| one < next);
        self.last = page.last().map(T::id).or(self.last);
        self.seen += page.len();
        if !self.ended && self.seen >= self.most {
            let most = self.most;
            let reason = format!("the manager lists more than {most} of them, which cannot be");
            return Err(answer.unreadable(reason, None));
        }
        if !grows {
            let reason =
                "the manager's pages repeat IDs or are not in their order, so they would not end";
            return Err(answer.unreadable(reason.to_owned(), None));
        }
        Ok(page)
    }
}

impl<T: Searchable> Pages<'_, T> {
    /// The next page; none after the last. The first is never none.
    ///
    /// # Errors
    /// Also where pages do not come to an end: then the manager ignores what it is asked.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<T>>, ManagerError> {
        if self.reached.ended {
            return Ok(None);
        }
        let after = self.reached.last.map(Criterion::above);
        let filter = SearchFilter {
            max_items: T::PAGE,
            search_criteria: self.criteria.iter().copied().chain(after).collect(),
            sort_by_object_id: true,
        };
        let answer = self.signed_in.page(T::WHAT, T::PATH, &filter).await?;
        self.reached.read(&answer, T::PAGE).map(Some)
    }
}

impl SignedIn {
    /// What is the same whatever is searched, and so is compiled once.
    async fn page(
        &self,
        what: &'static str,
        path: &'static str,
        filter: &SearchFilter<'_>,
    ) -> Result<ApiResponse, ManagerError> {
        let request = ApiRequest::new(what, Method::POST, path, RetryPolicy::Read)
            .signed(&self.credentials)
            .json(filter)
            .listing();
        self.send(request).await
    }

    /// Everything that fulfils the criteria, page by page.
    pub(crate) fn pages<'a, T: Searchable>(
        &'a self,
        criteria: impl IntoIterator<Item = Criterion<'a>>,
    ) -> Pages<'a, T> {
        Pages {
            signed_in: self,
            criteria: criteria.into_iter().collect(),
            reached: SearchProgress::nothing(),
            what: PhantomData,
        }
    }

    /// Everything that fulfils `criterion`, or everything, in the order of IDs.
    ///
    /// # Errors
    /// See [`Pages::next`].
    pub(crate) async fn search<T: Searchable>(
        &self,
        criterion: Option<Criterion<'_>>,
    ) -> Result<Vec<T>, ManagerError> {
        let mut pages = self.pages(criterion);
        pages.reached.most = MOST;
        let (mut found, mut kept) = (Vec::new(), 0);
        while let Some(page) = pages.next().await? {
            kept += page.iter().map(T::weight).sum::<usize>();
            if kept > MOST_KEPT {
                let most = MOST_KEPT / 1024 / 1024;
                let message = format!("{}: the manager lists more than {most} MiB", T::WHAT);
                return Err(ManagerError::new(Cause::Unreadable, message, None));
            }
            found.extend(page);
        }
        Ok(found)
    }
}
