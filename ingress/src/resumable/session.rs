//! One request that writes to an upload: receives its bytes, makes them durable a part at a time, and
//! records them under its fence. It changes nothing of an upload that another request has taken over.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use domain::{ByteSize, Hasher, Timestamp, UploadId, UserId};
use futures::{FutureExt, StreamExt};
use ledger::{
    Upload, UploadError, UploadProgress, discard_tail, record_upload, release_upload,
    reserve_upload, touch_upload,
};
use storage::{Appender, Flush, Growing, StorageError};
use tokio::time::{MissedTickBehavior, interval};

use super::checksum::{Checksums, Expected};
use super::ends::Ends;
use super::fields::check_size;
use super::pieces::{Piece, Pieces};
use super::sessions::{LEAST_PART, UploadSessions};
use crate::problem::{Code, Problem};

/// How often a request makes sure that it still holds its upload, and puts off the expiry.
const LOOK: Duration = Duration::from_secs(2);

/// How much of an upload of unknown length is reserved at once.
const RESERVED: u64 = 8 << 20;

/// Why a request stopped before its end.
enum Stop {
    /// Another request wants the upload.
    CutOff,
    /// Its sender stopped, or sent what can't be accepted; what came before is kept.
    Refused(Problem),
    /// Storage or database failed, or another request has taken the upload over: nothing more can
    /// be recorded.
    Failed(Problem),
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<UploadError> for Stop {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::QuotaExceeded => Self::Refused(error.into()),
            error => Self::Failed(error.into()),
        }
    }
}

impl From<Stop> for Problem {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::CutOff => UploadError::Superseded.into(),
            Stop::Refused(problem) | Stop::Failed(problem) => problem,
        }
    }
}

/// A request that writes.
pub(super) struct Session {
    pub(super) sessions: UploadSessions,
    pub(super) whose: (UserId, UploadId),
    pub(super) fence: u64,
    pub(super) appender: Box<dyn Appender>,
    /// What is recorded.
    pub(super) recorded: Growing,
    /// What is durable, but not recorded while the checksum isn't known.
    pub(super) durable: Option<Growing>,
    pub(super) hasher: Hasher,
    /// Until when the expiry may be put off, if that ends.
    pub(super) expires_by: Option<Timestamp>,
    pub(super) checksums: Option<Checksums>,
    pub(super) expected: Option<Expected>,
    pub(super) offset: u64,
    /// The most that the upload may have.
    pub(super) most: u64,
    pub(super) length: Option<u64>,
    pub(super) reserved: u64,
    /// Whether the upload is complete with its length.
    pub(super) ends_by_length: bool,
    /// Whether it is complete with this request.
    pub(super) ends: bool,
}

impl Session {
    /// Writes the pieces, and returns the upload with what was recorded.
    pub(super) async fn run(
        mut self,
        ends: Ends<'_>,
        mut pieces: Pieces,
    ) -> Result<Upload, Problem> {
        let mut stop = self.receive(ends, &mut pieces).await.err();
        if matches!(stop, Some(Stop::CutOff)) && ends.dropped.is_cancelled() {
            stop = Some(self.receive_rest(&mut pieces).await);
        }
        drop(pieces);
        let refusal = match stop {
            None => None,
            Some(Stop::Failed(problem)) => {
                if self.checksums.is_some() {
                    self.abandon().await;
                }
                return Err(problem);
            }
            Some(Stop::CutOff) => Some(UploadError::Superseded.into()),
            Some(Stop::Refused(problem)) => Some(problem),
        };
        if let Some(checksums) = self.checksums.take() {
            let verdict = match refusal {
                Some(problem) => Err(problem),
                None => verify(checksums, self.expected.as_ref()),
            };
            if let Err(problem) = verdict {
                // The upload goes on where it was: what was written counts as not written.
                self.release().await;
                return Err(problem);
            }
            return self.record_all(None).await;
        }
        self.record_all(refusal).await
    }

    /// Records everything that was received, and ends the hold.
    async fn record_all(mut self, refusal: Option<Problem>) -> Result<Upload, Problem> {
        let has_length = self.length.is_none_or(|length| length == self.offset);
        let refusal = match refusal {
            None if self.ends && !has_length => Some(UploadError::OtherLength.into()),
            refusal => refusal,
        };
        self.ends &= refusal.is_none();
        let is_last = self.ends || (self.ends_by_length && self.length == Some(self.offset));
        let flush = if is_last { Flush::Last } else { Flush::More };
        if let Err(stop) = self.flush(flush, 0).await {
            return Err(stop.into());
        }
        match refusal {
            Some(problem) => Err(problem),
            None => self.sessions.find(self.whose).await,
        }
    }

    async fn receive(&mut self, ends: Ends<'_>, pieces: &mut Pieces) -> Result<(), Stop> {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks.reset();
        loop {
            let piece = {
                let claimed = pin!(self.appender.is_claimed());
                tokio::select! {
                    biased;
                    () = ends.reached() => return Err(Stop::CutOff),
                    _ = looks.tick() => None,
                    piece = pieces.next() => Some(piece),
                    () = claimed => {
                        return Err(Stop::Refused(StorageError::SlowSource.into()));
                    }
                }
            };
            match piece {
                None => self.look().await?,
                Some(None) => return Ok(()),
                Some(Some(Err(problem))) => return Err(Stop::Refused(problem)),
                Some(Some(Ok(Piece::Data(chunk)))) => self.push(chunk).await?,
                Some(Some(Ok(Piece::Trailer(trailer)))) => {
                    if let Some(field) = trailer.get("upload-checksum") {
                        let field = field.to_str().unwrap_or_default();
                        self.expected = Some(Expected::read(field).map_err(Stop::Refused)?);
                    }
                }
            }
        }
    }

