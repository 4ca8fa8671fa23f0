//! Resumable uploads: sessions as rows, with what they have received and what they hold of the
//! quota. See `docs/adr/0024-upload-ledger.md`.

mod complete;
mod create;
mod direct;
mod error;
mod find;
mod progress;
mod remove;
mod upload;

pub use complete::{Completed, FinishedUpload, ReceivedContent, complete_upload};
pub use create::{NewUpload, create_upload};
pub use direct::{
    DirectBytes, DirectEnd, complete_direct_upload, end_direct_upload, find_direct_upload,
    record_direct_bytes,
};
pub use error::UploadError;
pub use find::{UploadLevel, find_upload, list_uploads, unfinished_uploads, upload_level};
pub use progress::{
    UploadProgress, hold_upload, record_upload, release_upload, reserve_upload, touch_upload,
};
pub use remove::{
    discard_tail, expire_uploads, forget_uploads, take_back_uploads, terminate_upload,
};
pub(crate) use remove::{end_uploads_of_ticket, remove_uploads_of};
pub use upload::{Became, Upload, UploadHeader, UploadPurpose};
