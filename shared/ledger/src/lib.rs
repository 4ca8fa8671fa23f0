//! The ledger: the only truth about users, documents, versions, blobs and jobs.
//!
//! Functions take a [`Database`] and domain types; rows never leave this room.

pub mod audit;
mod audit_log;
mod backlog;
mod batch;
mod change;
mod cleanup;
mod clock;
mod connect;
mod connection;
mod content_dates;
mod contents;
mod database_url;
mod dialect;
mod discards;
mod documents;
mod error;
mod events;
mod feed;
mod fresh_attempts;
mod group_commit;
mod handover;
mod idempotency;
mod identities;
mod installation;
mod intake;
mod jobs;
mod key_room;
mod keys;
mod ledger_secret;
mod list;
mod operations;
pub mod ownership;
mod place_totals;
mod pooler;
mod postgres;
mod predecessor;
mod readable;
mod receipt;
mod references;
mod removal;
mod retry_on_conflict;
mod revoked;
mod schema;
mod sealed_state;
mod sealing;
mod search;
mod search_limit;
mod sessions;
mod settle;
mod shares;
mod sign_in;
mod signing;
mod slots;
mod sqlite;
mod sqlite_copy;
#[cfg(feature = "test-support")]
mod sqlite_steps;
mod storage_moves;
mod strays;
mod tables;
mod tickets;
mod upload_grants;
mod uploads;
mod usage;
mod user_removal;
mod users;
mod values;
mod verbatim_json;
mod versions;
mod watch;
mod webhooks;
mod work;
mod write_check;

