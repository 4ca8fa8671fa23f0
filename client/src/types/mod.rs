//! The shapes of the API. A test holds them against its description.

mod account;
mod document;
mod event;
mod filter;
mod job;
mod operation;
mod page;
mod problem;
mod receipt;
mod service;
mod sign_in;
mod storage;
mod ticket;
mod timestamp;
mod upload;
mod user;
mod webhook;

pub use account::{ApiKey, ByteCounts, DocumentCounts, Me, Role, TypeUsage, Usage, UserLimits};
pub use document::{
    Document, DocumentChanges, DocumentError, DocumentStatus, Metadata, TimelineEntry, Version,
    VersionStatus,
};
pub use event::{Event, EventData, ExpiredUpload, UsedTicket};
pub use filter::DocumentFilter;
pub use job::{
    Job, JobFilter, JobState, JobsCancelled, JobsRetried, Queue, QueuePause, ScheduledJob, Worker,
};
pub use operation::{
    Action, ItemResult, NewOperation, OnConflict, Operation, OperationFailure, OperationItem,
    OperationStatus, Selection,
};
pub use page::{EventPage, Page};
pub use problem::{FieldError, Problem};
pub use receipt::{KeySet, PublicKey, ReceiptClaims, SignedReceipt};
pub use service::{Activity, ActivityMinute, AuditLogEntry, AuditLogFilter};
pub use sign_in::{NewApiKey, SignIn, SignInProvider};
pub use storage::{NewStorageMove, StorageMove, StorageMoveStatus, StoragePlace};
pub use ticket::{NewTicket, Ticket, TicketStatus};
pub use timestamp::Timestamp;
pub use upload::{Upload, UploadStatus};
pub use user::{Identity, KeyRequest, NewUser, User, UserChanges};
pub use webhook::{
    Delivery, DeliveryAttempt, DeliveryStatus, NewWebhook, Webhook, WebhookChanges, WebhookStatus,
};
