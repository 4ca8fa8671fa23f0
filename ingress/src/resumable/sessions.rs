//! Resumable uploads: what requests do with them, whatever their protocol.

use domain::{DocumentId, Status, Timestamp, UploadId, UploadStatus, UserId};
use ledger::{
    Became, Precondition, Upload, UploadError, UploadPurpose, find_document, find_upload,
    terminate_upload,
};
use poem::Request;
use queue::Queue;

use super::holders::Holders;
use crate::http::traceparent;
use crate::problem::{Code, Problem};
use crate::service::Service;
use crate::uploads::Intake;
use crate::waiting::{JobNotifier, Waiters};

/// The least part of any storage, in bytes: a tail is shorter, and a request with a checksum may write
/// so many parts.
pub(super) const LEAST_PART: u64 = 5 << 20;

/// The resumable uploads of this process; clones share them.
#[derive(Clone, Debug)]
pub struct UploadSessions {
    /// The service that all handlers share.
    pub service: Service,
    /// Runs requests to their end.
    pub intake: Intake,
    /// Notifies workers of new jobs.
    pub notifier: JobNotifier,
    /// Requests that wait for a document.
    pub waiters: Waiters,
    pub(super) holders: Holders,
}

/// A request that appends.
pub struct Append {
    /// The upload and its owner.
    pub whose: (UserId, UploadId),
    /// Whether the same request has created the upload, which is deleted if it is refused.
    pub creates: bool,
    /// Where its bytes begin.
    pub offset: u64,
    /// How many there are, if the header says.
    pub announced: Option<u64>,
    /// All bytes of the upload, if the header says.
    pub length: Option<u64>,
    /// Whether nothing follows them, whatever the length was.
    pub ends: bool,
    /// The checksum, in the header or in the trailer.
    pub checksum: Checking,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

/// Whether the bytes of a request have a checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checking {
    /// No.
    None,
    /// This one.
    Header(super::checksum::Expected),
    /// One in the trailer.
    Trailer,
}

/// An upload after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The durable bytes.
    pub offset: u64,
    /// What it became, if it is complete.
    pub became: Option<Became>,
    /// When it expires; `None` once it is complete.
    pub expires_at: Option<Timestamp>,
}

/// Whether only the transfer of bytes went wrong, not the upload.
pub const fn is_of_transfer(code: Code) -> bool {
    matches!(
        code,
        Code::UploadIncomplete | Code::RequestTimeout | Code::OffsetMismatch
    )
}

impl UploadSessions {
    /// No requests so far.
    #[must_use]
    pub fn new(
        service: &Service,
        intake: &Intake,
        notifier: &JobNotifier,
        waiters: &Waiters,
    ) -> Self {
        Self {
            service: service.clone(),
            intake: intake.clone(),
            notifier: notifier.clone(),
            waiters: waiters.clone(),
            holders: Holders::default(),
        }
    }

    /// Returns an upload. Another owner's doesn't exist, and an expired one is gone.
    pub async fn find(&self, whose: (UserId, UploadId)) -> Result<Upload, Problem> {
        let found = find_upload(&self.service.db, whose).await?;
        let upload = found.ok_or(Code::NotFound)?;
        if upload.is_over(self.service.clock.now()) {
            return Err(Code::Gone.into());
        }
        Ok(upload)
    }

    /// Returns an upload that no request is writing to: one that was is cut off.
    pub async fn settled(&self, whose: (UserId, UploadId)) -> Result<Upload, Problem> {
        self.find(whose).await?;
        self.holders.cut_off(whose.1).await;
        let upload = self.find(whose).await?;
        if upload.status != UploadStatus::Open || upload.joins.is_some() {
            return Ok(upload);
        }
        if upload.has_all() {
            // Whoever received the last byte may be finishing it, or have died.
            let finished = self.finish_again(&upload).await;
            finished
                .inspect_err(|problem| tracing::debug!(%problem, "an upload was not finished"))?;
            return self.find(whose).await;
        }
        if upload.is_held {
            // Another process's, or one that died.
            return match self.take_over(whose, 0).await {
                Err(problem) if problem.code() == Code::Gone => self.find(whose).await,
                held => held,
            };
        }
        Ok(upload)
    }

    /// Ends an upload. A document that it has become stays.
    pub async fn terminate(
        &self,
        on: &(impl ledger::Commit<()> + Send),
        whose: (UserId, UploadId),
    ) -> Result<(), Problem> {
        self.find(whose).await?;
        self.holders.cut_off(whose.1).await;
        let now = self.service.clock.now();
        terminate_upload(on, whose, None, now).await?;
        Ok(())
    }

    /// Deletes an upload that can't become what it should; with a fence, unless another request
    /// has taken it over. If that fails, it expires.
    pub async fn give_up(&self, whose: (UserId, UploadId), fence: Option<u64>) {
        let now = self.service.clock.now();
        match terminate_upload(&self.service.db, whose, fence, now).await {
            Ok(()) | Err(UploadError::NotFound | UploadError::Superseded) => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, upload.id = %whose.1, "failed to delete an upload; it will expire");
            }
        }
    }

    /// Checks what can be checked of an upload before it is created.
    pub async fn admit(&self, owner: UserId, purpose: &UploadPurpose) -> Result<(), Problem> {
        self.service.admit(owner)?;
        self.service.places.check_room()?;
        // Refuses users with too many deleted bytes waiting for removal.
        let room = self.intake.in_flight().room(owner).await?;
        if purpose.name().is_some() && room.documents == 0 {
            return Err(Code::QuotaExceeded.into());
        }
        match purpose {
            UploadPurpose::Version {
                document,
                precondition,
                ..
            } => self.check_target(owner, *document, precondition).await,
            UploadPurpose::Document { .. } | UploadPurpose::Part => Ok(()),
        }
    }

    /// Refuses a version that the document can't accept; the intake checks again.
    async fn check_target(
        &self,
        owner: UserId,
        document: DocumentId,
        precondition: &Precondition,
    ) -> Result<(), Problem> {
        let found = find_document(&self.service.db, document).await?;
        let found = found.filter(|document| document.owner == owner);
        let found = found.ok_or(Code::NotFound)?;
        if !precondition.admits(found.revision) {
            return Err(Code::RevisionMismatch.into());
        }
        match found.lifecycle.status() {
            Status::Active | Status::Error => Ok(()),
            status @ (Status::Pending | Status::Archived) => Err(Problem::not_active(status)),
        }
    }

    /// Notifies workers of an accepted upload.
    pub fn announce(&self, job: domain::JobId) {
        self.notifier.notify(Queue::Ingest, job);
    }
}

impl Append {
    /// The trace context of a request.
    pub fn trace_of(request: &Request) -> Option<String> {
        traceparent(request)
    }
}
