//! What is done to the documents of a chunk: judged one by one, written all at once, by the
//! statements that serve single documents as well.

use super::edits;
use super::former::Former;
use super::items::{Dealt, DueItem};
use super::running::{Deed, Running};
use crate::change::{ChangeError, Held, Move, delete_all, retry_all, retryable, write_moves};
use crate::events::{self, NewEvent};
use crate::{DatabaseTransaction, DbError, DocumentChanges};
use domain::{
    Document, DocumentId, ItemCode, ItemReason, JobId, Judgement, Limits, RunMode, Timestamp,
    Transition,
};

/// Versions that one chunk deletes at most, unless a single document has more: they are read.
const DELETED_VERSIONS: u32 = 5_000;

/// Values of metadata that one chunk writes at most, unless a single document has more: SQLite
/// keeps a word of each.
pub const EDITED_VALUES: usize = 5_000;

/// A chunk whose turn it is, with its documents, which are held.
pub struct Turn<'a> {
    /// The transaction of the chunk.
    pub transaction: &'a DatabaseTransaction,
    /// The operation.
    pub running: &'a Running,
    /// The items.
    pub items: &'a [DueItem],
    /// Those of their documents that are there and the owner's.
    pub held: &'a Held,
    /// What the operator allows.
    pub limits: &'a Limits,
    /// The present moment.
    pub now: Timestamp,
}

/// What became of the first items of a chunk, or of all, and which jobs that made necessary.
#[derive(Debug, Default)]
pub struct Acted {
    /// What became of them.
    pub dealt: Vec<Dealt>,
    /// Jobs that process versions.
    pub processing: Vec<JobId>,
    /// The job that removes bytes.
    pub removing: Option<JobId>,
}

impl From<Vec<Dealt>> for Acted {
    fn from(dealt: Vec<Dealt>) -> Self {
        Self {
            dealt,
            ..Self::default()
        }
    }
}

impl<'a> Turn<'a> {
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

    /// Whether it is done, or only said what would be.
    pub fn is_real(&self) -> bool {
        self.running.operation.mode == RunMode::Real
    }

    /// Items with their documents, and those that have none.
    pub fn found(&self) -> impl Iterator<Item = Result<(&'a DueItem, &'a Document), &'a DueItem>> {
        let document = |item: &'a DueItem| self.held.documents.get(&item.document);
        self.items
            .iter()
            .map(move |item| document(item).map(|document| (item, document)).ok_or(item))
    }

    /// An item without a document: there is none, or it can't be read.
    pub fn missing(&self, item: &DueItem) -> Dealt {
        let code = if self.held.unreadable.contains(&item.document) {
            ItemCode::Internal
        } else {
            ItemCode::NotFound
        };
        Dealt::failed(item, code)
    }

    /// An item that is done; its document was `former`.
    pub fn done(&self, item: &DueItem, document: &Document, former: Former) -> Dealt {
        if self.is_real() {
            Dealt::changed(item, former, document.revision + 1)
        } else {
            Dealt::succeeded(item)
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

    /// Writes moves and their events, unless this is a dry run.
    pub async fn write_moves(&self, moves: &[Move]) -> Result<(), DbError> {
        if moves.is_empty() || !self.is_real() {
            return Ok(());
        }
        write_moves(self.transaction, moves, self.now).await?;
        let events = moves.iter().map(|moved| (moved.document(), moved.event()));
        self.note(events).await
    }

    /// Writes events into timelines.
    pub async fn note(
        &self,
        events: impl Iterator<Item = (DocumentId, &'static str)>,
    ) -> Result<(), DbError> {
        let owner = self.running.operation.owner;
        let event = |(document, kind)| NewEvent {
            owner,
            document,
            kind,
            version: None,
        };
        let events: Vec<_> = events.map(event).collect();
        events::add(self.transaction, &events, self.now).await
    }

    async fn updates(&self, changes: &DocumentChanges) -> Result<Vec<Dealt>, DbError> {
        let (mut dealt, mut planned) = (Vec::new(), Vec::new());
        let mut values = 0;
        for found in self.found() {
            match found {
                Err(item) => dealt.push(self.missing(item)),
                Ok((item, before)) => match crate::change::edited(before, changes) {
                    Ok(None) => dealt.push(Dealt::skipped(item, ItemCode::Unchanged)),
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
