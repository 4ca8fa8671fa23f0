//! The outcome transaction: commits each outcome once, and only if its claim still holds.
//!
//! This is the commit point of the pipeline. Rows are locked in one order in the whole service:
//! operations, documents and versions, jobs, blobs, users.

use std::collections::{HashMap, HashSet};

use url::Url;
use uuid::Uuid;

use super::blobs::{ContentKey, reference_blobs};
use super::outcome::{BlobOrigin, Outcome, Settled, Settlement};
use super::{staged, statements};
use crate::operations::fail_operations_of_dead_jobs;
use crate::references::{FoundObject, unreferred};
use crate::tables::events::insert_events;
use crate::{Database, DatabaseTransaction, DbError, discards};
use crash_points::CrashPoint;
use domain::{ErrorCode, JobId, Timestamp};

/// Settles a group in one transaction; the results are in the order of `settlements`.
///
/// A process that stalled past its lease may have claimed the same job again, so a group may
/// contain outcomes of two claims. Only the later one can count.
pub async fn settle(
    db: &Database,
    settlements: &[Settlement],
    now: Timestamp,
) -> Result<Vec<Settled>, DbError> {
    let indexes = latest_of_each_job(settlements);
    let mut latest: Vec<_> = indexes
        .iter()
        .map(|index| settlements[*index].clone())
        .collect();
    let mut orphaned = Vec::new();
    loop {
        match attempt(db, &latest, &orphaned, now).await? {
            Attempt::Settled(answers) => {
                let mut all = vec![Settled::LeaseLost; settlements.len()];
                for (index, answer) in indexes.into_iter().zip(answers) {
                    all[index] = answer;
                }
                return Ok(all);
            }
            Attempt::ContentGone(jobs) => {
                for settlement in latest
                    .iter_mut()
                    .filter(|settlement| jobs.contains(&settlement.job.id))
                {
                    orphaned.extend(put_back(&settlement.outcome));
                    settlement.outcome = content_gone(now);
                }
            }
        }
    }
}

/// Returns the index of each job's settlement with the latest claim; the first, if several have the
/// same claim. Statements identify a job by its id alone, so each may occur only once.
fn latest_of_each_job(settlements: &[Settlement]) -> Vec<usize> {
    let mut latest: HashMap<JobId, usize> = HashMap::new();
    for (index, settlement) in settlements.iter().enumerate() {
        let kept = latest.entry(settlement.job.id).or_insert(index);
        if settlement.job.fence > settlements[*kept].job.fence {
            *kept = index;
        }
    }
    let mut indexes: Vec<_> = latest.into_values().collect();
    indexes.sort_unstable();
    indexes
}

/// The outcome if shared content was deleted after the worker found it: the staged bytes are still
/// there, so the job is retried at once.
fn content_gone(now: Timestamp) -> Outcome {
    Outcome::Again {
        run_at: now,
        code: ErrorCode::Internal,
        cause: "shared content was deleted meanwhile".to_owned(),
    }
}

/// The URL of bytes that an attempt rewrote. Once their content is gone no row refers to them: it
/// never comes back under the same URL.
fn put_back(outcome: &Outcome) -> Option<Url> {
    match outcome {
        Outcome::Activated(activation) if activation.origin == BlobOrigin::PutBack => {
            Some(activation.location.clone())
        }
        _ => None,
    }
}

enum Attempt {
    Settled(Vec<Settled>),
    /// Nothing was written: these jobs relied on content that is gone.
    ContentGone(HashSet<JobId>),
}

