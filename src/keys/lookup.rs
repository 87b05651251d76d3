//! Finds the key that a KEY argument selects. `N` and `id:N` select a key by its ID. `name:TEXT` and any other text select a key by its
//! name, which must be unique.

use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::manager::{ApiKey, Cause, KeyFilter, ManagerError, SignedIn};

use super::refusal::explain_refusal;
use super::roles::closest;

/// A KEY argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyRef<'a> {
    /// A key ID: only digits, or `id:` followed by digits.
    Id(i64),
    /// A key name: `name:` followed by any text, or any text that is not an ID.
    Name(&'a str),
}

/// The prefix that marks a KEY argument as an ID.
pub(crate) const ID: &str = "id:";
/// The prefix that marks a KEY argument as a name.
pub(crate) const NAME: &str = "name:";

impl<'a> KeyRef<'a> {
    /// Parses a KEY argument.
    ///
    /// # Errors
    /// Returns a usage error if the argument is not a valid ID or name.
    pub(crate) fn read(text: &'a str) -> Result<Self, Error> {
        if let Some(name) = text.strip_prefix(NAME) {
            return named(name);
        }
        match text.strip_prefix(ID) {
            Some(id) => identified(text, id),
            None if is_digits(text) => identified(text, text),
            None => named(text),
        }
    }
}

fn named(name: &str) -> Result<KeyRef<'_>, Error> {
    if name.is_empty() {
        return Err(Error::usage("the key name is empty", HOW));
    }
    Ok(KeyRef::Name(name))
}

