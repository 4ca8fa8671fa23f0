//! Removing versions, however many: what they held is given back in the transaction that
//! removes them. Whoever removes versions or documents calls this.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::batch::{Columns, Kind, execute, parameter, query};
use super::discards::Discard;
use super::events::NewEvent;
use super::readable::unreadable;
use super::tables::users::Charges;
use super::{DatabaseTransaction, DbError, discards, events};
use domain::{DocumentId, Timestamp, UserId, VersionStatus};

/// A version that was removed.
#[derive(Debug)]
pub(super) struct Removed {
    owner: UserId,
    document: DocumentId,
    /// `None` if it can't be read.
    number: Option<u32>,
}

impl Removed {
    /// Whose it was, and of which document.
    pub(super) const fn of(&self) -> (UserId, DocumentId) {
        (self.owner, self.document)
    }
}

/// What removed versions and documents held of their owners' quota, of content and in staging.
#[derive(Debug, Default)]
pub(super) struct Held {
    charges: Charges,
    /// References by content, and who had one of them.
    blobs: BTreeMap<Uuid, (i64, Uuid)>,
    /// Where bytes were staged, whose they are, and how many.
    staged: Vec<(String, Uuid, i64)>,
}

const BLOBS: &Columns = &[("id", Kind::Uuid), ("refs", Kind::Integer)];

#[derive(Debug, Serialize)]
struct BlobRow {
    id: Uuid,
    refs: i64,
}

/// Deletes the versions whose ids `subquery` gives, with `$1` as its parameter. The caller has
/// locked their documents.
pub(super) async fn delete_versions(
    transaction: &DatabaseTransaction,
    subquery: &str,
    parameter: impl Into<sea_orm::Value>,
) -> Result<(Vec<Removed>, Held), DbError> {
    let sql = format!(
        "DELETE FROM versions WHERE id IN ({subquery}) \
         RETURNING id, owner_id, document_id, number, status, size_bytes, blob_id, staged_url"
    );
    let (mut removed, mut held) = (Vec::new(), Held::default());
    for row in query(transaction, sql, [parameter.into()]).await? {
        let id: Uuid = row.try_get("", "id")?;
        let owner_id: Uuid = row.try_get("", "owner_id")?;
        let number: i64 = row.try_get("", "number")?;
        let (size, status): (i64, String) =
            (row.try_get("", "size_bytes")?, row.try_get("", "status")?);
        removed.push(Removed {
            owner: UserId(owner_id),
            document: DocumentId(row.try_get("", "document_id")?),
            number: u32::try_from(number).ok(),
        });
        let staged: Option<String> = row.try_get("", "staged_url")?;
        let charge = held.charges.to(owner_id);
        match status.parse() {
            Ok(VersionStatus::Active) => charge.used_bytes -= size,
            Ok(VersionStatus::Pending) => charge.reserved_bytes -= size,
            Ok(VersionStatus::Error) => {
                charge.failed_versions -= 1;
                charge.staging_bytes -= staged.as_ref().map_or(0, |_| size);
            }
            // What it was charged to is found by the audit.
            Err(_) => unreadable(&DbError::corrupt("versions", "status", id)),
        }
        if let Some(blob) = row.try_get::<Option<Uuid>>("", "blob_id")? {
            held.blobs.entry(blob).or_insert((0, owner_id)).0 += 1;
        }
        held.staged.extend(staged.map(|url| (url, owner_id, size)));
    }
    Ok((removed, held))
}

/// Deletes documents with all their versions. The caller has locked them, and gives back what
/// they held.
pub(super) async fn delete_documents(
    transaction: &DatabaseTransaction,
    documents: &[Uuid],
) -> Result<Held, DbError> {
    let wanted = transaction.dialect().ids();
    let versions = format!("SELECT v.id FROM versions v WHERE v.document_id IN ({wanted})");
    let (_, mut held) = delete_versions(transaction, &versions, parameter(documents)?).await?;
    let sql = format!("DELETE FROM documents WHERE id IN ({wanted}) RETURNING owner_id, status");
    for row in query(transaction, sql, [parameter(documents)?]).await? {
        let (owner, status): (Uuid, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        // Those in `error` are not counted.
        held.charges.to(owner).used_documents -= i64::from(status != "error");
    }
    Ok(held)
}

/// Writes into the timelines of their documents that versions were removed.
pub(super) async fn note_removed(
    transaction: &DatabaseTransaction,
    removed: &[Removed],
    now: Timestamp,
) -> Result<(), DbError> {
    let event = |version: &Removed| NewEvent {
        owner: version.owner,
        document: version.document,
        kind: "version_deleted",
        version: version.number,
    };
    let noted: Vec<_> = removed.iter().map(event).collect();
    events::add(transaction, &noted, now).await
}

impl Held {
    /// Gives all of it back: bytes are discarded, content loses references and goes with the
    /// last one, quota is released. Rows are locked in the order that holds everywhere.
    ///
    /// `traces` says where the bytes of a staged upload may lie.
    pub(super) async fn give_back(
        mut self,
        transaction: &DatabaseTransaction,
        now: Timestamp,
        traces: impl Fn(&str) -> Vec<String> + Send,
    ) -> Result<(), DbError> {
        let staged = std::mem::take(&mut self.staged).into_iter();
        let mut discarded: Vec<_> = staged
            .flat_map(|(url, owner, size)| Discard::at_any(owner, traces(&url), size))
            .collect();
        discarded.extend(release_blobs(transaction, &self.blobs).await?);
        discards::add_charged(transaction, &discarded, &mut self.charges, now).await?;
        self.charges.write(transaction).await
    }
}

/// Takes references from content. Gives the bytes of what has none any more: they are charged to
/// one of those who had the last ones.
async fn release_blobs(
    transaction: &DatabaseTransaction,
    blobs: &BTreeMap<Uuid, (i64, Uuid)>,
) -> Result<Vec<Discard>, DbError> {
    if blobs.is_empty() {
        return Ok(Vec::new());
    }
    let owners = blobs;
    let blobs = owners.iter().map(|(id, (refs, _))| BlobRow {
        id: *id,
        refs: *refs,
    });
    let blobs: Vec<_> = blobs.collect();
    let dialect = transaction.dialect();
    let wanted: Vec<_> = blobs.iter().map(|blob| blob.id).collect();
    let (wanted, list) = (parameter(&wanted)?, dialect.rows(BLOBS));
    if dialect.locks_rows() {
        let hold = format!(
            "SELECT id FROM blobs WHERE id IN ({}) ORDER BY sha256, size_bytes FOR UPDATE",
            dialect.ids()
        );
        query(transaction, hold, [wanted.clone()]).await?;
    }
    let release =
        format!("UPDATE blobs SET refs = blobs.refs - x.refs FROM {list} WHERE blobs.id = x.id");
    execute(transaction, release, [parameter(&blobs)?]).await?;
    let gone = format!(
        "DELETE FROM blobs WHERE id IN ({}) AND refs = 0 RETURNING id, storage_url, size_bytes",
        dialect.ids()
    );
    let mut discarded = Vec::new();
    for row in query(transaction, gone, [wanted]).await? {
        let id: Uuid = row.try_get_by_index(0)?;
        let (url, size): (String, i64) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        if let Some((_, owner)) = owners.get(&id) {
            discarded.push(Discard::of(*owner, url, size));
        }
    }
    Ok(discarded)
}
