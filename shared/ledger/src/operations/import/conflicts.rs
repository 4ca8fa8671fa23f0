//! Resolves conflicts of names between entries and documents.

use std::collections::{HashMap, HashSet};

use super::chunk::{ImportChunk, StagedItem};
use super::create::ConflictPolicy;
use super::entry_outcome::EntryOutcome;
use super::names::{find_free, find_taken};
use super::read::Import;
use crate::{DatabaseTransaction, DbError};
use domain::{DocumentId, DocumentName, ItemCode};

/// Applies the conflict policy to the items of a chunk that are to become documents.
///
/// A document that the manifest describes conflicts only with documents older than the import, so
/// that several of one archive may have the same name. A plain file conflicts with any document
/// that exists by then.
pub(super) async fn resolve(
    transaction: &DatabaseTransaction,
    import: &Import,
    request: &ImportChunk<'_>,
    outcomes: &mut [EntryOutcome],
) -> Result<(), DbError> {
    let others = Others::load(transaction, import, request.items).await?;
    let mut used: HashMap<String, DocumentId> = HashMap::new();
    let mut renamed = Vec::new();
    for (index, (outcome, item)) in outcomes.iter_mut().zip(request.items).enumerate() {
        if let EntryOutcome::Failed(ItemCode::QuotaExceeded) = outcome {
            *outcome = without_room(others.have(item), import.on_conflict);
            continue;
        }
        let EntryOutcome::NewDocument(name, id) = &*outcome else {
            continue;
        };
        let other = if item.is_described {
            others.before.get(name.as_str())
        } else {
            others.now.get(name.as_str()).or(used.get(name.as_str()))
        };
        let Some(other) = other.copied() else {
            used.entry(name.as_str().to_owned()).or_insert(*id);
            continue;
        };
        match import.on_conflict {
            ConflictPolicy::Skip => *outcome = EntryOutcome::Skipped(ItemCode::NameTaken),
            ConflictPolicy::Fail => *outcome = EntryOutcome::Failed(ItemCode::NameTaken),
            ConflictPolicy::NewVersion => *outcome = EntryOutcome::NewVersions(other),
            ConflictPolicy::Rename => renamed.push((index, name.clone())),
        }
    }
    rename(transaction, import, renamed, (outcomes, request, used)).await
}

/// The outcome of an item that exceeds the quota. One whose name is taken may have been skipped or
/// failed anyway.
const fn without_room(is_name_taken: bool, policy: ConflictPolicy) -> EntryOutcome {
    match (is_name_taken, policy) {
        (true, ConflictPolicy::Skip) => EntryOutcome::Skipped(ItemCode::NameTaken),
        (true, ConflictPolicy::Fail) => EntryOutcome::Failed(ItemCode::NameTaken),
        _ => EntryOutcome::Failed(ItemCode::QuotaExceeded),
    }
}

type Rest<'a> = (
    &'a mut [EntryOutcome],
    &'a ImportChunk<'a>,
    HashMap<String, DocumentId>,
);

/// Numbers the items at `renamed`; one for which no number is free fails.
async fn rename(
    transaction: &DatabaseTransaction,
    import: &Import,
    renamed: Vec<(usize, DocumentName)>,
    (outcomes, request, used): Rest<'_>,
) -> Result<(), DbError> {
    if renamed.is_empty() {
        return Ok(());
    }
    let mut used: HashSet<String> = used.into_keys().collect();
    let (places, names): (Vec<_>, Vec<_>) = renamed.into_iter().unzip();
    let free = find_free(transaction, import.owner, &names, &mut used).await?;
    for (index, name) in places.into_iter().zip(free) {
        outcomes[index] = match name {
            Some(name) => EntryOutcome::NewDocument(name, DocumentId::new(request.now)),
            None => EntryOutcome::Failed(ItemCode::NameTaken),
        };
    }
    Ok(())
}

/// The documents that have names of a chunk.
struct Others {
    /// Those that conflict with plain files.
    now: HashMap<String, DocumentId>,
    /// Those that conflict with what the manifest describes.
    before: HashMap<String, DocumentId>,
}

impl Others {
    /// Whether one of them has the name of an item.
    fn have(&self, item: &StagedItem) -> bool {
        let others = if item.is_described {
            &self.before
        } else {
            &self.now
        };
        others.contains_key(item.name.as_str())
    }

    async fn load(
        transaction: &DatabaseTransaction,
        import: &Import,
        items: &[StagedItem],
    ) -> Result<Self, DbError> {
        let names = |is_described| {
            let items = items.iter();
            let items = items.filter(move |item| item.is_described == is_described);
            let names: HashSet<_> = items.map(|item| item.name.as_str()).collect();
            names.into_iter().collect::<Vec<_>>()
        };
        let (plain, described) = (names(false), names(true));
        let (owner, began) = (import.owner, Some(import.began));
        Ok(Self {
            now: find_taken(transaction, owner, &plain, None).await?,
            before: find_taken(transaction, owner, &described, began).await?,
        })
    }
}
