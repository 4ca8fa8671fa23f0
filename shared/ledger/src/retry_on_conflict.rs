//! Retrying transactions that the database has ended in favour of others.

use super::DbError;

/// A database that ends one of two transactions in a deadlock lets the other one through: a second
/// attempt nearly always passes, and a fifth failure has another cause.
const MOST: u32 = 5;

/// Counts the attempts of one transaction.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConflictRetries(u32);

impl ConflictRetries {
    /// Counts an attempt that failed with `error`. Returns whether to make another one at once.
    pub const fn should_retry(&mut self, error: &DbError) -> bool {
        matches!(error, DbError::Conflict(_)) && self.count_failure()
    }

    /// Counts an attempt that failed, whatever the error. Returns whether another one is left.
    pub const fn count_failure(&mut self) -> bool {
        self.0 += 1;
        self.0 < MOST
    }
}

/// An error that may be one of the database.
pub(super) trait MayConflict {
    /// The error of the database, if it is one.
    fn database_error(&self) -> Option<&DbError>;
}

impl MayConflict for DbError {
    fn database_error(&self) -> Option<&DbError> {
        Some(self)
    }
}

/// Makes attempts until one doesn't end in a conflict. Each is a transaction of its own, so a
/// failed one leaves nothing.
pub(super) async fn retry_on_conflict<T, E, F>(attempt: impl Fn() -> F) -> Result<T, E>
where
    E: MayConflict,
    F: Future<Output = Result<T, E>>,
{
    let mut retries = ConflictRetries::default();
    loop {
        let answer = attempt().await;
        let error = answer.as_ref().err().and_then(MayConflict::database_error);
        if !error.is_some_and(|error| retries.should_retry(error)) {
            return answer;
        }
    }
}
