//! The ledger: the only truth about users, documents, versions, blobs and jobs.
//!
//! Functions take a [`Database`] and domain types; rows never leave this room.

mod batch;
mod connect;
mod discards;
mod documents;
mod entities;
mod error;
mod group_commit;
mod intake;
mod jobs;
mod keys;
mod ledger_sql;
mod settle;
mod users;
mod work;

pub use connect::{Database, DatabaseUrl, InvalidDatabaseUrl};
pub use discards::{discarded, forget_discarded};
pub use documents::{DocumentPage, find_document, find_settled, list_documents};
pub use error::DbError;
pub use group_commit::{GroupCommit, GroupCommitError, GroupWriter};
pub use intake::{Arrival, IntakeRefusal, accept};
pub use jobs::{
    ClaimRequest, ClaimedJob, JobRef, NewJob, claim_jobs, enqueue, hand_back, renew_leases,
};
pub use keys::{ApiKey, add_key, ensure_bootstrap_key, find_key_holder, list_keys, remove_key};
pub use settle::{Activation, BlobOrigin, Outcome, Settled, Settlement, settle};
pub use users::{
    DeleteUserError, UserChanges, UserNameTaken, UserPage, add_user, change_user, find_subject,
    find_user, list_users, quota_is_spent, remove_user,
};
pub use work::{PendingWork, load_pending};
