//! A resumable upload as its row describes it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use storage::{Growing, Writer};
use uuid::Uuid;

use crate::DbError;
use crate::change::Precondition;
use crate::tables::uploads::Model;
use domain::{
    ByteSize, DocumentId, DocumentName, MediaType, Metadata, Sha256, TicketId, Timestamp,
    UniqueName, UploadId, UploadProtocol, UploadStatus, UserId, Visibility, read_json,
};

/// A resumable upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Upload {
    /// Its id, which is that of the document it becomes.
    pub id: UploadId,
    /// Its owner.
    pub owner: UserId,
    /// The protocol that it was created by.
    pub protocol: UploadProtocol,
    /// Its status.
    pub status: UploadStatus,
    /// What it is to become.
    pub purpose: UploadPurpose,
    /// What its client said, to be repeated.
    pub said: UploadHeader,
    /// The durable bytes.
    pub offset: u64,
    /// All bytes, if known.
    pub length: Option<u64>,
    /// Whether it is complete with its length; else a request has to say so.
    pub ends: bool,
    /// The state of the digest after the durable bytes.
    pub digest: String,
    /// The digest that its client expects.
    pub expected: Option<Sha256>,
    /// The object that grows; `None` once it belongs to a document, or is gone.
    pub growing: Option<Growing>,
    /// The reserved bytes.
    pub reserved: u64,
    /// The number of the last request that wrote.
    pub fence: u64,
    /// Whether that request hasn't ended as far as the ledger knows.
    pub is_held: bool,
    /// The parts that it joins, in their order.
    pub joins: Option<Vec<UploadId>>,
    /// What it became.
    pub became: Option<Became>,
    /// The ticket that it was created by.
    pub ticket: Option<TicketId>,
    /// The most bytes, if that is less than for any document.
    pub max_bytes: Option<u64>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires, or is forgotten.
    pub expires_at: Timestamp,
}

/// Header fields of the request that created an upload, as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadHeader {
    /// `Upload-Metadata`
    pub metadata: String,
    /// `Upload-Concat`
    pub concat: String,
}

/// What an upload is to become.
#[derive(Clone, Debug, PartialEq)]
pub enum UploadPurpose {
    /// A document.
    Document {
        /// Its name.
        name: DocumentName,
        /// Its visibility.
        visibility: Visibility,
        /// Its metadata.
        metadata: Metadata,
        /// The declared media type.
        declared_type: Option<MediaType>,
    },
    /// A version of a document.
    Version {
        /// The document.
        document: DocumentId,
        /// The condition on its revision.
        precondition: Precondition,
        /// The declared media type.
        declared_type: Option<MediaType>,
    },
    /// A part of another upload.
    Part,
}

/// The document and version that an upload became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Became {
    /// The document.
    pub document: DocumentId,
    /// The number of the version.
    pub version: u32,
}

impl Upload {
    /// Whether it has all its bytes.
    #[must_use]
    pub fn has_all(&self) -> bool {
        self.ends && self.length == Some(self.offset)
    }

    /// Whether its time is over, although the sweep may not have come by. One that a request writes to
    /// goes on, and one with all its bytes becomes what it was to be.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        match self.status {
            UploadStatus::Expired => true,
            UploadStatus::Complete => false,
            UploadStatus::Open => {
                let waits = !self.is_held && !self.has_all() && self.joins.is_none();
                waits && self.expires_at <= now
            }
        }
    }

    /// On whose behalf its bytes are written.
    #[must_use]
    pub const fn writer(&self) -> Writer {
        match self.ticket {
            None => Writer::User(self.owner),
            Some(_) => Writer::Tickets(self.owner),
        }
    }
}

/// [`UploadPurpose`] as JSON. Its members are read by the constructors of the domain.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Written {
    Document {
        name: String,
        unique_name: Option<String>,
        is_public: bool,
        metadata: Value,
        declared_type: Option<String>,
    },
    Version {
        document: DocumentId,
        revisions: Option<Vec<u64>>,
        declared_type: Option<String>,
    },
    Part,
}

impl UploadPurpose {
    /// The name of the new document.
    #[must_use]
    pub const fn name(&self) -> Option<&DocumentName> {
        match self {
            Self::Document { name, .. } => Some(name),
            Self::Version { .. } | Self::Part => None,
        }
    }

    /// The document that gets a version.
    #[must_use]
    pub const fn document(&self) -> Option<DocumentId> {
        match self {
            Self::Version { document, .. } => Some(*document),
            Self::Document { .. } | Self::Part => None,
        }
    }

    /// How many documents it adds.
    pub(super) const fn documents(&self) -> i64 {
        matches!(self, Self::Document { .. }) as i64
    }

