//! Searches roles, keys and administrators, page by page (docs/manager-api.md, "Search").

use std::marker::PhantomData;

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::manager::client::SignedIn;
use crate::manager::error::{Cause, ManagerError};
use crate::manager::http::request::ApiRequest;
use crate::manager::http::response::ApiResponse;
use crate::manager::http::retry::RetryPolicy;
use crate::terminal::progress::Step;

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

/// A condition of a search. Each result meets all conditions of the search.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum Criterion<'a> {
    #[serde(rename_all = "camelCase")]
    Text {
        field_name: &'a str,
        string_test: &'a str,
        string_value: &'a str,
        /// True if `%` and `_` are wildcards. Without this field, the manager uses wildcards even for the test `equal`: a search for `Dev_Read` would
        /// also find `DevXRead`. So this field is always sent.
        string_wildcards: bool,
    },
    #[serde(rename_all = "camelCase")]
    Number {
        field_name: &'a str,
        numeric_test: &'a str,
        numeric_value: i64,
    },
    /// The condition that a date field is in a range. The range includes its first and its last date.
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
    /// Returns the condition that a field is equal to a string.
    pub(crate) fn equals(field_name: &'a str, string_value: &'a str) -> Self {
        Self::Text {
            field_name,
            string_test: "equal",
            string_value,
            string_wildcards: false,
        }
    }

    /// Returns the condition that the ID of an object is equal to `id_value`.
    pub(crate) fn id(id_value: i64) -> Self {
        Self::Id {
            id_test: "equal",
            id_value,
        }
    }

    /// Returns the condition that the ID of an object is greater than `id_value`.
    pub(crate) fn above(id_value: i64) -> Self {
        Self::Id {
            id_test: "greater-than",
            id_value,
        }
    }

    /// Returns the condition that a field is equal to a number.
    pub(crate) fn number(field_name: &'a str, numeric_value: i64) -> Self {
        Self::Number {
            field_name,
            numeric_test: "equal",
            numeric_value,
        }
    }

    /// Returns the condition that a field matches a pattern: `%` matches any text, and `_` matches one character.
    pub(crate) fn like(field_name: &'a str, string_value: &'a str) -> Self {
        Self::Text {
            field_name,
            string_test: "equal",
            string_value,
            string_wildcards: true,
        }
    }
}

/// The maximum number of search results in memory. Real managers have fewer objects, but a hostile server could fill the memory.
const MAX_OBJECTS: usize = 200_000;
/// The maximum number of objects that a search reads page by page. Without this limit, a hostile server could send pages without end.
const MAX_OBJECTS_PAGED: usize = 10_000_000;

/// The maximum total size of the search results in memory. It is enough for 2000 roles with all their rights.
pub(crate) const MAX_BYTES_HELD: usize = 16 * 1024 * 1024;

/// A type of object that the manager can search for.
pub(crate) trait Searchable: DeserializeOwned {
    /// The path of the search.
    const PATH: &'static str;
    /// The number of objects per page. A page with this number of objects takes at most about half of the maximum size of a response.
    const PAGE: u32;
    /// The purpose of the search, such as `search keys`. It follows `could not` in messages.
    const ACTION: &'static str;
    /// The body of the response to a search.
    type Results: DeserializeOwned + IntoIterator<Item = Self>;

    /// Returns the ID.
    fn id(&self) -> i64;

    /// Returns the approximate size of the object in memory.
    fn weight(&self) -> usize;
}

/// The results of a search, page by page, sorted by ID. Only one page is in memory at a time.
pub(crate) struct Pages<'a, T: Searchable> {
    signed_in: &'a SignedIn,
    criteria: Vec<Criterion<'a>>,
    progress: SearchProgress,
    /// The progress step that shows the number of objects read so far. `None` before the first page and after the last page.
    step: Option<Step>,
    object: PhantomData<T>,
}

/// The progress of a search.
pub(crate) struct SearchProgress {
    /// The ID of the last object that was read.
    last: Option<i64>,
    /// The number of objects that have been read so far.
    count: usize,
    /// The maximum number of objects. If there are more, the search fails.
    pub(crate) limit: usize,
    /// True if the last page was read. The first page that is not full is the last page.
    pub(crate) ended: bool,
}

impl SearchProgress {
    pub(crate) fn new() -> Self {
        Self {
            last: None,
            count: 0,
            limit: MAX_OBJECTS_PAGED,
            ended: false,
        }
    }

