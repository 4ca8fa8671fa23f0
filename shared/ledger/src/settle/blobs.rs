//! References to content: one blob for all versions with the same bytes.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use uuid::Uuid;

use super::{Activation, BlobOrigin, Outcome, Settlement};
use crate::DatabaseTransaction;
use crate::DbError;
use crate::batch::{Columns, Kind, parameter, query};
use crate::work::PendingWork;
use domain::{JobId, Timestamp};

/// Content: digest and length.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentKey {
    sha256: String,
    size_bytes: i64,
}

impl ContentKey {
    /// `None` if nobody can tell.
    pub fn of(work: &PendingWork) -> Option<Self> {
        let upload = work.upload.as_ref()?;
        Some(Self {
            sha256: upload.sha256.to_string(),
            size_bytes: work.size.as_i64(),
        })
    }
}

const BLOBS: &Columns = &[
    ("id", Kind::Uuid),
    ("sha256", Kind::Text),
    ("size_bytes", Kind::Integer),
    ("storage_url", Kind::Text),
    ("refs", Kind::Integer),
];

#[derive(Serialize)]
struct BlobRow<'a> {
    id: Uuid,
    sha256: &'a str,
    size_bytes: i64,
    storage_url: &'a str,
    refs: i64,
}

/// What the activations of one group want of one content.
struct Wanted<'a> {
    /// Preferably one that wrote the bytes: it can make the blob.
    activation: &'a Activation,
    refs: i64,
    jobs: Vec<JobId>,
}

/// Adds a reference for each activation and gives id and URL of each content.
/// `Err` names the jobs whose content is gone; the transaction is then to be dropped.
pub async fn hold_blobs(
    transaction: &DatabaseTransaction,
    live: &[&Settlement],
    now: Timestamp,
) -> Result<Result<HashMap<ContentKey, (Uuid, String)>, HashSet<JobId>>, DbError> {
    let mut wanted: HashMap<ContentKey, Wanted<'_>> = HashMap::new();
    for settlement in live {
        let (Outcome::Activated(activation), Some(work)) = (&settlement.outcome, &settlement.work)
        else {
            continue;
        };
        let Some(key) = ContentKey::of(work) else {
            continue;
        };
        let entry = wanted.entry(key).or_insert_with(|| Wanted {
            activation,
            refs: 0,
            jobs: Vec::new(),
        });
        entry.refs += 1;
        entry.jobs.push(settlement.job.id);
        if activation.origin == BlobOrigin::Stored {
            entry.activation = activation;
        }
    }
    hold_known(transaction, &wanted).await?;
    let of = |is_wanted: fn(BlobOrigin) -> bool| {
        let mut list: Vec<_> = wanted
            .iter()
            .filter(|(_, wanted)| is_wanted(wanted.activation.origin))
            .collect();
        // In one order, so that two groups that make the same ones don't wait for each other.
        list.sort_by_key(|(key, _)| *key);
        list.into_iter().map(blob_row).collect::<Vec<_>>()
    };
    let list = transaction.dialect().rows(BLOBS);
    let share = format!(
        "UPDATE blobs SET refs = blobs.refs + x.refs FROM {list} \
         WHERE blobs.sha256 = x.sha256 AND blobs.size_bytes = x.size_bytes \
         RETURNING blobs.id, blobs.sha256, blobs.size_bytes, blobs.storage_url"
    );
    let store = format!(
        "INSERT INTO blobs (id, sha256, size_bytes, storage_url, refs, created_at) \
         SELECT x.id, x.sha256, x.size_bytes, x.storage_url, x.refs, $2 FROM {list} WHERE true \
         ORDER BY x.sha256, x.size_bytes \
         ON CONFLICT (sha256, size_bytes) DO UPDATE SET refs = blobs.refs + excluded.refs \
         RETURNING id, sha256, size_bytes, storage_url"
    );
    let mut held = HashMap::new();
    let shared = of(|origin| origin != BlobOrigin::Stored);
    let stored = of(|origin| origin == BlobOrigin::Stored);
    let mut found = Vec::new();
    if !shared.is_empty() {
        found.extend(query(transaction, share, [parameter(&shared)?]).await?);
    }
    if !stored.is_empty() {
        found.extend(
            query(
                transaction,
                store,
                [parameter(&stored)?, now.as_micros().into()],
            )
            .await?,
        );
    }
    for row in found {
        let key = ContentKey {
            sha256: row.try_get_by_index(1)?,
            size_bytes: row.try_get_by_index(2)?,
        };
        held.insert(key, (row.try_get_by_index(0)?, row.try_get_by_index(3)?));
    }
    let gone = wanted
        .iter()
        .filter(|(key, _)| !held.contains_key(key))
        .flat_map(|(_, wanted)| wanted.jobs.clone());
    let gone: HashSet<_> = gone.collect();
    Ok(if gone.is_empty() { Ok(held) } else { Err(gone) })
}

/// Locks those that are there in one order, so that two groups, or a group and a deletion, don't
/// wait for each other: an UPDATE takes them in whatever order its plan has.
async fn hold_known(
    transaction: &DatabaseTransaction,
    wanted: &HashMap<ContentKey, Wanted<'_>>,
) -> Result<(), DbError> {
    let dialect = transaction.dialect();
    if dialect.has_one_writer() || wanted.len() < 2 {
        // One needs no order, and SQLite has one writer.
        return Ok(());
    }
    let hold = format!(
        "SELECT count(*) FROM (SELECT 1 FROM blobs JOIN {} ON blobs.sha256 = x.sha256 \
         AND blobs.size_bytes = x.size_bytes ORDER BY blobs.sha256, blobs.size_bytes FOR NO KEY UPDATE OF blobs) AS held",
        dialect.rows(BLOBS)
    );
    let list: Vec<_> = wanted.iter().map(blob_row).collect();
    query(transaction, hold, [parameter(&list)?]).await?;
    Ok(())
}

fn blob_row<'a>((key, wanted): (&'a ContentKey, &Wanted<'a>)) -> BlobRow<'a> {
    BlobRow {
        id: wanted.activation.blob.0,
        sha256: &key.sha256,
        size_bytes: key.size_bytes,
        storage_url: wanted.activation.location.as_str(),
        refs: wanted.refs,
    }
}
