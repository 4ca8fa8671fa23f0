//! The operator's limits, and the checks against them.

use super::{ByteSize, ErrorCode, MediaType, TypePolicy, UploadLimits};

/// What to do when name and content disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeMismatch {
    /// Keep the document and record it.
    Record,
    /// The document ends in `error`.
    Reject,
}

/// The operator's limits.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest document.
    pub max_document: ByteSize,
    /// The largest upload that is kept in the database until a worker has stored it.
    pub inline: ByteSize,
    /// The byte quota of users without their own.
    pub default_quota_bytes: ByteSize,
    /// The document quota of users without their own.
    pub default_quota_documents: u32,
    /// Which detected types may be kept.
    pub types: TypePolicy,
    /// What to do when a name contradicts the content.
    pub type_mismatch: TypeMismatch,
    /// Limits of imports.
    pub imports: ImportLimits,
    /// Limits of a user's bulk operations.
    pub operations: OperationLimits,
    /// Limits of a user's resumable uploads.
    pub uploads: UploadLimits,
    /// Disk space of users beside their quota.
    pub allowances: Allowances,
    /// Limits on rows that have no bytes of their own.
    pub rows: RowLimits,
}

/// Limits on rows that have no bytes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowLimits {
    /// The maximum number of versions of a document, in any status.
    pub versions: u32,
    /// The maximum number of idempotency keys kept of a user, with answers of 4 KiB on average.
    pub keys: u32,
}

/// The defaults of the settings.
impl Default for RowLimits {
    fn default() -> Self {
        Self {
            versions: 10_000,
            keys: 100_000,
        }
    }
}

/// Limits of imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportLimits {
    /// The most entries of its archive.
    pub entries: u32,
    /// The most bytes, compressed or uncompressed.
    pub bytes: ByteSize,
    /// The highest compression ratio.
    pub ratio: u32,
}

/// The defaults of the settings.
impl Default for ImportLimits {
    fn default() -> Self {
        Self {
            entries: 100_000,
            bytes: ByteSize::new(50 << 30),
            ratio: 200,
        }
    }
}

/// Limits of a user's bulk operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationLimits {
    /// The most unfinished operations.
    pub open: u32,
    /// The most kept operations, unfinished ones included.
    pub kept: u32,
    /// The most items of all of them.
    pub items: u32,
    /// The most bytes of undo data.
    pub before: ByteSize,
}

/// The defaults of the settings.
impl Default for OperationLimits {
    fn default() -> Self {
        Self {
            open: 100,
            kept: 10_000,
            items: 2_000_000,
            before: ByteSize::gibibytes(2),
        }
    }
}

/// Disk space of a user beside the quota; `None` is derived from the quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowances {
    /// Uploads in progress, imported archives, and bytes of failed uploads.
    pub staging: Option<ByteSize>,
    /// Archives of exports.
    pub results: Option<ByteSize>,
}

impl Allowances {
    /// The minimum of an allowance beyond the quota, so that users with a tiny quota can import and
    /// export.
    pub const FLOOR: ByteSize = ByteSize::mebibytes(16);

    /// The part of the staging allowance for bytes that a policy of the operator refused.
    pub const REFUSED: ByteSize = ByteSize::mebibytes(1);

    /// The minimum charge of a discarded object: a block of a disk.
    pub const BLOCK: u64 = 4 << 10;

    /// The minimum of the limit of failed versions, which otherwise is that of documents.
    pub const FAILED_VERSIONS: u32 = 1_000;

    /// The quota, plus room for what an archive contains besides the bytes of its documents.
    pub(super) fn beside(quota: ByteSize) -> ByteSize {
        let bytes = quota.bytes();
        ByteSize::new(
            bytes
                .saturating_add(bytes / 16)
                .saturating_add(Self::FLOOR.bytes()),
        )
    }
}

/// The error code of a refused document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused: {0}")]
pub struct Refusal(pub ErrorCode);

impl Limits {
    /// Checks a detected document; quota is checked where it is counted.
    pub fn judge(
        &self,
        size: ByteSize,
        detected: &MediaType,
        mismatch: bool,
    ) -> Result<(), Refusal> {
        if size > self.max_document {
            return Err(Refusal(ErrorCode::TooLarge));
        }
        if !self.types.permits(detected) {
            return Err(Refusal(ErrorCode::TypeNotAllowed));
        }
        if mismatch && self.type_mismatch == TypeMismatch::Reject {
            return Err(Refusal(ErrorCode::TypeMismatch));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_its_code() {
        let limits = Limits {
            max_document: ByteSize::new(10),
            inline: ByteSize::ZERO,
            default_quota_bytes: ByteSize::new(100),
            default_quota_documents: 10,
            types: TypePolicy {
                allowed: vec!["image/*".parse().unwrap()],
                blocked: vec![],
            },
            type_mismatch: TypeMismatch::Reject,
            imports: ImportLimits::default(),
            operations: OperationLimits::default(),
            uploads: UploadLimits::default(),
            allowances: Allowances::default(),
            rows: RowLimits::default(),
        };
        let png: MediaType = "image/png".parse().unwrap();
        let pdf: MediaType = "application/pdf".parse().unwrap();
        assert_eq!(limits.judge(ByteSize::new(10), &png, false), Ok(()));
        assert_eq!(
            limits.judge(ByteSize::new(11), &png, false),
            Err(Refusal(ErrorCode::TooLarge))
        );
        assert_eq!(
            limits.judge(ByteSize::new(1), &pdf, false),
            Err(Refusal(ErrorCode::TypeNotAllowed))
        );
        assert_eq!(
            limits.judge(ByteSize::new(1), &png, true),
            Err(Refusal(ErrorCode::TypeMismatch))
        );
    }
}
