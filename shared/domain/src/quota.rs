//! Quotas: a user's own limits, and the effective ones.

use super::{Allowances, ByteSize, Limits};

/// A user's own limits; `None` is the service's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Bytes, used and reserved together.
    pub bytes: Option<ByteSize>,
    /// Documents in every status but `error`.
    pub documents: Option<u32>,
}

impl Quota {
    /// The byte limit in force.
    #[must_use]
    pub fn byte_limit(&self, limits: &Limits) -> ByteSize {
        self.bytes.unwrap_or(limits.default_quota_bytes)
    }

    /// The document limit in force.
    #[must_use]
    pub fn document_limit(&self, limits: &Limits) -> u32 {
        self.documents.unwrap_or(limits.default_quota_documents)
    }
}

impl Limits {
    /// The staging allowance of a user with this quota.
    #[must_use]
    pub fn staging_allowance(&self, quota: &Quota) -> ByteSize {
        let fixed = self.allowances.staging;
        fixed.unwrap_or_else(|| Allowances::beside(quota.byte_limit(self)))
    }

    /// The discarded bytes of a user with this quota that may wait for removal before uploads are
    /// refused: as many as the quota, whatever the size of the documents.
    #[must_use]
    pub fn removal_allowance(&self, quota: &Quota) -> ByteSize {
        let blocks = u64::from(quota.document_limit(self)).saturating_mul(Allowances::BLOCK);
        let beside = Allowances::beside(quota.byte_limit(self)).bytes();
        ByteSize::new(beside.saturating_add(blocks))
    }

    /// The result allowance of a user with this quota.
    #[must_use]
    pub fn result_allowance(&self, quota: &Quota) -> ByteSize {
        let fixed = self.allowances.results;
        fixed.unwrap_or_else(|| Allowances::beside(quota.byte_limit(self)))
    }

    /// The maximum number of failed versions of a user with this quota.
    #[must_use]
    pub fn failed_version_limit(&self, quota: &Quota) -> u32 {
        quota.document_limit(self).max(Allowances::FAILED_VERSIONS)
    }
}