    pub(super) fn written(&self) -> Result<String, DbError> {
        let text = |declared: &Option<MediaType>| declared.as_ref().map(MediaType::to_string);
        let written = match self {
            Self::Document {
                name,
                visibility,
                metadata,
                declared_type,
            } => Written::Document {
                name: name.to_string(),
                unique_name: visibility.unique_name().map(UniqueName::to_string),
                is_public: visibility.is_public(),
                metadata: serde_json::to_value(metadata).map_err(|error| json_error(&error))?,
                declared_type: text(declared_type),
            },
            Self::Version {
                document,
                precondition,
                declared_type,
            } => Written::Version {
                document: *document,
                revisions: match precondition {
                    Precondition::None => None,
                    Precondition::OneOf(revisions) => Some(revisions.clone()),
                },
                declared_type: text(declared_type),
            },
            Self::Part => Written::Part,
        };
        serde_json::to_string(&written).map_err(|error| json_error(&error))
    }

    fn read(text: &str) -> Option<Self> {
        let declared = |declared: Option<String>| match declared {
            None => Some(None),
            Some(text) => text.parse().ok().map(Some),
        };
        Some(match read_json(text.as_bytes()).ok()? {
            Written::Document {
                name,
                unique_name,
                is_public,
                metadata,
                declared_type,
            } => {
                let unique_name = unique_name.map(|name| name.parse()).transpose().ok()?;
                Self::Document {
                    name: name.parse().ok()?,
                    visibility: Visibility::new(unique_name, is_public)?,
                    metadata: metadata.try_into().ok()?,
                    declared_type: declared(declared_type)?,
                }
            }
            Written::Version {
                document,
                revisions,
                declared_type,
            } => Self::Version {
                document,
                precondition: revisions.map_or(Precondition::None, Precondition::OneOf),
                declared_type: declared(declared_type)?,
            },
            Written::Part => Self::Part,
        })
    }
}

fn json_error(error: &serde_json::Error) -> DbError {
    sea_orm::DbErr::Json(error.to_string()).into()
}

/// A list of uploads as it is in a row.
pub(super) fn written_ids(ids: &[UploadId]) -> Result<String, DbError> {
    serde_json::to_string(ids).map_err(|error| json_error(&error))
}

/// The size of a column.
pub(super) fn bytes(column: i64) -> u64 {
    column.max(0).unsigned_abs()
}

/// A size for a column.
pub(super) fn column(bytes: u64) -> i64 {
    ByteSize::new(bytes).as_i64()
}

impl TryFrom<Model> for Upload {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let corrupt = |column| DbError::corrupt("uploads", column, row.id);
        let url = |text: &Option<String>, column| {
            let url = text.as_deref().map(str::parse).transpose();
            url.map_err(|_| corrupt(column))
        };
        let tail = url(&row.tail_url, "tail_url")?;
        let growing = url(&row.staged_url, "staged_url")?.map(|url| Growing {
            url,
            length: bytes(row.offset_bytes),
            tail,
            parts: row.parts.clone(),
            skipped: u32::try_from(row.skipped_parts).unwrap_or(u32::MAX),
        });
        let expected = row.expected_sha256.as_deref().map(str::parse).transpose();
        let joins = row.joins.as_deref().map(|text| read_json(text.as_bytes()));
        let version = row.version.map(u32::try_from).transpose();
        let became = row
            .document_id
            .zip(version.map_err(|_| corrupt("version"))?);
        Ok(Self {
            id: UploadId(row.id),
            owner: UserId(row.owner_id),
            protocol: row.protocol.parse().map_err(|_| corrupt("protocol"))?,
            status: row.status.parse().map_err(|_| corrupt("status"))?,
            purpose: UploadPurpose::read(&row.purpose).ok_or_else(|| corrupt("purpose"))?,
            offset: bytes(row.offset_bytes),
            length: row.length_bytes.map(bytes),
            ends: row.ends,
            expected: expected.map_err(|_| corrupt("expected_sha256"))?,
            growing,
            reserved: bytes(row.reserved_bytes),
            fence: bytes(row.fence),
            is_held: row.held_parts > 0,
            joins: joins.transpose().map_err(|_| corrupt("joins"))?,
            became: became.map(|(document, version): (Uuid, u32)| Became {
                document: DocumentId(document),
                version,
            }),
            ticket: row.ticket_id.map(TicketId),
            max_bytes: row.max_bytes.map(bytes),
            created_at: Timestamp::from_micros(row.created_at),
            expires_at: Timestamp::from_micros(row.expires_at),
            said: UploadHeader {
                metadata: row.metadata,
                concat: row.concat,
            },
            digest: row.digest,
        })
    }
}
