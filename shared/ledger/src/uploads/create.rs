//! Creates an upload: its length is reserved from the owner's quota in the same transaction.

use storage::Growing;

use super::error::UploadError;
use super::remove::end_untouched;
use super::upload::{Upload, UploadHeader, UploadPurpose, column, written_ids};
use crate::retry_on_conflict::retry_on_conflict;
use crate::tables::uploads::{self, Creation, Model};
use crate::tables::users::{self, Charge, QuotaCharge, charge_quota};
use crate::tickets::{has_uses, take_use};
use crate::{Commit, DatabaseTransaction};
use domain::{
    Hasher, Limits, Sha256, TicketId, Timestamp, UploadId, UploadLimits, UploadProtocol,
    UploadStatus, UserId,
};

/// An upload to be created.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// Its id.
    pub id: UploadId,
    /// Its owner.
    pub owner: UserId,
    /// The protocol.
    pub protocol: UploadProtocol,
    /// What it is to become.
    pub purpose: UploadPurpose,
    /// What its client said.
    pub said: UploadHeader,
    /// All bytes, if known.
    pub length: Option<u64>,
    /// The digest that its client expects.
    pub expected: Option<Sha256>,
    /// The object that will grow.
    pub growing: Growing,
    /// The parts that it joins, in their order. They hold the quota for its bytes.
    pub joins: Option<Vec<UploadId>>,
    /// The ticket by which it is uploaded, if that isn't its owner.
    pub ticket: Option<TicketId>,
    /// The most bytes, if that is less than for any document.
    pub max_bytes: Option<u64>,
    /// The current time.
    pub at: Timestamp,
}

/// Creates an upload.
pub async fn create_upload(
    on: &impl Commit<Upload>,
    new: &NewUpload,
    limits: &Limits,
) -> Result<Upload, UploadError> {
    retry_on_conflict(|| create(on, new, limits)).await
}

async fn create(
    on: &impl Commit<Upload>,
    new: &NewUpload,
    limits: &Limits,
) -> Result<Upload, UploadError> {
    let transaction = on.database().begin().await?;
    let mut row = row(new, limits)?;
    // One after the other, so that the open ones are counted once. What is charged is locked as well.
    let is_charged = new.ticket.is_none()
        && new.joins.is_none()
        && reserve(&transaction, limits, (&row, 0)).await?;
    if !is_charged && users::lock(&transaction, new.owner.0).await?.is_none() {
        return Err(UploadError::OwnerGone);
    }
    if let Some(ticket) = new.ticket
        && !has_uses(&transaction, ticket).await?
    {
        let creation = Creation {
            protocol: new.protocol.as_str(),
            metadata: &new.said.metadata,
            length: new.length.map(column),
        };
        end_untouched(&transaction, ticket, creation, new.at).await?;
    }
    check_places(&transaction, new, limits).await?;
    if let Some(parts) = &new.joins {
        let parts: Vec<_> = parts.iter().map(|part| part.0).collect();
        let by = (new.id.0, new.owner.0);
        if uploads::join(&transaction, by, &parts).await? != parts.len() as u64 {
            return Err(UploadError::PartNotReady);
        }
    }
    let mut moved = 0;
    if let Some(ticket) = new.ticket {
        let taken = take_use(&transaction, ticket, new.id, new.at).await?;
        let taken = taken.ok_or(UploadError::TicketOver)?;
        moved = taken.moved;
        // What the ticket reserves for a use counts until the upload has ended.
        row.reserved_bytes = row.reserved_bytes.max(taken.least);
    }
    if !is_charged && !reserve(&transaction, limits, (&row, moved)).await? {
        return Err(UploadError::QuotaExceeded);
    }
    let upload = Upload::try_from(row.clone())?;
    uploads::insert(&transaction, row).await?;
    on.commit(transaction, &upload).await?;
    Ok(upload)
}

/// Charges the owner with what the upload reserves, but for what was `moved` from its ticket. Returns
/// whether it fits.
async fn reserve(
    transaction: &DatabaseTransaction,
    limits: &Limits,
    (row, moved): (&Model, i64),
) -> Result<bool, UploadError> {
    let charge = QuotaCharge::of(Charge {
        reserved_bytes: row.reserved_bytes - moved,
        used_documents: row.reserved_documents,
        ..Charge::to(row.owner_id)
    });
    let fitting = charge_quota(transaction, limits, &[charge]).await?;
    Ok(!fitting.is_empty())
}

/// Refuses an upload if as many as allowed are open: of its ticket, or of its owner without tickets.
/// Deletes ended ones that are no longer kept.
async fn check_places(
    transaction: &DatabaseTransaction,
    new: &NewUpload,
    limits: &Limits,
) -> Result<(), UploadError> {
    let kept = UploadLimits::KEPT;
    let counted = uploads::count(transaction, new.owner, kept).await?;
    if let Some(ticket) = new.ticket {
        let most = limits.uploads.open_of_ticket();
        if uploads::count_open_of_ticket(transaction, ticket).await? >= most.into() {
            return Err(UploadError::TooManyOfTicket(most));
        }
    } else if counted.open >= i64::from(limits.uploads.open) {
        return Err(UploadError::TooMany(limits.uploads.open));
    }
    if counted.has_surplus {
        uploads::delete_surplus(transaction, new.owner.0, kept).await?;
    }
    Ok(())
}

fn row(new: &NewUpload, limits: &Limits) -> Result<Model, UploadError> {
    let reserved = match new.joins {
        None => new.length.unwrap_or(0),
        Some(_) => 0,
    };
    Ok(Model {
        id: new.id.0,
        owner_id: new.owner.0,
        protocol: new.protocol.as_str().to_owned(),
        status: UploadStatus::Open.as_str().to_owned(),
        name: new.purpose.name().map(ToString::to_string),
        purpose: new.purpose.written()?,
        metadata: new.said.metadata.clone(),
        concat: new.said.concat.clone(),
        offset_bytes: 0,
        length_bytes: new.length.map(column),
        ends: new.protocol == UploadProtocol::Tus,
        reserved_bytes: column(reserved),
        reserved_documents: new.purpose.documents(),
        digest: Hasher::default().state(),
        expected_sha256: new.expected.map(|digest| digest.to_string()),
        staged_url: Some(new.growing.url.to_string()),
        tail_url: None,
        parts: new.growing.parts.clone(),
        skipped_parts: 0,
        fence: 0,
        held_parts: 0,
        joins: new.joins.as_deref().map(written_ids).transpose()?,
        joined_by: None,
        document_id: None,
        version: None,
        ticket_id: new.ticket.map(|ticket| ticket.0),
        max_bytes: new.max_bytes.map(column),
        created_at: new.at.as_micros(),
        updated_at: new.at.as_micros(),
        expires_at: new.at.plus(limits.uploads.expires).as_micros(),
    })
}