    /// Parses the next page. A page with fewer than `full` objects is the last page.
    pub(crate) fn read<T: Searchable>(
        &mut self,
        response: &ApiResponse,
        full: u32,
    ) -> Result<Vec<T>, ManagerError> {
        let mut page: Vec<T> = response.json::<T::Results>()?.into_iter().collect();
        self.ended = u32::try_from(page.len()).is_ok_and(|length| length < full);
        if self.ended {
            // A full page must arrive sorted by ID, because the next request asks for the IDs after the last ID of the page. No request follows the
            // last page. So the last page may arrive unsorted, and is sorted here.
            page.sort_by_cached_key(T::id);
        }
        let is_ascending = (self.last.into_iter().chain(page.iter().map(T::id)))
            .is_sorted_by(|one, next| one < next);
        self.last = page.last().map(T::id).or(self.last);
        self.count += page.len();
        if !self.ended && self.count >= self.limit {
            let limit = self.limit;
            let reason = format!("the manager lists more than {limit} objects");
            return Err(response.unreadable(reason, None));
        }
        if !is_ascending {
            let reason = "the manager's pages repeat IDs or are not sorted by ID, so the search would never end";
            return Err(response.unreadable(reason.to_owned(), None));
        }
        Ok(page)
    }
}

impl<T: Searchable> Pages<'_, T> {
    /// Returns true if the last page was read.
    pub(crate) fn ended(&self) -> bool {
        self.progress.ended
    }

    /// Returns the next page. `None` after the last page.
    ///
    /// # Errors
    /// Returns the error of the call. Also returns an error if the IDs do not increase from page to page, because the search would never end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<T>>, ManagerError> {
        if self.progress.ended {
            return Ok(None);
        }
        if self.step.is_none() {
            self.step = Some(self.signed_in.transport.begin_search(T::ACTION));
        }
        let after = self.progress.last.map(Criterion::above);
        let filter = SearchFilter {
            max_items: T::PAGE,
            search_criteria: self.criteria.iter().copied().chain(after).collect(),
            sort_by_object_id: true,
        };
        let response = self.signed_in.page(T::ACTION, T::PATH, &filter).await?;
        let page = self.progress.read(&response, T::PAGE)?;
        if self.progress.ended {
            self.step = None;
        } else if let Some(step) = &self.step {
            step.set_done(self.progress.count);
        }
        Ok(Some(page))
    }
}

impl SignedIn {
    /// Requests one page. This function is not generic, so it is compiled only once for all types of objects.
    async fn page(
        &self,
        action: &'static str,
        path: &'static str,
        filter: &SearchFilter<'_>,
    ) -> Result<ApiResponse, ManagerError> {
        let request = ApiRequest::new(action, Method::POST, path, RetryPolicy::Read)
            .json(filter)
            .listing();
        self.send(request).await
    }

    /// Returns the objects that meet all `criteria`, page by page.
    pub(crate) fn pages<'a, T: Searchable>(
        &'a self,
        criteria: impl IntoIterator<Item = Criterion<'a>>,
    ) -> Pages<'a, T> {
        Pages {
            signed_in: self,
            criteria: criteria.into_iter().collect(),
            progress: SearchProgress::new(),
            step: None,
            object: PhantomData,
        }
    }

    /// Returns the objects that meet `criterion`, sorted by ID. Without a criterion, returns all objects.
    ///
    /// # Errors
    /// See [`Pages::next`].
    pub(crate) async fn search<T: Searchable>(
        &self,
        criterion: Option<Criterion<'_>>,
    ) -> Result<Vec<T>, ManagerError> {
        let mut pages = self.pages(criterion);
        pages.progress.limit = MAX_OBJECTS;
        let (mut found, mut bytes) = (Vec::new(), 0);
        while let Some(page) = pages.next().await? {
            bytes += page.iter().map(T::weight).sum::<usize>();
            if bytes > MAX_BYTES_HELD {
                let limit = MAX_BYTES_HELD / 1024 / 1024;
                let message = format!(
                    "could not {}: the manager lists objects that need more than {limit} MiB of memory",
                    T::ACTION
                );
                return Err(ManagerError::new(Cause::Unreadable, message, None));
            }
            found.extend(page);
        }
        Ok(found)
    }
}
