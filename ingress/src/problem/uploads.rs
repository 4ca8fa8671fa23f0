//! Maps errors of resumable uploads to problems.

use ledger::{IntakeRefusal, UploadError};

use super::{Code, Problem};

/// The detail of a request whose upload another one has taken over.
const SUPERSEDED: &str = "Another request has taken over the upload; ask for its offset with HEAD.";

impl From<IntakeRefusal> for Problem {
    fn from(refusal: IntakeRefusal) -> Self {
        let code = match refusal {
            IntakeRefusal::UniqueNameTaken => Code::UniqueNameTaken,
            IntakeRefusal::QuotaExceeded => Code::QuotaExceeded,
            IntakeRefusal::OwnerGone => Code::Unauthorized,
            IntakeRefusal::BytesDiscarded => Code::RequestTimeout,
        };
        Self::from(code).because(refusal)
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        let code = match error {
            UploadError::Database(error) => return error.into(),
            UploadError::Refused(refusal) => return refusal.into(),
            UploadError::Version(error) => return error.into(),
            UploadError::TooMany(most) => {
                let detail = format!(
                    "You have {most} open uploads, which is the limit; finish or delete some of them."
                );
                return Self::from(Code::TooManyUploads).with_detail(detail);
            }
            UploadError::TooManyOfTicket(most) => {
                let detail = format!(
                    "{most} uploads of this ticket are in progress, which is the limit; wait until one has ended."
                );
                return Self::from(Code::TooManyUploads).with_detail(detail);
            }
            UploadError::Superseded => {
                return Self::from(Code::OffsetMismatch).with_detail(SUPERSEDED);
            }
            UploadError::OtherLength => {
                let detail = "The upload was declared with another length.";
                return Self::from(Code::BadRequest).with_detail(detail);
            }
            UploadError::PartNotReady => {
                let detail = "Upload-Concat names an upload that another one is joining; if that one \
                     fails, the upload can be joined again.";
                return Self::from(Code::NotReady).with_detail(detail);
            }
            UploadError::TicketOver => {
                let detail = "The ticket is used up, expired or revoked.";
                return Self::from(Code::Gone).with_detail(detail);
            }
            UploadError::NotFound => Code::NotFound,
            UploadError::NotOpen => Code::Gone,
            UploadError::QuotaExceeded => Code::QuotaExceeded,
            UploadError::OwnerGone => Code::Unauthorized,
        };
        Self::from(code).because(error)
    }
}
