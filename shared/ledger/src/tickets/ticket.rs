//! A ticket as its row describes it.

use crate::DbError;
use crate::tables::tickets::Model;
use domain::{
    ByteSize, DocumentName, Metadata, TicketId, TicketStatus, Timestamp, TypePattern, UserId,
    read_json,
};

/// A ticket: what somebody without a key may upload as its owner.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// Its owner.
    pub owner: UserId,
    /// The name of the documents; `None` leaves it to the uploader.
    pub name: Option<DocumentName>,
    /// Their metadata.
    pub metadata: Metadata,
    /// How many uploads it was made for.
    pub uses: u32,
    /// How many are left.
    pub uses_left: u32,
    /// The most bytes of one.
    pub max_bytes: Option<ByteSize>,
    /// The types that are allowed; all if empty.
    pub allowed_types: Vec<TypePattern>,
    /// The origin whose scripts may upload.
    pub cors_origin: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when uploads may begin.
    pub expires_at: Timestamp,
}

impl Ticket {
    /// Returns its status at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> TicketStatus {
        if self.revoked_at.is_some() {
            TicketStatus::Revoked
        } else if self.uses_left == 0 {
            TicketStatus::Used
        } else if self.expires_at <= now {
            TicketStatus::Expired
        } else {
            TicketStatus::Open
        }
    }

    /// What it reserves for one use.
    pub(super) fn reservation(&self) -> i64 {
        self.max_bytes.map_or(0, ByteSize::as_i64)
    }
}

/// Types as they are in a row.
pub(crate) fn read_types(text: &str) -> Option<Vec<TypePattern>> {
    let types: Vec<String> = read_json(text.as_bytes()).ok()?;
    let types = types.iter().map(|pattern| pattern.parse().ok());
    types.collect()
}

impl TryFrom<Model> for Ticket {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let corrupt = |column| DbError::corrupt("tickets", column, row.id);
        let name = row.name.as_deref().map(str::parse).transpose();
        let metadata: serde_json::Value =
            read_json(row.metadata.as_bytes()).map_err(|_| corrupt("metadata"))?;
        let count =
            |column: &'static str, value: i64| u32::try_from(value).map_err(|_| corrupt(column));
        Ok(Self {
            id: TicketId(row.id),
            owner: UserId(row.owner_id),
            name: name.map_err(|_| corrupt("name"))?,
            metadata: metadata.try_into().map_err(|_| corrupt("metadata"))?,
            uses: count("uses", row.uses)?,
            uses_left: count("uses_left", row.uses_left)?,
            max_bytes: row
                .max_bytes
                .map(|bytes| ByteSize::new(bytes.unsigned_abs())),
            allowed_types: read_types(&row.allowed_types)
                .ok_or_else(|| corrupt("allowed_types"))?,
            cors_origin: row.cors_origin,
            revoked_at: row.revoked_at.map(Timestamp::from_micros),
            created_at: Timestamp::from_micros(row.created_at),
            expires_at: Timestamp::from_micros(row.expires_at),
        })
    }
}
