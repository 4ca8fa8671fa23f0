//! What becomes of entries whose names are taken.

use std::collections::{HashMap, HashSet};

use super::arrival::{HandIn, ImportArrival};
use super::create::ConflictPolicy;
use super::fate::Fate;
use super::names::{free, taken};
use super::read::Import;
use crate::{DatabaseTransaction, DbError};
use domain::{DocumentId, DocumentName, ItemCode};

/// Decides by names what becomes of the arrivals of a chunk that are to be documents.
///
/// A document that the manifest describes gets its name back, even if others of the archive
/// have it: it only conflicts with what was there before the import began. A plain file
/// conflicts with whatever is there when its turn comes.
pub(super) async fn resolve(
    transaction: &DatabaseTransaction,
    import: &Import,
    request: &HandIn<'_>,
    fates: &mut [Fate],
) -> Result<(), DbError> {
    let others = Others::load(transaction, import, request.arrivals).await?;
    let mut used: HashMap<String, DocumentId> = HashMap::new();
    let mut renamed = Vec::new();
    for (index, (fate, arrival)) in fates.iter_mut().zip(request.arrivals).enumerate() {
        if let Fate::Failed(ItemCode::QuotaExceeded) = fate {
            *fate = without_room(others.have(arrival), import.on_conflict);
            continue;
        }
        let Fate::Document(name, id) = &*fate else {
            continue;
        };
        let other = if arrival.is_described {
            others.before.get(name.as_str())
        } else {
            others.now.get(name.as_str()).or(used.get(name.as_str()))
        };
        let Some(other) = other.copied() else {
            used.entry(name.as_str().to_owned()).or_insert(*id);
            continue;
        };
        match import.on_conflict {
            ConflictPolicy::Skip => *fate = Fate::Skipped(ItemCode::NameTaken),
            ConflictPolicy::Fail => *fate = Fate::Failed(ItemCode::NameTaken),
            ConflictPolicy::NewVersion => *fate = Fate::Versions(other),
            ConflictPolicy::Rename => renamed.push((index, name.clone())),
        }
    }
    rename(transaction, import, renamed, (fates, request, used)).await
}

/// What becomes of an item that the quota has no room for: one whose name is taken was perhaps
/// never to become anything.
const fn without_room(is_name_taken: bool, policy: ConflictPolicy) -> Fate {
    match (is_name_taken, policy) {
        (true, ConflictPolicy::Skip) => Fate::Skipped(ItemCode::NameTaken),
        (true, ConflictPolicy::Fail) => Fate::Failed(ItemCode::NameTaken),
        _ => Fate::Failed(ItemCode::QuotaExceeded),
    }
}

type Rest<'a> = (&'a mut [Fate], &'a HandIn<'a>, HashMap<String, DocumentId>);

/// Gives numbers to those at `renamed`; one that gets none has failed.
async fn rename(
    transaction: &DatabaseTransaction,
    import: &Import,
    renamed: Vec<(usize, DocumentName)>,
    (fates, request, used): Rest<'_>,
) -> Result<(), DbError> {
    if renamed.is_empty() {
        return Ok(());
    }
    let mut used: HashSet<String> = used.into_keys().collect();
    let (places, names): (Vec<_>, Vec<_>) = renamed.into_iter().unzip();
    let free = free(transaction, import.owner, &names, &mut used).await?;
    for (index, name) in places.into_iter().zip(free) {
        fates[index] = match name {
            Some(name) => Fate::Document(name, DocumentId::new(request.now)),
            None => Fate::Failed(ItemCode::NameTaken),
        };
    }
    Ok(())
}

/// The documents that have the names of a chunk.
struct Others {
    /// Those that conflict with plain files.
    now: HashMap<String, DocumentId>,
    /// Those that conflict with what the manifest describes.
    before: HashMap<String, DocumentId>,
}

impl Others {
    /// Whether one of them has the name of an arrival.
    fn have(&self, arrival: &ImportArrival) -> bool {
        let others = if arrival.is_described {
            &self.before
        } else {
            &self.now
        };
        others.contains_key(arrival.name.as_str())
    }

    async fn load(
        transaction: &DatabaseTransaction,
        import: &Import,
        arrivals: &[ImportArrival],
    ) -> Result<Self, DbError> {
        let names = |is_described| {
            let arrivals = arrivals.iter();
            let arrivals = arrivals.filter(move |arrival| arrival.is_described == is_described);
            let names: HashSet<_> = arrivals.map(|arrival| arrival.name.as_str()).collect();
            names.into_iter().collect::<Vec<_>>()
        };
        let (plain, described) = (names(false), names(true));
        let (owner, began) = (import.owner, Some(import.began));
        Ok(Self {
            now: taken(transaction, owner, &plain, None).await?,
            before: taken(transaction, owner, &described, began).await?,
        })
    }
}
