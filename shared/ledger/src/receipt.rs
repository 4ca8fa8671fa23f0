//! Receipts: what a request with a key is answered, kept by the very transaction that makes its
//! change. So a change whose process dies is either not made, or has its answer.

use std::future::Future;

use super::tables::idempotency::{self, NewAnswer, RequestClaim, SavedAnswer};
use super::{Database, DatabaseTransaction, DbError};
use domain::Timestamp;

/// The answer of a request, as it stands when its change is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The request.
    pub claim: RequestClaim,
    /// What it is answered.
    pub answer: SavedAnswer,
    /// Until when its process may still find a better answer, as for those who wait. Whoever
    /// repeats the request before then is told that it is running.
    pub open_until: Option<Timestamp>,
}

impl Receipt {
    /// Counts its bytes, now that they are kept.
    pub(super) fn charge(&self, db: &Database) {
        let bytes = self.answer.body.len();
        db.keys().charge(self.claim.owner, bytes);
    }
}

/// How a change is made true: whoever makes one in a transaction ends the transaction by this,
/// and says what came of it.
pub trait Commit<T>: Sync {
    /// Where the change is made.
    fn database(&self) -> &Database;

    /// Commits. An error means that nothing was changed, or that nobody knows.
    fn commit(
        &self,
        transaction: DatabaseTransaction,
        made: &T,
    ) -> impl Future<Output = Result<(), DbError>> + Send;
}

/// A change that nobody has a key for.
impl<T: Sync> Commit<T> for Database {
    fn database(&self) -> &Database {
        self
    }

    async fn commit(&self, transaction: DatabaseTransaction, _: &T) -> Result<(), DbError> {
        Ok(transaction.commit().await?)
    }
}

/// A change whose answer is kept with it, if `receipt` gives one.
#[derive(Clone, Debug)]
pub struct WithReceipt<F> {
    /// Where the change is made.
    pub db: Database,
    /// What the change is answered.
    pub receipt: F,
}

impl<T, F, G> Commit<T> for WithReceipt<F>
where
    T: Sync,
    F: Fn(&T) -> G + Send + Sync,
    G: Future<Output = Option<Receipt>> + Send,
{
    fn database(&self) -> &Database {
        &self.db
    }

    async fn commit(&self, transaction: DatabaseTransaction, made: &T) -> Result<(), DbError> {
        let Some(receipt) = (self.receipt)(made).await else {
            return Ok(transaction.commit().await?);
        };
        keep_receipts(&transaction, std::slice::from_ref(&receipt)).await?;
        transaction.commit().await?;
        receipt.charge(&self.db);
        Ok(())
    }
}

/// Keeps the answers, last of all that a transaction does. Fails if one of the requests was
/// taken over: then another process makes its change, and this one must not.
pub(super) async fn keep_receipts(
    transaction: &DatabaseTransaction,
    receipts: &[Receipt],
) -> Result<(), DbError> {
    if receipts.is_empty() {
        return Ok(());
    }
    let answers = receipts.iter().map(|receipt| NewAnswer {
        claim: &receipt.claim,
        answer: &receipt.answer,
        open_until: receipt.open_until,
    });
    let kept = idempotency::keep_answers(transaction, answers).await?;
    if kept == receipts.len() as u64 {
        Ok(())
    } else {
        Err(DbError::TakenOver)
    }
}