pub use audit_log::{
    AuditFilter, AuditPage, AuditRow, Audited, forget_audit_log, list_audit_log, write_audit_log,
};
pub use backlog::BACKLOG_PAUSE;
pub use change::{
    ChangeError, DocumentChanges, NewContent, Precondition, Target, add_version, archive_document,
    delete_document, delete_version, edit_document, restore_document, restore_version,
    retry_document,
};
pub use cleanup::{
    FinishedBefore, PruneRequest, Pruned, expire_failed, forget_failures, forget_finished_jobs,
    prune_versions, purge_archived, trim_events,
};
pub use clock::DatabaseClock;
pub use connect::{Database, PoolUse};
pub use connection::{Connection, DatabaseTransaction};
pub use content_dates::{DatedDocument, find_dated, find_public_dated, is_second_shared};
pub use contents::find_content;
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use discards::{
    DiscardLevel, DueDiscard, discard_level, discarded, forget_discarded, postpone_discarded,
    recount_discarded_bytes,
};
pub use documents::{find_document, find_named, find_public, find_settled, find_settled_versions};
pub use error::{DbError, SchemaMismatch, UnfitServer};
pub use events::{Event, timeline};
pub use feed::{
    ExpiredUpload, FeedError, FeedEvent, FeedPage, FeedPosition, FeedRequest, UsedTicket, feed_end,
    feed_ends, newest_event, read_feed,
};
pub use group_commit::{GroupCommit, GroupCommitError, GroupWriter};
pub use handover::{HANDOVER, handover_left};
pub use idempotency::{
    Begin, KEPT_FOR, KeyedRequest, RequestClaim, SavedAnswer, abandon_request, begin_request,
    find_request, finish_request, forget_expired_requests, has_no_room, renew_request,
};
pub use identities::{
    IdentityHolder, LinkError, find_identity_holder, forget_deleted_identities, forget_identity,
};
pub use installation::{
    PlaceUse, installation, marked_places, place_use, quarantined_in, remember_marked,
};
pub use intake::{Arrival, IntakeRefusal, accept};
#[cfg(feature = "test-support")]
pub use jobs::explain_claim;
pub use jobs::{
    ClaimRequest, ClaimedJob, JobRef, NewJob, claim_jobs, claim_jobs_of, claim_within, enqueue,
    hand_back, hand_back_unacknowledged, renew_leases,
};
pub use keys::{
    AddKeyError, ApiKey, BootstrapKeyError, KeyUse, add_key, ensure_bootstrap_key, find_key,
    find_key_holder, find_key_of, list_keys, record_key_use, remove_key,
};
pub use ledger_secret::LedgerSecretError;
#[cfg(feature = "test-support")]
pub use list::explain_page;
pub use list::{DocumentFilter, ListRequest, Position, Sort, SortKey, UnknownSort, list_page};
pub use operations::{
    ArchivedContent, BatchRequest, CommittedImport, ConflictPolicy, Import, ImportBatch,
    ImportChunk, ImportEntry, ImportItem, ImportProgress, NewImport, NewImportItem, NextBatch,
    StagedContent, StagedItem, add_import_items, begin_import, commit_import_chunk, create_import,
    next_import_batch, refuse_import, settle_import, start_import,
};
pub use operations::{
    CancelError, Chunk, ChunkDone, ChunkRequest, CreateOperationError, ItemPage, LimitReached,
    NewOperation, NewUndo, OpenError, OperationPage, Selection, Task, UndoError, cancel_operation,
    create_operation, expire_operations, find_ended, find_operation, list_operation_items,
    list_operations, may_open_operation, remove_expired_operation, run_chunk, undo_operation,
};
pub use operations::{
    Export, ExportContent, ExportEnd, ExportItem, ExportResult, Exported, StepCheck, VersionScope,
    begin_export, expire_archives, export_items, find_export_result, finish_export, record_export,
};
pub use operations::{
    RemoveResultError, ReservationRequest, export_size, remove_result, reserve_result,
};
pub use place_totals::{
    ListedPlace, PlaceRole, PlaceTotal, list_places, place_total, unknown_places,
};
pub use predecessor::release_predecessor;
pub use receipt::{Commit, Receipt, WithReceipt};
pub use references::FoundObject;
pub use retry_on_conflict::ConflictRetries;
pub use revoked::{
    Admission, Credential, NewestRevocations, Revocation, find_revoked, newest_revocations,
};
pub use settle::{Activation, BlobOrigin, Outcome, Settled, Settlement, StepDone, settle};
pub use shares::OwnerShare;
pub use sign_in::{
    MAX_SIGNED_IN, SignedInKey, add_signed_in_key, add_user_of_provider, decides_role,
};
pub use signing::{
    InvalidSigningKey, ReceiptIssuer, ReceiptSigner, SigningError, SigningKey, VerifyingKey,
};
pub use sqlite_copy::copy_sqlite;
#[cfg(feature = "test-support")]
pub use sqlite_steps::count_steps;
pub use storage_moves::{
    MovableObject, MoveChunk, MoveRefusal, MoveStatus, NewMove, StorageMove, Switched, cancel_move,
    end_chunk, fail_move, find_move, finish_move, is_current, list_moves, movable_objects,
    movable_total, start_move, switch_object,
};
pub use strays::{discard_strays, end_quarantine, find_strays, quarantine_strays, quarantined};
pub use tickets::{
    Ticket, TicketError, create_ticket, expire_tickets, find_ticket, find_ticket_by_secret,
    forget_tickets, is_of_ticket, list_tickets, revoke_ticket,
};
pub use upload_grants::{
    GrantRequest, UploadRoom, draw_grant, give_up_grants, renew_grants, upload_room,
};
pub use uploads::{
    Became, Completed, DirectBytes, DirectEnd, FinishedUpload, NewUpload, ReceivedContent, Upload,
    UploadError, UploadHeader, UploadLevel, UploadProgress, UploadPurpose, complete_direct_upload,
    complete_upload, create_upload, discard_tail, end_direct_upload, expire_uploads,
    find_direct_upload, find_upload, forget_uploads, hold_upload, list_uploads,
    record_direct_bytes, record_upload, release_upload, reserve_upload, take_back_uploads,
    terminate_upload, touch_upload, unfinished_uploads, upload_level,
};
pub use usage::{TypeUsage, Usage, usage};
pub use user_removal::{finish_removal, remove_user};
pub use users::{
    ChangeUserError, ChangedUser, UserChanges, UserNameTaken, UserPage, add_user, change_user,
    find_user, find_user_named, list_users,
};
pub use versions::{find_version, list_versions};
pub use watch::{
    ALIVE_FOR, CANCELLED, JobFilter, JobPage, JobRetry, JobView, OwnerHead, OwnerPage, QueuePause,
    QueueState, WorkerPage, WorkerStatus, cancel_jobs, dead_jobs, find_job, forget_worker,
    list_jobs, list_workers, oldest_pending, oldest_waiting, owner_heads, owners_served,
    pause_queue, queue_pause, queue_pauses, queue_states, queues_with_due_jobs, record_heartbeat,
    resume_queue, retry_job, retry_jobs,
};
pub use webhooks::{
    AttemptEnd, AttemptResult, ChangedWebhook, Delivery, DeliveryAttempt, DeliveryLevel,
    DeliveryPage, DueDelivery, NewWebhook, SecretError, SecretSealer, Turn, Webhook,
    WebhookChanges, WebhookError, WebhookSecret, begin_turn, create_webhook, delete_webhook,
    delivery_level, edit_webhook, end_turn, enqueue_turns, find_webhook, forget_deliveries,
    has_enabled_webhooks, list_deliveries, list_webhooks, record_attempts, replay_webhook,
    retry_delivery, rotate_webhook, test_webhook,
};
pub use work::{PendingUpload, PendingWork, load_pending};