async fn attempt(
    db: &Database,
    settlements: &[Settlement],
    orphaned: &[Url],
    now: Timestamp,
) -> Result<Attempt, DbError> {
    let transaction = db.begin().await?;
    let given_up = settlements
        .iter()
        .filter(|one| matches!(one.outcome, Outcome::Dead { .. }));
    let given_up: Vec<_> = given_up.map(|one| one.job.id).collect();
    let failed_operations = fail_operations_of_dead_jobs(&transaction, &given_up, now).await?;
    let versions: Vec<_> = settlements
        .iter()
        .filter_map(|one| one.work.as_ref())
        .map(|work| work.version.0)
        .collect();
    let alive = statements::lock_pending(&transaction, &versions).await?;
    let held = statements::finish_jobs(&transaction, settlements, now).await?;
    let live = |one: &&Settlement| {
        held.contains(&one.job.id.0)
            && one
                .work
                .as_ref()
                .is_some_and(|work| alive.contains_key(&work.version.0))
    };
    let live: Vec<&Settlement> = settlements.iter().filter(live).collect();
    let blobs = match reference_blobs(&transaction, &live, now).await? {
        Ok(blobs) => blobs,
        Err(jobs) => return Ok(Attempt::ContentGone(jobs)),
    };
    statements::activate(&transaction, &live, &blobs, now).await?;
    let failed = statements::fail(&transaction, &live, now).await?;
    statements::charge_owners(&transaction, &live, &failed.ended).await?;
    failed_operations.reserved.write(&transaction).await?;
    let kept = staged::charge_kept(&transaction, &live, &failed.keepable, now).await?;

    let living: HashSet<JobId> = live.iter().map(|one| one.job.id).collect();
    let mut answers = Vec::with_capacity(settlements.len());
    for one in settlements {
        answers.push(if !held.contains(&one.job.id.0) {
            Settled::LeaseLost
        } else if living.contains(&one.job.id) {
            let removable = removable(one, &blobs, &kept);
            Settled::Committed { removable }
        } else {
            let removable = left_over(&transaction, one).await?;
            Settled::Committed { removable }
        });
    }
    let urls: Vec<_> = answers
        .iter()
        .flat_map(Settled::removable)
        .chain(orphaned)
        .map(Url::as_str)
        .collect();
    discards::add(&transaction, &urls, now).await?;
    // Last, since it holds the owners' rows.
    insert_events(&transaction, &failed_operations.events).await?;
    statements::record_events(&transaction, &live, &alive, &failed.ended, now).await?;
    commit(transaction, &live).await?;
    Ok(Attempt::Settled(answers))
}

/// The commit point. Tests crash here only for versions: scheduled jobs may settle at any time.
async fn commit(transaction: DatabaseTransaction, live: &[&Settlement]) -> Result<(), DbError> {
    let has_versions = !live.is_empty();
    if has_versions {
        crash_points::reach(CrashPoint::BeforeOutcome);
    }
    transaction.commit().await?;
    if has_versions {
        crash_points::reach(CrashPoint::AfterOutcome);
    }
    Ok(())
}

/// The bytes that the committed outcome of a live version leaves without a row.
fn removable(
    settlement: &Settlement,
    blobs: &HashMap<ContentKey, (Uuid, String)>,
    kept: &HashSet<Uuid>,
) -> Vec<Url> {
    let (activation, work) = match (&settlement.outcome, &settlement.work) {
        (Outcome::Activated(activation), Some(work)) => (activation, work),
        (Outcome::Failed { leftovers, .. }, Some(work)) if !kept.contains(&work.version.0) => {
            let mut urls = leftovers.clone();
            if let Some(upload) = &work.upload {
                urls.retain(|url| *url != upload.staged);
                urls.push(upload.staged.clone());
            }
            return urls;
        }
        _ => return Vec::new(),
    };
    let mut urls = activation.leftovers.clone();
    let kept = ContentKey::of(work)
        .and_then(|key| blobs.get(&key))
        .is_some_and(|(_, url)| url == activation.location.as_str());
    if activation.origin != BlobOrigin::Shared && !kept {
        urls.push(activation.location.clone());
    }
    urls
}

/// The leftover bytes of an attempt whose version was deleted meanwhile, or settled by another job.
/// In the latter case a row may need them: the keys are the same.
async fn left_over(
    transaction: &DatabaseTransaction,
    settlement: &Settlement,
) -> Result<Vec<Url>, DbError> {
    let (Outcome::Activated(activation), Some(work)) = (&settlement.outcome, &settlement.work)
    else {
        return Ok(Vec::new());
    };
    let Some(upload) = &work.upload else {
        return Ok(Vec::new());
    };
    let mut urls = activation.leftovers.clone();
    if activation.origin != BlobOrigin::Shared {
        urls.push(activation.location.clone());
    }
    let found = urls.iter().map(|url| FoundObject {
        url: url.clone(),
        staged: upload.staged.clone(),
        size: work.size,
    });
    let unreferred = unreferred(transaction, &found.collect::<Vec<_>>()).await?;
    urls.retain(|url| unreferred.iter().any(|stray| stray == url.as_str()));
    Ok(urls)
}
