//! Joins parts: their bytes are read once more, since a digest of the whole can't be computed from
//! those of the parts.

use domain::{UploadId, UploadStatus, UserId};
use futures::{StreamExt, TryStreamExt, stream};
use ledger::{Upload, UploadPurpose};

use super::pieces::of_stored;
use super::sessions::{Append, Checking, UploadSessions, Written};
use crate::problem::{Code, Problem};

impl UploadSessions {
    /// Returns complete parts of a user, in the order of `ids`.
    pub async fn parts(&self, owner: UserId, ids: &[UploadId]) -> Result<Vec<Upload>, Problem> {
        let mut parts = Vec::with_capacity(ids.len());
        for id in ids {
            let part = match self.find((owner, *id)).await {
                Err(problem) if matches!(problem.code(), Code::NotFound | Code::Gone) => {
                    return Err(not_a_part("names an upload that doesn't exist"));
                }
                part => part?,
            };
            if part.purpose != UploadPurpose::Part {
                return Err(not_a_part("names an upload that isn't partial"));
            }
            if part.status != UploadStatus::Complete {
                return Err(not_a_part("names an upload that isn't complete"));
            }
            parts.push(part);
        }
        Ok(parts)
    }

    /// Copies the bytes of `parts` to the upload that joins them, and finishes it. Deletes that
    /// upload if this fails, so that its parts can be joined again.
    pub async fn join(
        &self,
        upload: &Upload,
        parts: Vec<Upload>,
        traceparent: Option<String>,
    ) -> Result<Written, Problem> {
        let whose = (upload.owner, upload.id);
        let places = self.service.places.clone();
        let urls = parts.into_iter().filter_map(|part| Some(part.growing?.url));
        let bytes = stream::iter(urls).then(move |url| {
            let places = places.clone();
            async move { places.open(&url, None).await }
        });
        let append = Append {
            whose,
            creates: false,
            offset: 0,
            announced: None,
            length: None,
            ends: false,
            checksum: Checking::None,
            traceparent,
        };
        let (sessions, pieces) = (self.clone(), of_stored(bytes.try_flatten()));
        let upload = upload.clone();
        // To its end, even if the client hangs up: the parts are taken until then.
        let joining = async move {
            let joined = if upload.has_all() {
                // Parts of nothing: there is nothing to append.
                sessions.finish_again(&upload).await
            } else {
                sessions.append(append, pieces).await
            };
            if joined.is_err() {
                // Nobody else writes to an upload that joins others.
                sessions.give_up(whose, None).await;
            }
            joined
        };
        let joined = self.intake.keep_running(joining).await;
        joined.map_err(Problem::internal)?
    }
}

fn not_a_part(what: &str) -> Problem {
    Problem::from(Code::BadRequest).with_detail(format!("Upload-Concat {what}."))
}
