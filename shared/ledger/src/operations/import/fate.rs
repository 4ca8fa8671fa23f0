//! What becomes of each arrival of a chunk, and how that is written to the items.

use url::Url;
use uuid::Uuid;

use super::arrival::HandIn;
use crate::operations::items::{Dealt, DueItem, record};
use crate::tables::operation_items::{self, VersionRow};
use crate::tables::operations;
use crate::{DatabaseTransaction, DbError, IntakeRefusal};
use domain::{DocumentId, DocumentName, ItemCode};

/// What becomes of an arrival.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// It becomes a document of this name.
    Document(DocumentName, DocumentId),
    /// It becomes versions of that document.
    Versions(DocumentId),
    /// It was taken in; its last version has this number.
    Taken(DocumentId, u32),
    /// It is left alone.
    Skipped(ItemCode),
    /// It can't be taken in.
    Failed(ItemCode),
}

/// Writes what became of the items, and how far the operation is; gives the bytes that
/// became nothing.
pub(super) async fn write_fates(
    transaction: &DatabaseTransaction,
    request: &HandIn<'_>,
    fates: &[Fate],
) -> Result<Vec<Url>, DbError> {
    let (mut dealt, mut taken) = (Vec::new(), Vec::new());
    for (arrival, fate) in request.arrivals.iter().zip(fates) {
        let item = DueItem {
            position: arrival.position,
            document: DocumentId(Uuid::nil()),
            former: None,
        };
        match fate {
            Fate::Taken(document, number) => taken.push(VersionRow {
                position: arrival.position,
                document_id: document.0,
                version: *number,
            }),
            Fate::Skipped(code) => dealt.push(Dealt::skipped(&item, *code)),
            Fate::Failed(code) => dealt.push(Dealt::failed(&item, *code)),
            Fate::Document(..) | Fate::Versions(_) => {
                dealt.push(Dealt::failed(&item, ItemCode::Internal));
            }
        }
    }
    let operation = request.operation;
    if !dealt.is_empty() {
        let tally = record(transaction, operation, &dealt).await?;
        operations::count_items(transaction, operation, tally).await?;
    }
    operation_items::write_versions(transaction, operation, &taken).await?;
    if let Some(last) = request.arrivals.last() {
        operations::set_next_position(transaction, operation, last.position + 1).await?;
    }
    let unused = request.arrivals.iter().zip(fates);
    let unused = unused.filter(|(_, fate)| !matches!(fate, Fate::Taken(..)));
    Ok(unused.flat_map(|(arrival, _)| arrival.staged()).collect())
}

impl Fate {
    /// The document that gets versions of it.
    pub(super) fn target(&self) -> Option<DocumentId> {
        match self {
            Self::Versions(id) => Some(*id),
            _ => None,
        }
    }
}

/// What its owner is told of an arrival that the intake refused.
pub(super) fn code_of(refusal: IntakeRefusal) -> ItemCode {
    match refusal {
        IntakeRefusal::QuotaExceeded => ItemCode::QuotaExceeded,
        IntakeRefusal::UniqueNameTaken => ItemCode::UniqueNameTaken,
        IntakeRefusal::OwnerGone | IntakeRefusal::BytesDiscarded => ItemCode::Internal,
    }
}
