//! An answer to a create that is about another role than was asked for.

use super::{Failure, Transaction, answer_check};
use crate::error::{Error, ErrorKind};
use crate::journal::{Record, Work};
use crate::manager::ApiKey;

/// The role of a key that was created, where it is another than was asked for.
pub(super) fn of(record: &Record, key: &ApiKey) -> Option<i64> {
    let created = record.work == Work::Create;
    key.role_id()
        .filter(|role_id| created && record.role_id.is_some_and(|asked| asked != *role_id))
}

impl Transaction<'_> {
    /// A key that may do more than was asked for is a danger to whoever keeps it, and one that may do less is of no use: it is not
    /// handed over. Where nothing shows that the answer is about the key that was asked for, it is somebody's, and stays.
    pub(super) async fn refuse_role(&self, key: &ApiKey, role_id: i64, record: &Record) -> Failure {
        let asked = record.role_id.unwrap_or_default();
        let failure = format!(
            "the manager's answer is about a key with the role ID {role_id}, and {asked} was asked for"
        );
        if let Some(end) = answer_check::belongs_to_another_run(&failure, record, key) {
            return end;
        }
        match self.undo(key.id, record, &failure).await {
            Failure::RolledBack(error) => Failure::RolledBack(
                Error::new(ErrorKind::Unexpected, error.to_string())
                    .hint("ask whoever poll after the manager why it gives another role")
                    .key(key.id),
            ),
            open => open,
        }
    }
}
