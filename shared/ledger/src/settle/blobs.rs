//! References to content: one blob for all versions with the same bytes.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Activation, BlobOrigin, Outcome, Settlement};
use crate::DatabaseTransaction;
use crate::DbError;
use crate::tables::blobs::{NewBlob, add_references, insert_blobs, lock_known};
use crate::work::PendingWork;
use domain::{JobId, Timestamp};

/// Content: digest and length.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentKey {
    sha256: String,
    size_bytes: i64,
}

impl ContentKey {
    /// `None` if the digest isn't known.
    pub fn of(work: &PendingWork) -> Option<Self> {
        let upload = work.upload.as_ref()?;
        Some(Self {
            sha256: upload.sha256.to_string(),
            size_bytes: work.size.as_i64(),
        })
    }
}

/// The references to one content that a group adds.
struct Wanted<'a> {
    /// Preferably one that wrote the bytes, since it can create the blob.
    activation: &'a Activation,
    refs: i64,
    jobs: Vec<JobId>,
}

/// Adds a reference for each activation and returns id and URL of each content. `Err` names the
/// jobs whose content is gone; the transaction must then be rolled back.
pub async fn reference_blobs(
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
    let of = |is_wanted: fn(BlobOrigin) -> bool| {
        let mut list: Vec<_> = wanted
            .iter()
            .filter(|(_, wanted)| is_wanted(wanted.activation.origin))
            .collect();
        // In one order, so that two groups with the same content don't deadlock.
        list.sort_by_key(|(key, _)| *key);
        list.into_iter().map(new_blob).collect::<Vec<_>>()
    };
    let shared = of(|origin| origin != BlobOrigin::Stored);
    let stored = of(|origin| origin == BlobOrigin::Stored);
    // What is inserted is locked in its order; an UPDATE has none.
    if !shared.is_empty() && wanted.len() > 1 {
        let all: Vec<_> = wanted.iter().map(new_blob).collect();
        lock_known(transaction, &all).await?;
    }
    let mut held = HashMap::new();
    let shared = add_references(transaction, &shared).await?;
    let stored = insert_blobs(transaction, &stored, now).await?;
    for blob in shared.into_iter().chain(stored) {
        let key = ContentKey {
            sha256: blob.sha256,
            size_bytes: blob.size_bytes,
        };
        held.insert(key, (blob.id, blob.storage_url));
    }
    let gone = wanted
        .iter()
        .filter(|(key, _)| !held.contains_key(key))
        .flat_map(|(_, wanted)| wanted.jobs.clone());
    let gone: HashSet<_> = gone.collect();
    Ok(if gone.is_empty() { Ok(held) } else { Err(gone) })
}

fn new_blob<'a>((key, wanted): (&'a ContentKey, &Wanted<'a>)) -> NewBlob<'a> {
    NewBlob {
        id: wanted.activation.blob,
        sha256: &key.sha256,
        size_bytes: key.size_bytes,
        storage_url: wanted.activation.location.as_str(),
        refs: wanted.refs,
    }
}