    /// Takes what has arrived of a request that nobody waits for any more.
    async fn receive_rest(&mut self, pieces: &mut Pieces) -> Stop {
        while let Some(Some(Ok(Piece::Data(chunk)))) = pieces.next().now_or_never() {
            if let Err(stop) = self.push(chunk).await {
                return stop;
            }
        }
        Stop::CutOff
    }

    /// Makes sure that the request still holds the upload.
    async fn look(&self) -> Result<(), Stop> {
        let service = &self.sessions.service;
        let now = service.clock.now();
        let whose = (self.whose.1, self.fence);
        touch_upload(&service.db, whose, self.expiry(now), now).await?;
        Ok(())
    }

    /// When the upload expires if nothing more comes.
    fn expiry(&self, now: Timestamp) -> Timestamp {
        let expires_at = now.plus(self.sessions.service.limits.uploads.expires);
        self.expires_by.map_or(expires_at, |by| expires_at.min(by))
    }

    async fn push(&mut self, mut chunk: Bytes) -> Result<(), Stop> {
        while !chunk.is_empty() {
            if self.appender.room() == 0 {
                self.flush(Flush::More, 1).await?;
            }
            let piece = chunk.split_to(chunk.len().min(self.appender.room()));
            let end = self.offset + piece.len() as u64;
            check_size(end, ByteSize::new(self.most)).map_err(Stop::Refused)?;
            self.reserve(end).await?;
            let room = self.sessions.service.places.check_room();
            room.map_err(|error| Stop::Refused(error.into()))?;
            self.hasher.update(&piece);
            if let Some(checksums) = &mut self.checksums {
                checksums.update(&piece);
            }
            self.appender.push(piece).await?;
            self.offset = end;
        }
        Ok(())
    }

    /// Reserves quota for an upload of unknown length as it grows.
    async fn reserve(&mut self, end: u64) -> Result<(), Stop> {
        // Parts that are joined hold the quota themselves.
        if self.length.is_some() || end <= self.reserved {
            return Ok(());
        }
        let service = &self.sessions.service;
        let whose = (self.whose.1, self.fence);
        let plenty = end.saturating_add(RESERVED);
        for reserved in [plenty, end] {
            let limits = &service.limits;
            match reserve_upload(&service.db, whose, None, reserved, limits).await {
                Err(UploadError::QuotaExceeded) if reserved == plenty => {}
                outcome => {
                    outcome?;
                    self.reserved = reserved;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Makes durable what was received, and records it unless its checksum isn't known yet. `parts`
    /// is how many more the request may write.
    async fn flush(&mut self, flush: Flush, parts: u32) -> Result<(), Stop> {
        let service = &self.sessions.service;
        let now = service.clock.now();
        let growing = self.appender.flush(flush, now).await?;
        crash_points::reach(crash_points::CrashPoint::UploadFlushed);
        if self.checksums.is_some() {
            self.durable = Some(growing);
            return Ok(());
        }
        let expires_at = self.expiry(now);
        let progress = UploadProgress {
            id: self.whose.1,
            fence: self.fence,
            growing: &growing,
            digest: &self.hasher.state(),
            ends: flush == Flush::Last && self.ends,
            parts,
            expires_at,
            now,
        };
        let recorded = record_upload(&service.db, &progress).await;
        crash_points::reach(crash_points::CrashPoint::UploadRecorded);
        match recorded {
            Ok(()) => {
                let former = std::mem::replace(&mut self.recorded, growing);
                self.remove_tail(&former, &self.recorded).await;
                Ok(())
            }
            Err(error) => {
                // After any other error the tail may be recorded: the sweep of the store knows.
                if matches!(error, UploadError::Superseded) {
                    self.remove_tail(&growing, &self.recorded).await;
                }
                Err(error.into())
            }
        }
    }

    /// Ends the hold on an upload to which nothing was added.
    async fn release(&mut self) {
        self.abandon().await;
        let db = &self.sessions.service.db;
        if let Err(error) = release_upload(db, (self.whose.1, self.fence)).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(
                error,
                "failed to release an upload; the next request takes it over"
            );
        }
    }

    /// Removes what a request with a checksum has written, of which nothing is recorded.
    async fn abandon(&mut self) {
        self.appender.abandon().await;
        if let Some(durable) = self.durable.take() {
            self.remove_tail(&durable, &self.recorded).await;
        }
    }

    /// Removes the tail that `growing` has and `kept` hasn't: nothing refers to it. It is discarded
    /// if that fails, and the maintenance removes it.
    async fn remove_tail(&self, growing: &Growing, kept: &Growing) {
        let Some(tail) = growing.tail.as_ref().filter(|_| growing.tail != kept.tail) else {
            return;
        };
        let service = &self.sessions.service;
        if let Err(error) = service.places.delete(tail).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, storage.url = %tail, "failed to remove a tail, which is discarded");
        } else {
            return;
        }
        let size = growing.length.min(LEAST_PART);
        let (owner, now) = (self.whose.0, service.clock.now());
        if let Err(error) = discard_tail(&service.db, owner, (tail, size), now).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, storage.url = %tail, "failed to discard a tail; the sweep does it");
        }
    }
}

/// Checks the bytes of a request against their checksum.
fn verify(checksums: Checksums, expected: Option<&Expected>) -> Result<(), Problem> {
    let Some(expected) = expected else {
        let detail = "The trailer has no Upload-Checksum.";
        return Err(Problem::from(Code::BadDigest).with_detail(detail));
    };
    if checksums.match_with(expected) {
        Ok(())
    } else {
        Err(Code::ChecksumMismatch.into())
    }
}
