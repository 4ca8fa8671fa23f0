//! Applies an operation's action to a chunk: judges documents one by one, and writes all of them
//! at once, with the rules and statements that single requests use.

use super::active_chunk::{ActiveChunk, AppliedChunk, EDITED_VALUES};
use super::edits;
use super::item_outcome::ItemOutcome;
use super::limits::UndoSpace;
use super::previous_state::PreviousState;
use super::running_operation::BulkAction;
use crate::change::{ChangeError, Move, delete_all, retry_all, retryable};
use crate::{DbError, DocumentChanges};
use domain::{ItemCode, ItemReason, Transition, TransitionOutcome};

/// The most versions that one chunk deletes, unless a single document has more: they are read.
const DELETED_VERSIONS: u32 = 5_000;

/// The detail of an item whose document isn't changed because its previous state can't be kept.
const NO_UNDO_SPACE: &str =
    "There is no room to keep what the document was, which taking the operation back needs.";

impl ActiveChunk<'_> {
    /// Applies the action.
    ///
    /// `traces` returns the URLs at which the bytes of a staged upload may be.
    pub async fn apply(
        &self,
        traces: &(impl Fn(&str) -> Vec<String> + Send + Sync),
    ) -> Result<AppliedChunk, DbError> {
        match &self.running.action {
            BulkAction::Archive => self.move_all(Transition::Archive).await,
            BulkAction::Restore => self.move_all(Transition::Restore).await,
            BulkAction::Delete => self.delete_all(traces).await,
            BulkAction::Update(changes) => self.update_all(changes).await,
            BulkAction::Retry => self.retry_all().await,
            BulkAction::Undo => self.undo().await,
        }
    }

    async fn move_all(&self, verb: Transition) -> Result<AppliedChunk, DbError> {
        let (mut outcomes, mut moves) = (Vec::new(), Vec::new());
        for found in self.found() {
            outcomes.push(match found {
                Err(item) => self.missing(item),
                Ok((item, document)) => match document.lifecycle.status().judge(verb) {
                    TransitionOutcome::AlreadyThere => {
                        ItemOutcome::skipped(item, ItemCode::Unchanged)
                    }
                    TransitionOutcome::Refused(refused) => ItemOutcome::failed(item, refused),
                    TransitionOutcome::Changes(status) => {
                        moves.push(Move::new(document.id, status, self.now));
                        self.changed(item, document, PreviousState::moved(document))
                    }
                },
            });
        }
        let events = self.write_moves(&moves).await?;
        Ok((outcomes, events).into())
    }

    async fn update_all(&self, changes: &DocumentChanges) -> Result<AppliedChunk, DbError> {
        let (mut outcomes, mut planned) = (Vec::new(), Vec::new());
        let mut values = 0;
        for found in self.found() {
            match found {
                Err(item) => outcomes.push(self.missing(item)),
                Ok((item, before)) => match crate::change::edited(before, changes) {
                    Ok(None) => outcomes.push(ItemOutcome::skipped(item, ItemCode::Unchanged)),
                    Ok(Some(_)) if self.undo_space == UndoSpace::Full => {
                        let reason = ItemReason::new(ItemCode::QuotaExceeded, NO_UNDO_SPACE);
                        outcomes.push(ItemOutcome::failed(item, reason));
                    }
                    Ok(Some(after)) => {
                        values += after.metadata.values();
                        if values > EDITED_VALUES && !planned.is_empty() {
                            break;
                        }
                        planned.push(edits::Edit {
                            item,
                            before,
                            after,
                        });
                    }
                    Err(error) => outcomes.push(ItemOutcome::failed(item, reason(error)?)),
                },
            }
        }
        let (edited, events) = self.edit(planned).await?;
        outcomes.extend(edited);
        Ok((outcomes, events).into())
    }

    async fn delete_all(
        &self,
        traces: &(impl Fn(&str) -> Vec<String> + Send + Sync),
    ) -> Result<AppliedChunk, DbError> {
        let (mut outcomes, mut deleted) = (Vec::new(), Vec::new());
        let mut versions = 0;
        for found in self.found() {
            outcomes.push(match found {
                Err(item) => self.missing(item),
                Ok((item, document)) => {
                    versions += document.latest_version;
                    if versions > DELETED_VERSIONS && !deleted.is_empty() {
                        break;
                    }
                    deleted.push(document.id);
                    ItemOutcome::succeeded(item)
                }
            });
        }
        let removing = if deleted.is_empty() || !self.is_real() {
            None
        } else {
            let operation = &self.running.operation;
            let by = (operation.owner, Some(operation.id));
            Some(delete_all(self.transaction, by, &deleted, self.now, traces).await?)
        };
        Ok(AppliedChunk {
            removing,
            ..outcomes.into()
        })
    }

    async fn retry_all(&self) -> Result<AppliedChunk, DbError> {
        let (mut outcomes, mut asked) = (Vec::new(), Vec::new());
        for found in self.found() {
            match found {
                Err(item) => outcomes.push(self.missing(item)),
                Ok((item, document)) => {
                    let status = document.lifecycle.status();
                    if status.judge(Transition::Retry) == TransitionOutcome::AlreadyThere {
                        outcomes.push(ItemOutcome::skipped(item, ItemCode::Unchanged));
                    } else {
                        asked.push((item, document));
                    }
                }
            }
        }
        let owner = self.running.operation.owner;
        let documents: Vec<_> = asked.iter().map(|(_, document)| *document).collect();
        let judged = retryable(self.transaction, owner, &documents, self.limits).await?;
        let mut retried = Vec::new();
        for ((item, _), judged) in asked.into_iter().zip(judged) {
            outcomes.push(match judged {
                Err(error) => ItemOutcome::failed(item, reason(error)?),
                Ok(one) => {
                    retried.push(one);
                    ItemOutcome::succeeded(item)
                }
            });
        }
        if !self.is_real() {
            return Ok(outcomes.into());
        }
        let by = (owner, Some(self.running.operation.id));
        let processing = retry_all(self.transaction, by, &retried, self.limits, self.now).await;
        let processing = match processing {
            Err(ChangeError::Database(error)) => return Err(error),
            // The owner's row is locked since it was judged: nobody else has changed the counter.
            Err(_) => return Err(DbError::corrupt("users", "reserved_bytes", owner)),
            Ok(processing) => processing,
        };
        Ok(AppliedChunk {
            processing,
            ..outcomes.into()
        })
    }
}

/// The reason of an item for an error that a single request would answer with a problem.
fn reason(error: ChangeError) -> Result<ItemReason, DbError> {
    Ok(match error {
        ChangeError::Database(error) => return Err(error),
        ChangeError::IllegalTransition(refused) => refused.into(),
        ChangeError::NotFound => ItemCode::NotFound.into(),
        ChangeError::RevisionMismatch => ItemCode::RevisionMismatch.into(),
        ChangeError::NotRetryable => ItemCode::NotRetryable.into(),
        ChangeError::UniqueNameTaken => ItemCode::UniqueNameTaken.into(),
        ChangeError::QuotaExceeded | ChangeError::TooManyVersions(_) => {
            ItemCode::QuotaExceeded.into()
        }
        ChangeError::PublicWithoutName
        | ChangeError::Metadata(_)
        | ChangeError::NotActive
        | ChangeError::CurrentVersion
        | ChangeError::BytesDiscarded => ItemReason::new(ItemCode::Invalid, sentence(&error)),
    })
}

fn sentence(error: &ChangeError) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}
