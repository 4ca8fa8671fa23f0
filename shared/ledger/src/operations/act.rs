//! What is done to the documents of a chunk: judged one by one, written all at once, by the
//! statements that serve single documents as well.

use super::edits;
use super::former::Former;
use super::items::Dealt;
use super::room::FormerRoom;
use super::running::Deed;
use super::turn::{Acted, EDITED_VALUES, Turn};
use crate::change::{ChangeError, Move, delete_all, retry_all, retryable};
use crate::{DbError, DocumentChanges};
use domain::{ItemCode, ItemReason, Judgement, Transition};

/// Versions that one chunk deletes at most, unless a single document has more: they are read.
const DELETED_VERSIONS: u32 = 5_000;

/// What an item is told whose document can't be changed for want of room for what it was.
const NO_FORMER_ROOM: &str =
    "There is no room to keep what the document was, which taking the operation back needs.";

impl Turn<'_> {
    /// Does to the chunk what the operation is for.
    ///
    /// `traces` says where the bytes of staged uploads may lie.
    pub async fn act(
        &self,
        traces: &(impl Fn(&str) -> Vec<String> + Send + Sync),
    ) -> Result<Acted, DbError> {
        match &self.running.deed {
            Deed::Archive => Ok(self.moves(Transition::Archive).await?.into()),
            Deed::Restore => Ok(self.moves(Transition::Restore).await?.into()),
            Deed::Delete => self.deletes(traces).await,
            Deed::Update(changes) => Ok(self.updates(changes).await?.into()),
            Deed::Retry => self.retries().await,
            Deed::Undo => Ok(self.ways_back().await?.into()),
        }
    }

    async fn moves(&self, verb: Transition) -> Result<Vec<Dealt>, DbError> {
        let (mut dealt, mut moves) = (Vec::new(), Vec::new());
        for found in self.found() {
            dealt.push(match found {
                Err(item) => self.missing(item),
                Ok((item, document)) => match document.lifecycle.status().judge(verb) {
                    Judgement::AlreadyThere => Dealt::skipped(item, ItemCode::Unchanged),
                    Judgement::Refused(refused) => Dealt::failed(item, refused),
                    Judgement::Leads(status) => {
                        moves.push(Move::new(document.id, status, self.now));
                        self.done(item, document, Former::place(document))
                    }
                },
            });
        }
        self.write_moves(&moves).await?;
        Ok(dealt)
    }

    async fn updates(&self, changes: &DocumentChanges) -> Result<Vec<Dealt>, DbError> {
        let (mut dealt, mut planned) = (Vec::new(), Vec::new());
        let mut values = 0;
        for found in self.found() {
            match found {
                Err(item) => dealt.push(self.missing(item)),
                Ok((item, before)) => match crate::change::edited(before, changes) {
                    Ok(None) => dealt.push(Dealt::skipped(item, ItemCode::Unchanged)),
                    Ok(Some(_)) if self.room == FormerRoom::Full => {
                        let reason = ItemReason::new(ItemCode::QuotaExceeded, NO_FORMER_ROOM);
                        dealt.push(Dealt::failed(item, reason));
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
                    Err(error) => dealt.push(Dealt::failed(item, reason(error)?)),
                },
            }
        }
        dealt.extend(self.edit(planned).await?);
        Ok(dealt)
    }

    async fn deletes(
        &self,
        traces: &(impl Fn(&str) -> Vec<String> + Send + Sync),
    ) -> Result<Acted, DbError> {
        let (mut dealt, mut deleted) = (Vec::new(), Vec::new());
        let mut versions = 0;
        for found in self.found() {
            dealt.push(match found {
                Err(item) => self.missing(item),
                Ok((item, document)) => {
                    versions += document.latest_version;
                    if versions > DELETED_VERSIONS && !deleted.is_empty() {
                        break;
                    }
                    deleted.push(document.id);
                    Dealt::succeeded(item)
                }
            });
        }
        let removing = if deleted.is_empty() || !self.is_real() {
            None
        } else {
            let (transaction, owner) = (self.transaction, self.running.operation.owner);
            Some(delete_all(transaction, owner, &deleted, self.now, traces).await?)
        };
        Ok(Acted {
            removing,
            ..dealt.into()
        })
    }

    async fn retries(&self) -> Result<Acted, DbError> {
        let (mut dealt, mut asked) = (Vec::new(), Vec::new());
        for found in self.found() {
            match found {
                Err(item) => dealt.push(self.missing(item)),
                Ok((item, document)) => {
                    let status = document.lifecycle.status();
                    if status.judge(Transition::Retry) == Judgement::AlreadyThere {
                        dealt.push(Dealt::skipped(item, ItemCode::Unchanged));
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
            dealt.push(match judged {
                Err(error) => Dealt::failed(item, reason(error)?),
                Ok(one) => {
                    retried.push(one);
                    Dealt::succeeded(item)
                }
            });
        }
        if !self.is_real() {
            return Ok(dealt.into());
        }
        let processing = retry_all(self.transaction, owner, &retried, self.limits, self.now).await;
        let processing = match processing {
            Err(ChangeError::Database(error)) => return Err(error),
            // What fits was locked: this is a counter that nobody else can have moved.
            Err(_) => return Err(DbError::corrupt("users", "reserved_bytes", owner)),
            Ok(processing) => processing,
        };
        Ok(Acted {
            processing,
            ..dealt.into()
        })
    }
}

/// What an item is told of a change that a single document would be refused by a problem.
fn reason(error: ChangeError) -> Result<ItemReason, DbError> {
    Ok(match error {
        ChangeError::Database(error) => return Err(error),
        ChangeError::IllegalTransition(refused) => refused.into(),
        ChangeError::NotFound => ItemCode::NotFound.into(),
        ChangeError::RevisionMismatch => ItemCode::RevisionMismatch.into(),
        ChangeError::NotRetryable => ItemCode::NotRetryable.into(),
        ChangeError::UniqueNameTaken => ItemCode::UniqueNameTaken.into(),
        ChangeError::QuotaExceeded => ItemCode::QuotaExceeded.into(),
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
