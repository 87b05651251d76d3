//! The key of a record that another run left.

use std::time::Duration;

use super::reconcile;
use super::reconcile::{Created, Question};
use super::{is_like, lookup, ownership};
use crate::error::{Error, ErrorKind};
use crate::journal::{Record, Work};
use crate::manager::{ApiKey, SignedIn};

/// What became of a create whose record a run left: its key's ID, if it made one that is provably its own.
///
/// # Errors
/// Where that cannot be said; the record must stay.
pub(crate) async fn key_of(
    signed_in: &SignedIn,
    record: &Record,
    wait: Duration,
) -> Result<Option<i64>, Error> {
    let question = Question {
        wait,
        refused: false,
    };
    match reconcile::of_create(signed_in, record, question).await {
        Created::Ours(id, _) => Ok(Some(id)),
        Created::Not => Ok(None),
        Created::MayNotLook(why) | Created::Unknown(why) => Err(Error::new(
            ErrorKind::Attention,
            format!(
                "it is not known whether the key `{}` was created: {why}",
                record.key_name
            ),
        )),
    }
}

/// Whether the key with the ID that stands in a record is the one that the record is about.
pub(crate) fn is_the_one(signed_in: &SignedIn, record: &Record, key: &ApiKey) -> bool {
    if record.work == Work::Rekey {
        let name = key.name().unwrap_or(&record.key_name);
        return name == record.key_name || is_like(&record.key_name, name);
    }
    ownership::is_the_one(record, lookup::since(signed_in, record), key)
}

/// Whether a key was created when the operation was under way, as far as the manager shows that.
pub(crate) fn is_of_its_time(signed_in: &SignedIn, record: &Record, key: &ApiKey) -> bool {
    ownership::is_of_its_time(lookup::since(signed_in, record), key)
}