fn identified<'a>(text: &str, id: &str) -> Result<KeyRef<'a>, Error> {
    let usage = |problem: &str| Error::usage(format!("`{text}` {problem}"), HOW);
    if !is_digits(id) {
        return Err(usage("contains no ID after `id:`"));
    }
    // IDs never start with 0. If `007` were read as 7, the command could act on the wrong key.
    if id.starts_with('0') {
        return Err(usage("is not an ID: an ID never starts with 0"));
    }
    (id.parse().map(KeyRef::Id)).map_err(|_| usage("is too long for an ID"))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the KEY argument that selects the key with this name.
pub(crate) fn by_its_name(name: &str) -> String {
    if is_ambiguous(name) {
        format!("{NAME}{name}")
    } else {
        name.to_owned()
    }
}

/// Returns the KEY argument that selects the key with this ID.
pub(crate) fn by_its_id(id: i64) -> String {
    format!("{ID}{id}")
}

/// Returns true if this name cannot be used as a KEY argument without the prefix `name:`. For example, `123` would be read as an ID.
pub(crate) fn is_ambiguous(name: &str) -> bool {
    is_digits(name) || name.starts_with(ID) || name.starts_with(NAME)
}

const HOW: &str =
    "pass an ID, a name, `id:N` or `name:TEXT`; run `swp-keys list-keys` to list the IDs and names";

/// Returns the key that the KEY argument `text` selects. A name must match exactly. This function checks the names in the search results,
/// because it is unknown how the manager compares names (docs/manager-api.md, "Search").
///
/// # Errors
/// Returns an error if several keys have the name, or if no key matches. If no key has the name, the hint suggests the closest name.
/// Returns the manager's error if the search fails.
pub(crate) async fn resolve(text: &str, access: Access<'_>) -> Result<ApiKey, Error> {
    match KeyRef::read(text)? {
        KeyRef::Id(id) => by_id(id, access).await,
        KeyRef::Name(name) => by_name(name, access).await,
    }
}

/// Returns the key with this ID.
///
/// # Errors
/// Returns an error if no key has this ID. Returns the manager's error if the read fails.
pub(crate) async fn by_id(id: i64, access: Access<'_>) -> Result<ApiKey, Error> {
    let looking = async { Ok(access.signed_in.api_key(id).await) };
    match access.context.signals.cancel(looking).await? {
        Ok(key) if key.id == id => Ok(key),
        Ok(key) => Err(Error::unexpected(format!(
            "the manager returned the key with ID {} instead of the key with ID {id}",
            key.id
        ))),
        Err(error) if *error.cause() == Cause::NotFound => Err(no_key(
            id,
            // The response may come from a gateway. A 404 from a gateway does not prove that the key is missing.
            (!error.is_from_manager()).then(|| error.to_string()),
        )),
        Err(error) => Err(error.into()),
    }
}

/// Returns the error for an ID that no key has. `message` replaces the usual message.
pub(crate) fn no_key(id: i64, message: Option<String>) -> Error {
    let message = message.unwrap_or_else(|| format!("there is no key with the ID {id}"));
    Error::new(ErrorKind::NotFound, message)
        .http(Some(404))
        .hint(format!(
            "run `swp-keys list-keys` to list the IDs, or use `name:{id}` to select a key by the name `{id}`"
        ))
        .key(id)
}

async fn by_name(name: &str, access: Access<'_>) -> Result<ApiKey, Error> {
    let search = async {
        let found = access.signed_in.api_keys_named(name).await;
        found.map_err(|error| explain(access.signed_in, error))
    };
    let found = access.context.signals.cancel(search).await?;
    let (mut exact, others): (Vec<ApiKey>, Vec<ApiKey>) =
        (found.into_iter()).partition(|key| key.name() == Some(name));
    match (exact.pop(), exact.len()) {
        (Some(key), 0) => Ok(key),
        (Some(last), _) => {
            exact.push(last);
            Err(several(name, &exact))
        }
        (None, _) => Err(not_found(name, &others, access).await),
    }
}

/// Returns the error for a name that several keys have.
pub(crate) fn several(name: &str, keys: &[ApiKey]) -> Error {
    let ids: Vec<_> = keys.iter().map(|key| key.id.to_string()).collect();
    let message = format!(
        "{} keys are named `{name}` (IDs {})",
        ids.len(),
        ids.join(", ")
    );
    Error::new(ErrorKind::Conflict, message).hint("select a key by its ID, such as `id:5`")
}

/// Returns the error for a name that no key has. Reads one page of keys to suggest a similar name.
async fn not_found(name: &str, others: &[ApiKey], access: Access<'_>) -> Error {
    let one_page = async {
        Ok(access
            .signed_in
            .api_keys(&KeyFilter::default())
            .next()
            .await?
            .unwrap_or_default())
    };
    let page = access
        .context
        .signals
        .cancel(one_page)
        .await
        .unwrap_or_default();
    let names = || others.iter().chain(&page).filter_map(ApiKey::name);
    let error = Error::new(
        ErrorKind::NotFound,
        format!("there is no key named `{name}`"),
    );
    let folded = name.trim().to_lowercase();
    if let Some(same) = names().find(|other| other.trim().to_lowercase() == folded) {
        return error.hint(format!("did you mean `{same}`? case and spaces must match"));
    }
    error.hint(match closest(name, names()) {
        Some(near) => format!("did you mean `{near}`? run `swp-keys list-keys` to list the keys"),
        None => "run `swp-keys list-keys` to list the keys".to_owned(),
    })
}

/// Adds a hint to the error of a key search: the permission to search keys may be missing. A run with a session gets this hint too, because it
/// is unknown whether every session has the permission (docs/manager-api.md, "Unknowns", no. 20).
pub(crate) fn explain(signed_in: &SignedIn, error: ManagerError) -> Error {
    let instead = "sign in with an API key that has permission to search keys (`--api-key-file`)";
    explain_refusal(signed_in, error, "search keys", instead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_an_id() {
        let read = |text| KeyRef::read(text).ok();
        assert_eq!(read("7"), Some(KeyRef::Id(7)));
        assert_eq!(read("id:7"), Some(KeyRef::Id(7)));
        for (text, name) in [("name:7", "7"), ("name:id:7", "id:7"), ("name: ci", " ci")] {
            assert_eq!(read(text), Some(KeyRef::Name(name)));
        }
        for name in ["ci", "7a", "-7", "+7", "7 ", "1e3", "٧", "0x7", "ID:7"] {
            assert_eq!(read(name), Some(KeyRef::Name(name)));
        }
        for text in [
            "",
            "007",
            "0",
            "99999999999999999999",
            "id:",
            "id:007",
            "id:ci",
            "name:",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
