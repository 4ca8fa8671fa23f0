//! Data transfer objects: the JSON shapes of the API. Private to this crate; the domain knows
//! nothing of them.

mod activity;
mod audit_log;
mod changes;
mod delivery;
mod direct_upload;
mod document;
mod event;
mod filter;
mod forms;
mod job;
mod key;
mod me;
mod new_operation;
mod operation;
mod page;
mod public;
mod receipt;
mod schedule;
mod sign_in;
mod storage_move;
mod text;
mod ticket_document;
mod upload;
mod upload_ticket;
mod usage;
mod user;
mod version;
mod webhook;
mod written;

pub use activity::ActivityBody;
pub use audit_log::AuditLogPageBody;
pub use delivery::{DeliveryBody, DeliveryPageBody, DeliveryStatusBody};
pub use direct_upload::{DirectUploadBody, NewDirectUpload, WrittenParts};
pub use document::{DocumentBody, DocumentPageBody};
pub use event::{EventPageBody, FeedCursors, read_types};
pub use filter::FilterTexts;
pub use forms::{
    AuditKindText, AuditSubjectText, CursorText, DescriptionText, DurationText, EventTypesText,
    IssuerText, JobKindText, JobStatesText, LifetimeText, MediaTypeText, MetadataText,
    NamePartText, NameText, OriginText, SortText, StatusesText, SubjectText, TypePatternText,
    UniqueNameText, WebhookTypeText, WebhookUrlText,
};
pub use job::{
    CancelSelection, JobBody, JobPageBody, JobsCancelledBody, JobsRetriedBody, QueueBody,
    QueueName, QueuePageBody, QueuePauseBody, RetrySelection, WorkerPageBody, read_states,
};
pub use key::{ApiKeyBody, ApiKeyPageBody, NewKeyBody, NewKeyRequest, effective_scopes};
pub use me::{LimitsBody, MeBody};
pub use new_operation::NewOperationRequest;
pub use operation::{ItemResultBody, OperationBody, OperationItemPageBody, OperationPageBody};
pub use page::{Binding, Limit, cursor, cut, position};
pub use public::PublicBody;
pub use receipt::{KeySetBody, ReceiptBody, issuer_name};
pub use schedule::ScheduledJobPageBody;
pub use sign_in::{IdTokenRequest, SignInBody};
pub use storage_move::{
    NewMoveRequest, StorageMoveBody, StorageMovePageBody, StoragePlacePageBody,
};
pub use text::{Id, Moment, truth};
pub use ticket_document::TicketDocumentBody;
pub use upload::{UploadBody, UploadPageBody};
pub use upload_ticket::{NewTicket, TicketBody, TicketPageBody};
pub use usage::{TimelinePageBody, UsageBody};
pub use user::{NewUser, UserBody, UserPageBody};
pub use version::{VersionBody, VersionNumber, VersionPageBody};
pub use webhook::{NewWebhookRequest, ReplayRequest, WebhookBody, WebhookPageBody, WebhookPatch};
pub use written::Written;
