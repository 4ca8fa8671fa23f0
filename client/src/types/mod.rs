//! The shapes of the API. A test holds them against its description.

mod account;
mod document;
mod event;
mod filter;
mod operation;
mod page;
mod problem;
mod receipt;
mod sign_in;
mod ticket;
mod timestamp;
mod upload;
mod webhook;

pub use account::{ApiKey, ByteCounts, DocumentCounts, Me, Role, TypeUsage, Usage, UserLimits};
pub use document::{
    Document, DocumentChanges, DocumentError, DocumentStatus, Metadata, TimelineEntry, Version,
    VersionStatus,
};
pub use event::{Event, EventData, ExpiredUpload, UsedTicket};
pub use filter::DocumentFilter;
pub use operation::{
    Action, ItemResult, NewOperation, OnConflict, Operation, OperationFailure, OperationItem,
    OperationStatus, Selection,
};
pub use page::{EventPage, Page};
pub use problem::{FieldError, Problem};
pub use receipt::{KeySet, PublicKey, ReceiptClaims, SignedReceipt};
pub use sign_in::{NewApiKey, SignIn, SignInProvider};
pub use ticket::{NewTicket, Ticket, TicketStatus};
pub use timestamp::Timestamp;
pub use upload::{Upload, UploadStatus};
pub use webhook::{
    Delivery, DeliveryAttempt, DeliveryStatus, NewWebhook, Webhook, WebhookChanges, WebhookStatus,
};
