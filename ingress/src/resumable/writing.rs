//! Takes an upload over for a request that writes to it. The request runs to its end in a task of its
//! own: what has arrived when the client hangs up is kept.

use std::time::Duration;

use domain::{ByteSize, Hasher, Timestamp, UploadId, UploadStatus, UserId};
use ledger::{Upload, UploadError, hold_upload, release_upload, reserve_upload};
use storage::StorageError;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::checksum::Checksums;
use super::ends::Ends;
use super::fields::check_size;
use super::pieces::Pieces;
use super::session::Session;
use super::sessions::{Append, Checking, LEAST_PART, UploadSessions, Written, is_of_transfer};
use crate::problem::{Code, Problem};

/// How long an upload may take to open for a request that has ended: less than the next one waits for
/// it.
const OPENING: Duration = Duration::from_secs(5);

impl UploadSessions {
    /// Appends the bytes of a request, and finishes the upload if they are the last ones. A request
    /// that is writing to it is cut off.
    ///
    /// If this is dropped, because the client hung up or its key was revoked, what has arrived is
    /// recorded, and no more is read.
    pub async fn append(&self, append: Append, pieces: Pieces) -> Result<Written, Problem> {
        let sessions = self.clone();
        let dropped = CancellationToken::new();
        let _guard = dropped.clone().drop_guard();
        let (whose, creates) = (append.whose, append.creates);
        let writing = async move {
            let written = sessions.write(append, pieces, dropped).await;
            if creates && written.as_ref().is_err_and(is_refused) {
                // Its client isn't told of it, and can't end it.
                sessions.give_up(whose, None).await;
            }
            written
        };
        let writing = writing.instrument(tracing::debug_span!("append"));
        let written = self.intake.keep_running(writing).await;
        written.map_err(Problem::internal)?
    }

    async fn write(
        &self,
        append: Append,
        pieces: Pieces,
        dropped: CancellationToken,
    ) -> Result<Written, Problem> {
        let mut upload = self.find(append.whose).await?;
        if upload.status == UploadStatus::Open && upload.has_all() {
            // Its last bytes came before. Written to again, it would be another object.
            upload = self.settled(append.whose).await?;
        }
        if let Some(answer) = answer_of_complete(&upload, append.offset) {
            let written = answer?;
            let beyond = append.announced.unwrap_or(0);
            let sum = written.offset.saturating_add(beyond);
            check_size(sum, ByteSize::new(written.offset))?;
            return Ok(written);
        }
        let holder = self.holders.enter(append.whose.1).await;
        let ends = Ends {
            holder: &holder,
            dropped: &dropped,
        };
        let session = match self.begin(&append, &upload, ends).await {
            // The request before may have completed it.
            Err(problem) if problem.code() == Code::Gone => {
                let upload = self.find(append.whose).await?;
                return answer_of_complete(&upload, append.offset).unwrap_or(Err(problem));
            }
            session => session?,
        };
        let upload = session.run(ends, pieces).await?;
        if upload.has_all() {
            return self.finish(&upload, append.traceparent).await;
        }
        Ok(Written {
            offset: upload.offset,
            became: None,
            expires_at: Some(upload.expires_at),
        })
    }

    /// Takes the upload over from whatever request held it, to write no more than `parts` unrecorded
    /// parts of what has come.
    pub(super) async fn take_over(
        &self,
        whose: (UserId, UploadId),
        parts: u32,
    ) -> Result<Upload, Problem> {
        let now = self.service.clock.now();
        Ok(hold_upload(&self.service.db, whose, parts, None, now).await?)
    }

