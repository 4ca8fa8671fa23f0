//! The list of jobs: which handler runs which kind.

use std::sync::Arc;

use ledger::Outcome;
use queue::JobKind;

use super::{
    check_ledger, expire_archives, expire_failed, expire_uploads, export, finish_uploads,
    forget_audit_log, forget_failures, forget_jobs, forget_operations, forget_requests, import,
    move_objects, prune_versions, purge_archived, remove_discarded, remove_user, run_operation,
    sweep_staging, sweep_store, trim_events,
};
use crate::attempt_error::AttemptError;
use crate::pipeline;
use crate::tools::Tools;
use crate::webhooks::deliver_webhook;
use crate::work::Work;

/// Runs a job. Returns `Ok` once it is settled.
pub async fn run(work: Arc<Work>, tools: Arc<Tools>) -> Result<(), AttemptError> {
    match work.claimed.kind {
        // These settle the job themselves, in the transaction of their effect.
        JobKind::ProcessVersion => return pipeline::process(&work, &tools).await,
        JobKind::RunOperation => return run_operation::run_operation(&work, &tools).await,
        JobKind::Export => return export::export(&work, &tools).await,
        JobKind::ReadArchive => return import::read_archive(&work, &tools).await,
        JobKind::ImportEntries => return import::import_entries(&work, &tools).await,
        JobKind::SettleImport => return import::settle_import(&work, &tools).await,
        JobKind::RemoveDiscarded => remove_discarded::remove_discarded(&tools).await?,
        JobKind::ForgetRequests => forget_requests::forget_requests(&tools).await?,
        JobKind::ExpireFailed => expire_failed::expire_failed(&tools).await?,
        JobKind::PurgeArchived => purge_archived::purge_archived(&tools).await?,
        JobKind::PruneVersions => prune_versions::prune_versions(&tools).await?,
        JobKind::ExpireArchives => expire_archives::expire_archives(&tools).await?,
        JobKind::ForgetAuditLog => forget_audit_log::forget_audit_log(&tools).await?,
        JobKind::ForgetJobs => forget_jobs::forget_jobs(&tools).await?,
        JobKind::SweepStaging => sweep_staging::sweep_staging(&tools).await?,
        JobKind::CheckLedger => check_ledger::check_ledger(&tools).await?,
        JobKind::ForgetOperations => forget_operations::forget_operations(&tools).await?,
        JobKind::ForgetFailures => forget_failures::forget_failures(&tools).await?,
        JobKind::TrimEvents => trim_events::trim_events(&tools).await?,
        JobKind::FinishUploads => finish_uploads::finish_uploads(&tools).await?,
        JobKind::ExpireUploads => expire_uploads::expire_uploads(&tools).await?,
        JobKind::RemoveUser => remove_user::remove_user(&work, &tools).await?,
        JobKind::SweepStore => sweep_store::sweep_store(&tools).await?,
        JobKind::MoveObjects => move_objects::move_objects(&work, &tools).await?,
        JobKind::DeliverWebhook => deliver_webhook(&work, &tools).await?,
    }
    tools
        .committer
        .commit(work.settlement(Outcome::Done))
        .await?;
    Ok(())
}
