//! The types and rules of the service. Every other crate depends on it.

mod access;
mod audit_log;
mod clock;
mod containment;
mod decimal;
mod digest;
mod document;
mod error_code;
mod event;
mod identity;
mod ids;
mod json;
mod key_lifetime;
mod key_secret;
mod lifecycle;
mod limits;
#[cfg(any(test, feature = "test-support"))]
mod manual_clock;
mod media_type;
mod metadata;
mod name;
mod operation;
mod operation_item;
mod quota;
mod rate;
mod retention;
mod scope;
mod share;
mod size;
mod storable;
mod ticket;
mod trace;
mod upload;
mod user;
mod version;
mod webhook;

pub use access::{Access, Account, Caller};
pub use audit_log::{Actor, AuditEntry, AuditEvent, AuditKind, AuditOrigin, UnknownAuditKind};
pub use clock::{Clock, SystemClock, Timestamp};
pub use decimal::{Decimal, is_respelled, plain_length};
pub use digest::{Hasher, ParseDigestError, ParseHasherError, Sha256};
pub use document::{Document, Visibility};
pub use error_code::{ErrorCode, Failure, Keeping, UnknownErrorCode};
pub use event::{EventKind, EventType};
pub use identity::{Identity, InvalidIdentity};
pub use ids::{
    AuditId, BlobId, DeliveryId, DocumentId, InstallationId, InvalidId, JobId, KeyId, OperationId,
    StorageMoveId, TicketId, UploadId, UserId, VersionId, WebhookId,
};
pub use json::{InvalidJson, check_member_names, read_json};
pub use key_lifetime::{InvalidKeyLifetime, KeyLifetime};
pub use key_secret::KeySecret;
pub use lifecycle::{
    Current, IllegalTransition, Lifecycle, Status, Transition, TransitionOutcome, UnknownStatus,
};
pub use limits::{
    Allowances, ImportLimits, Limits, OperationLimits, Refusal, RowLimits, TypeMismatch,
};
#[cfg(any(test, feature = "test-support"))]
pub use manual_clock::ManualClock;
pub use media_type::{MediaType, ParseMediaTypeError, TypePattern, TypePolicy};
pub use metadata::{InvalidMetadata, Metadata};
pub use name::{DocumentName, InvalidName, KeyName, UniqueName, UserName, fold};
pub use operation::{
    Action, Finished, ItemResult, NotUndoable, Operation, OperationEnd, OperationErrorCode,
    OperationFailure, OperationState, OperationStatus, RunMode, Tally, UnknownWord,
};
pub use operation_item::{ItemCode, ItemReason, OperationItem, UnknownItemCode};
pub use quota::Quota;
pub use rate::{InvalidRate, Rate};
pub use retention::Retention;
pub use scope::{Scope, Scopes, UnknownScope};
pub use share::{ParseShareError, Share};
pub use size::{ByteSize, ParseByteSizeError};
pub use storable::{NotStorable, check_storable, unstorable_members};
pub use ticket::TicketStatus;
pub use trace::{InvalidTraceContext, TraceContext};
pub use upload::{UnknownUploadWord, UploadLimits, UploadProtocol, UploadStatus};
pub use user::{Role, UnknownRole, User};
pub use version::{Version, VersionState, VersionStatus};
pub use webhook::{DeliveryStatus, DisabledReason, Schedule, WebhookStatus, WebhookTypes};