    /// Takes the upload over, and opens it if the request may write to it.
    async fn begin(
        &self,
        append: &Append,
        before: &Upload,
        ends: Ends<'_>,
    ) -> Result<Session, Problem> {
        let most = append.length.or(before.length);
        let most = most.unwrap_or(self.service.limits.max_document.bytes());
        let most = most.min(before.max_bytes.unwrap_or(u64::MAX));
        let parts = match append.checksum {
            Checking::None => 1,
            Checking::Header(_) | Checking::Trailer => {
                let bytes = append
                    .announced
                    .unwrap_or(most.saturating_sub(append.offset));
                u32::try_from(bytes / LEAST_PART + 2).unwrap_or(u32::MAX)
            }
        };
        let service = &self.service;
        let now = service.clock.now();
        let expires_at = Some(now.plus(service.limits.uploads.expires));
        let held = hold_upload(&service.db, append.whose, parts, expires_at, now).await?;
        let id = (held.id, held.fence);
        // What came meanwhile of a client that went away is kept, unless opening takes long: it waits
        // for memory if there is a tail to be read.
        let session = tokio::select! {
            biased;
            session = self.open(append, held, most) => session,
            () = ends.reached_before(OPENING) => Err(UploadError::Superseded.into()),
        };
        if session.is_err() {
            // Nothing was written.
            release_upload(&service.db, id).await?;
        }
        session
    }

    async fn open(&self, append: &Append, mut held: Upload, most: u64) -> Result<Session, Problem> {
        if held.offset != append.offset {
            return Err(Problem::offset_mismatch(held.offset));
        }
        if held.has_all() {
            // Another request has brought the last bytes meanwhile. The next try finishes it.
            return Err(Code::Unavailable.into());
        }
        let (service, limits) = (&self.service, &self.service.limits);
        let announced = append.announced.unwrap_or(0);
        check_size(held.offset.saturating_add(announced), ByteSize::new(most))?;
        if let Some(length) = append.length {
            let max = limits.max_document.bytes();
            let max = max.min(held.max_bytes.unwrap_or(max));
            check_size(length, ByteSize::new(max))?;
            let whose = (held.id, held.fence);
            reserve_upload(&service.db, whose, Some(length), 0, limits).await?;
            held.length = Some(length);
        }
        let growing = held.growing.clone().ok_or(Code::Gone)?;
        let writer = held.writer();
        let appender = match service.places.append(&growing, held.fence, writer).await {
            Err(error @ StorageError::NotFound { .. }) => {
                self.give_up(append.whose, Some(held.fence)).await;
                return Err(Problem::from(Code::Gone).because(error));
            }
            appender => appender?,
        };
        let hasher = Hasher::resume(&held.digest).map_err(Problem::internal)?;
        let expected = match &append.checksum {
            Checking::Header(expected) => Some(expected.clone()),
            Checking::None | Checking::Trailer => None,
        };
        let is_checked = append.checksum != Checking::None;
        Ok(Session {
            sessions: self.clone(),
            whose: append.whose,
            fence: held.fence,
            appender,
            recorded: growing,
            durable: None,
            hasher,
            expires_by: expires_by(&held, limits.uploads.expires),
            checksums: is_checked.then(|| Checksums::begin(expected.as_ref())),
            expected,
            offset: held.offset,
            most,
            length: held.length,
            reserved: held.reserved,
            ends_by_length: held.ends,
            ends: append.ends,
        })
    }
}

/// Whether an upload was refused by an answer with which its client can do nothing but start again.
fn is_refused(problem: &Problem) -> bool {
    let code = problem.code();
    !is_of_transfer(code) && !code.status().is_server_error()
}

/// Until when a writer may put off the expiry of an upload. Whoever uploads with a ticket can't keep
/// what is reserved for it for ever.
fn expires_by(held: &Upload, expires: Duration) -> Option<Timestamp> {
    held.ticket.map(|_| held.created_at.plus(expires))
}

/// The answer for an upload that has ended: a client that asks again for its last bytes to be taken
/// is told that they were.
fn answer_of_complete(upload: &Upload, offset: u64) -> Option<Result<Written, Problem>> {
    if upload.status != UploadStatus::Complete {
        return None;
    }
    if offset != upload.offset {
        return Some(Err(Problem::offset_mismatch(upload.offset)));
    }
    Some(Ok(Written {
        offset,
        became: upload.became,
        expires_at: None,
    }))
}
