//! Finishes an upload that has all its bytes: they become an object, and the transaction of the
//! intake makes it a document or a version.

use domain::{ByteSize, Hasher};
use ledger::{Completed, FinishedUpload, Upload, UploadPurpose, complete_upload};
use storage::StorageError;

use super::sessions::{UploadSessions, Written};
use crate::problem::{Code, Problem};

impl UploadSessions {
    /// Finishes an upload that the caller holds.
    pub(super) async fn finish(
        &self,
        upload: &Upload,
        traceparent: Option<String>,
    ) -> Result<Written, Problem> {
        let whose = (upload.owner, upload.id);
        let Some(growing) = &upload.growing else {
            return Ok(Written {
                offset: upload.offset,
                became: upload.became,
                expires_at: None,
            });
        };
        if let Some(expected) = upload.expected {
            let hasher = Hasher::resume(&upload.digest).map_err(Problem::internal)?;
            if hasher.finish() != expected {
                self.give_up(whose, Some(upload.fence)).await;
                return Err(Code::DigestMismatch.into());
            }
        }
        let (places, writer) = (&self.service.places, upload.writer());
        let staged = match places.finish(growing, upload.fence, writer).await {
            Err(error @ StorageError::NotFound { .. }) => {
                self.give_up(whose, Some(upload.fence)).await;
                return Err(Problem::from(Code::Gone).because(error));
            }
            staged => staged?,
        };
        crash_points::reach(crash_points::CrashPoint::UploadFinished);
        let done = FinishedUpload {
            id: upload.id,
            fence: upload.fence,
            staged,
            content: None,
            traceparent,
            at: self.service.clock.now(),
        };
        let completed = complete_upload(&self.service.db, &self.service.limits, &done).await;
        let became = match completed {
            Ok(Completed::Became(became, job)) => {
                if upload.purpose != UploadPurpose::Part {
                    self.service.meters.took_in(ByteSize::new(upload.offset));
                }
                self.announce(job);
                Some(became)
            }
            Ok(Completed::Before(became)) => Some(became),
            Ok(Completed::Part) => None,
            Err(error) if error.is_final() => {
                self.give_up(whose, Some(upload.fence)).await;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Written {
            offset: upload.offset,
            became,
            expires_at: None,
        })
    }

    /// Finishes an upload that nobody may be finishing any more.
    pub(super) async fn finish_again(&self, upload: &Upload) -> Result<Written, Problem> {
        // A tail becomes a part; without one nothing is written.
        let parts = upload
            .growing
            .as_ref()
            .map_or(0, |growing| u32::from(growing.tail.is_some()));
        let held = self.take_over((upload.owner, upload.id), parts).await;
        let held = match held {
            // Somebody has finished it meanwhile.
            Err(problem) if problem.code() == Code::Gone => {
                return Ok(Written {
                    offset: upload.offset,
                    became: None,
                    expires_at: None,
                });
            }
            held => held?,
        };
        let (sessions, upload) = (self.clone(), held);
        let finishing = async move { sessions.finish(&upload, None).await };
        let finished = self.intake.keep_running(finishing).await;
        finished.map_err(Problem::internal)?
    }
}
